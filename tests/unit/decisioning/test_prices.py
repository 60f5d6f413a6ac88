"""Prices by grade, segment and tenor: every engine agrees, no better grade pays more."""

from typing import Any

import orjson
import pytest
from tests.unit.decisioning.cases import CLEAN, asked
from tests.unit.decisioning.policies import base_document, full_document

from counterfoil.decisioning import python_offer
from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.customer_explanation import explain_to_customer
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.document import BASE_POLICY, load_policy, policy_of
from counterfoil.decisioning.gate import publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.reading import InvalidPolicyError

BASE = load_policy(BASE_POLICY)
GRADES = [grade.code for grade in BASE.grades]
SEGMENTS = [segment.code for segment in BASE.segments]
TENORS = asked().tenors_months


def cell(grade: str, rate_daily_e8: int, **more: Any) -> dict[str, Any]:
    return {"grade": grade, "rate_daily_e8": rate_daily_e8, **more}


def priced(*cells: dict[str, Any], document: dict[str, Any] | None = None) -> Policy:
    return policy_of((document or base_document()) | {"price": list(cells)})


def by_tenor(document: dict[str, Any] | None = None) -> Policy:
    """Return a policy in which each further tenor costs a little more, and one segment less."""
    cells = [
        cell(grade.code, grade.rate_daily_e8 - 900 + 300 * number, tenor_months=months)
        for grade in BASE.grades
        for number, months in enumerate(TENORS)
    ]
    cells += [
        cell(grade.code, grade.rate_daily_e8 - 1_000, tenor_months=TENORS[0], segment=SEGMENTS[-1])
        for grade in BASE.grades
    ]
    return priced(*cells, document=document)


@pytest.mark.parametrize("document", [base_document(), full_document()], ids=["base", "full"])
def test_every_engine_gives_the_same_prices_by_tenor(document: dict[str, Any]) -> None:
    policy = by_tenor(document)
    cases = [GateCase(case, asked()) for case in generated_cases(policy, most=800)]
    report = publication_check(policy, [GateCase(CLEAN, asked())], cases)
    assert report.differences_count == 0
    assert not report.faults
    compiled = compile_python(policy)
    offers = [compiled.decide(case.features, case.asked) for case in cases]
    offers = [made for made in offers if made.rate_daily_e8 is not None]
    assert offers
    for made in offers:
        assert len(made.rates_daily_e8) == len(made.tenors_months)
        assert max(made.rates_daily_e8) == made.rate_daily_e8
        assert made.result_document()["rates_daily_e8"] == list(made.rates_daily_e8)


def test_an_engine_that_prices_one_tenor_wrongly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = by_tenor()
    compiled = compile_python(policy)
    offered = compiled.decide(CLEAN, asked())
    assert offered.outcome is Outcome.APPROVED
    usual = python_offer.Rates.__call__

    def wrong(self: Any, *given: Any) -> tuple[int, ...]:
        first, *others = usual(self, *given)
        return (first - 1, *others)

    monkeypatch.setattr(python_offer.Rates, "__call__", wrong)
    report = publication_check(policy, [GateCase(CLEAN, asked())], [])
    assert report.differences_count


def test_a_policy_without_cells_says_nothing_of_tenors() -> None:
    made = BASE.decide(CLEAN, asked())
    assert made.rates_daily_e8 == ()
    assert "rates_daily_e8" not in made.result_document()


def test_a_price_outside_the_product_in_one_tenor_is_no_offer_and_is_not_clipped() -> None:
    low = asked().rate_daily_min_e8
    cells = [cell(grade, low - 1, tenor_months=TENORS[0]) for grade in GRADES]
    policy = priced(*cells)
    for engine in (policy.decide, compile_python(policy).decide):
        made = engine(CLEAN, asked())
        assert made.outcome is Outcome.DECLINED
        assert made.rate_daily_e8 is None
        assert "offer_out_of_range" in made.flags
    report = publication_check(policy, [GateCase(CLEAN, asked())], [])
    assert report.differences_count == 0


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([cell("A", 1, tenor_months=3)], "better grade"),
        ([cell("A", 20_000)], "tenor_months"),
        ([cell("Z", 20_000, tenor_months=3)], "no grade"),
        ([cell("A", 20_000, tenor_months=3, segment="nobody")], "no segment"),
        ([cell("A", 20_000, tenor_months=0)], "lies between"),
        ([cell("A", 20_000, tenor_months=3)] * 2, "twice"),
        ([cell("A", 0, tenor_months=3)], "not above 0"),
        ([cell("A", 70_000, tenor_months=3)], "passes the yearly cap"),
        (
            [cell("A", 20_000, tenor_months=3), cell("A", 20_000, segment=SEGMENTS[0])],
            "write that of both",
        ),
    ],
)
def test_a_grid_that_is_not_in_order_is_refused(cells: list[dict[str, Any]], told: str) -> None:
    best, worst = GRADES[0], GRADES[-1]
    named = {"A": worst if told in ("better grade", "passes the yearly cap") else best, "Z": "Z"}
    given = [item | {"grade": named[item["grade"]]} for item in cells]
    with pytest.raises(InvalidPolicyError, match=told):
        priced(*given)


def test_no_better_grade_pays_more_for_the_same_segment_and_tenor() -> None:
    policy = by_tenor()
    for segment in SEGMENTS:
        for months in (*TENORS, None):
            prices = [grade.rate_of(segment, months) for grade in policy.grades]
            assert prices == sorted(prices)


def test_who_is_asked_for_nothing_else_pays_the_same_whoever_it_is() -> None:
    policy = compile_python(by_tenor())
    plain = policy.decide(CLEAN, asked())
    for trait in ({"sex": "f"}, {"region": "west"}, {"customer_id": 7}, {"marriage": "single"}):
        made = policy.decide(CLEAN | trait, asked())
        assert (made.limit_minor, made.rates_daily_e8) == (plain.limit_minor, plain.rates_daily_e8)


def test_the_customer_is_told_the_price_of_each_tenor() -> None:
    for policy in (by_tenor(), BASE):
        made = policy.decide(CLEAN, asked())
        told = explain_to_customer(
            policy,
            orjson.loads(made.inputs()),
            orjson.loads(made.result()),
            outcome="approved",
            by_person=False,
        )
        assert told.price is not None
        expected = tuple(zip(made.tenors_months, made.rates_daily_e8, strict=False))
        assert told.price.by_tenor == expected
        assert bool(expected) == policy.prices_tenors
