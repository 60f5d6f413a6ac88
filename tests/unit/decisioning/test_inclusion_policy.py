"""The shipped policy for customers of whom a record says little: who is in which segment, and what
that does and does not change."""

import pytest
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, asked

from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.inclusion import ELDERLY_YEARS_MIN, KINDS, THIN_MONTHS_MAX, YOUNG_YEARS
from counterfoil.journeys.policies import ORIGINATION, SHIPPED

POLICY = load_policy("base-2026-03")
ENGINE = compile_python(POLICY)
#: As good as it gets on the card, so that only the segment tells the limits apart.
BEST = CLEAN | {"utilisation_ppm": 50_000, "income_monthly_minor": 50_000_000}


def decide(**changes: Value | None) -> Decision:
    case = BEST | changes
    decision = ENGINE.decide(case, asked())
    assert decision == POLICY.decide(case, asked())
    return decision


def test_it_decides_nothing_until_somebody_publishes_it() -> None:
    assert SHIPPED[ORIGINATION] == "base-2026-02"


@pytest.mark.parametrize(
    ("changes", "segment"),
    [
        ({"is_student": True}, "student"),
        ({"age_years": ELDERLY_YEARS_MIN}, "elderly"),
        ({"age_years": ELDERLY_YEARS_MIN - 1}, "recorded"),
        ({"age_years": YOUNG_YEARS[0]}, "young_adult"),
        ({"age_years": YOUNG_YEARS[1]}, "young_adult"),
        ({"age_years": YOUNG_YEARS[1] + 1}, "recorded"),
        ({"history_months": THIN_MONTHS_MAX - 1}, "thin_file"),
        ({"history_months": THIN_MONTHS_MAX}, "recorded"),
        ({"history_months": None}, "file_unknown"),
    ],
)
def test_kinds_are_those_of_the_inclusion_report(
    changes: dict[str, Value | None], segment: str
) -> None:
    assert decide(**changes).segment == segment
    names = {item.code: item.name_zh for item in POLICY.segments}
    assert set(KINDS) & set(names) == {"student", "thin_file", "elderly", "young_adult"}


def test_equal_risk_pays_an_equal_price_in_every_segment() -> None:
    found = [decide(age_years=age, is_student=False) for age in (20, 40, 65)]
    assert len({(item.grade, item.rate_daily_e8) for item in found}) == 1
    assert [item.limit_minor for item in found] == [2_000_000, 5_000_000, 2_000_000]


def test_no_file_is_neutral_and_starts_small() -> None:
    newcomer = NEWCOMER | {"age_years": 40}
    decision = ENGINE.decide(newcomer, asked())
    assert (decision.outcome, decision.segment) == (Outcome.APPROVED, "thin_file")
    assert decision.points == POLICY.scorecard.base_points
    assert decision.limit_minor == 300_000
    # Who is young or old and has no file starts where everybody without one starts.
    for age in (20, 65):
        assert ENGINE.decide(newcomer | {"age_years": age}, asked()).limit_minor == 300_000
        thin = decide(age_years=age, history_months=5)
        assert thin.limit_minor == 500_000


def test_the_law_comes_first_and_older_customers_are_offered_a_call() -> None:
    assert decide(age_years=17).outcome is Outcome.DECLINED
    student = decide(is_student=True, age_years=20)
    assert (student.outcome, student.limit_minor) == (Outcome.REFERRED, 200_000)
    assert decide(age_years=65).flags == ("R14",)
    assert decide(age_years=59).flags == ()
