"""A customer's choices: a person decides, or the offer is the standard one; replayed like all."""

from dataclasses import replace

import pytest
from tests.unit.decisioning.cases import CLEAN, POLICY, asked, decide

from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.honouring import (
    PERSON_WISHED,
    STANDARD_OFFERED,
    honour,
    standard_of,
)
from counterfoil.decisioning.redecision import Correction, decide_again
from counterfoil.decisioning.replay import record_of, replay
from counterfoil.decisioning.wishes import NO_WISHES, Standard, Wishes, wishes_of

STANDARD = standard_of(POLICY.decide({}, asked()))
PERSON = Wishes(person_days=30)


def wished(wishes: Wishes, **facts: Value | None) -> Decision:
    return honour(POLICY.decide(CLEAN | facts, replace(asked(), wishes=wishes)))


def test_the_standard_offer_is_what_somebody_unknown_gets() -> None:
    expected = Standard(limit_minor=300_000, rate_daily_e8=43_000, tenors_months=(3, 6, 9, 12))
    assert standard_of(POLICY.decide({}, asked())) == expected


def test_without_a_choice_nothing_changes_and_nothing_is_recorded() -> None:
    plain = POLICY.decide(CLEAN, asked())
    assert wished(NO_WISHES) == plain
    assert b"wishes" not in plain.inputs()


@pytest.mark.parametrize("facts", [{}, {"lenders_count": 7}, {"is_student": True}])
def test_whoever_wishes_a_person_is_referred_with_what_the_policy_proposes(
    facts: dict[str, Value | None],
) -> None:
    plain, found = POLICY.decide(CLEAN | facts, asked()), wished(PERSON, **facts)
    assert found.outcome is Outcome.REFERRED
    assert PERSON_WISHED in found.flags
    assert found.valid_until is not None
    same = ("limit_minor", "rate_daily_e8", "tenors_months", "reasons", "verdicts", "grade")
    assert [getattr(found, name) for name in same] == [getattr(plain, name) for name in same]


def test_a_standard_offer_does_not_depend_on_the_person_who_gets_it() -> None:
    assert STANDARD is not None
    wishes = Wishes(standard=STANDARD)
    offers = [
        wished(wishes, **facts)
        for facts in ({}, {"utilisation_ppm": 5_000}, {"late_months_count": 1})
    ]
    assert {(x.limit_minor, x.rate_daily_e8, x.tenors_months) for x in offers} == {
        (300_000, 43_000, (3, 6, 9, 12))
    }
    assert {x.reasons for x in offers} == {(STANDARD_OFFERED,)}
    assert {x.binding for x in offers} == {"standard"}
    declined = wished(wishes, lenders_count=7)
    assert (declined.outcome, declined.limit_minor) == (Outcome.DECLINED, 0)
    tight = wished(wishes, income_monthly_minor=200_000, debt_monthly_minor=130_000)
    assert (tight.limit_minor, tight.binding) == (120_000, "capacity")


@pytest.mark.parametrize("wishes", [PERSON, Wishes(standard=STANDARD, person_days=7)])
def test_a_replay_honours_what_was_chosen(wishes: Wishes) -> None:
    decision = wished(wishes)
    assert replay(POLICY, record_of(decision)).is_same
    assert wishes_of(wishes.document()) == wishes


def test_a_person_decides_on_the_policys_own_answer() -> None:
    stored = record_of(wished(PERSON, lenders_count=7))
    again = decide_again(
        POLICY.decide,
        stored,
        Correction(set_aside=("R09",)),
        question=replace(asked(), wishes=PERSON),
        by_person=True,
    )
    assert (again.outcome, again.limit_minor) == (Outcome.APPROVED, decide().limit_minor)
    supplied = decide_again(
        POLICY.decide,
        stored,
        Correction(facts={"lenders_count": 1}),
        question=replace(asked(), wishes=PERSON),
        by_person=False,
    )
    assert (supplied.outcome, supplied.limit_minor) == (Outcome.REFERRED, decide().limit_minor)
