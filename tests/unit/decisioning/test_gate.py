"""The gate: what it lets through, what it refuses, and that it sees a compiler that is wrong."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, asked
from tests.unit.decisioning.policies import base_document, full_policy, rule

from counterfoil.decisioning import compile_polars, polars_text, python_text
from counterfoil.decisioning.boundary import borders_of, generated_cases
from counterfoil.decisioning.document import BASE_POLICY, load_policy, policy_of
from counterfoil.decisioning.expression import Comparison
from counterfoil.decisioning.gate import GateReport, publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.publication import Consent, GateRecord, check_report, publish
from counterfoil.decisioning.rule_reach import reach
from counterfoil.decisioning.rule_text import parse_rule
from counterfoil.kernel.errors import Refused

BASE = load_policy(BASE_POLICY)


def gated(policy: Policy, most: int = 1_500, **more: Any) -> GateReport:
    cases = [GateCase(case, asked()) for case in generated_cases(policy, most=most)]
    replayed = [GateCase(CLEAN, asked()), GateCase(NEWCOMER, asked(requested_minor=90_000))]
    return publication_check(policy, replayed, cases, **more)


@pytest.mark.parametrize("policy", [BASE, full_policy()], ids=["base", "full"])
def test_a_sound_policy_passes_with_every_rule_covered(policy: Policy) -> None:
    report = gated(policy)
    assert report.faults == []
    assert (report.replayed, report.differences_count) == (2, 0)
    for code, cover in report.coverage["generated"].items():
        assert cover.true, code
        assert cover.false, code
    document = report.document()
    assert document["passed"] is True
    assert report.digest() == gated(policy).digest()
    assert orjson.loads(orjson.dumps(document))["policy_hash"] == policy.hash


DEAD: list[tuple[str, str]] = [
    ("age_years > 130", "never be true"),
    ("age_years >= 0", "never be false"),
    ("history_months > 6 AND history_months < 3", "never be true"),
    ("history_months > 3 OR history_months < 6", "never be false"),
    ("purpose = 'travel' AND purpose = 'medical'", "never be true"),
    ("purpose = 'gambling'", "never be true"),
    ("lenders_count = lenders_count", "never be false"),
    ("utilisation_ppm * 0 > 5", "never be true"),
    ("COALESCE(lenders_count, 0) IS NULL", "never be true"),
    # Nothing in the ranges of single features shows these; no application reaches them either.
    ("late_months_count > 3 AND late_months_count * 2 < 7", "dead"),
    ("NOT (is_student AND NOT is_student)", "always true"),
]


@pytest.mark.parametrize(("when", "reason"), DEAD)
def test_what_nothing_can_reach_is_refused(when: str, reason: str) -> None:
    document = base_document()
    stage = "eligibility" if "age" in when else "risk"
    document["rules"].append(rule("X01", when, stage=stage, reason="PERSON_DECIDES"))
    report = gated(policy_of(document), most=900)
    assert not report.passed
    (fault,) = report.faults
    assert fault.place == "policy.rules[X01].when"
    assert reason in fault.reason


def test_a_segment_behind_another_takes_nobody() -> None:
    document = base_document()
    shadowed = document["segments"][0] | {"code": "later"}
    document["segments"].insert(1, shadowed)
    for grade in document["grades"]:
        grade["limits_minor"]["later"] = 0
    report = gated(policy_of(document), most=400)
    assert ("policy.segments[later]", "takes nobody") in report.faults


def test_a_compiler_that_is_wrong_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dict(python_text._COMPARE) | {Comparison.GREATER_OR_EQUAL: ">"}
    monkeypatch.setattr(python_text, "_COMPARE", wrong)
    report = gated(BASE)
    assert not report.passed
    assert report.differences[0].engine == "python"
    assert "differ between engines" in report.faults[-1].reason


def test_a_batch_that_takes_unknown_for_false_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = polars_text.expression_of
    monkeypatch.setattr(
        compile_polars,
        "expression_of",
        lambda node, columns, texts: honest(node, columns, texts).fill_null(value=False),
    )
    report = gated(BASE)
    assert report.differences_count > 100
    assert {item.engine for item in report.differences} == {"polars"}


def test_swaps_against_the_live_version_are_counted() -> None:
    document = base_document()
    document["grades"][0]["limits_minor"]["recorded"] = 0
    for grade in document["grades"]:
        grade["limits_minor"] = dict.fromkeys(grade["limits_minor"], 0)
    report = gated(policy_of(document), most=100, live=BASE)
    assert {name: swap.cases for name, swap in report.impact.swaps.items()} == {
        "approved>declined": 2
    }
    assert report.live_hash == BASE.hash


def test_publication_needs_a_report_that_passed_and_two_persons() -> None:
    report = gated(BASE, most=100)
    report.faults.clear()
    assert check_report(report) is None
    at = datetime(2026, 1, 5, tzinfo=UTC)
    gate = GateRecord(
        gate_id=1,
        policy_hash=BASE.hash,
        report_sha256=report.digest(),
        report=b"{}",
        passed=True,
        made_by="ana",
        made_at=at,
    )
    alone = publish(
        gate,
        Consent(approval_id=1, author="ana", approver="ana"),
        publication_id=2,
        purpose="origination",
        at=at,
    )
    assert isinstance(alone, Refused)
    assert alone.code == "policy_approved_by_author"
    both = publish(
        gate,
        Consent(approval_id=1, author="ana", approver="bo"),
        publication_id=2,
        purpose="origination",
        at=at,
    )
    assert not isinstance(both, Refused)
    assert both.policy_hash == BASE.hash


def test_borders_hold_each_threshold_with_its_neighbours_and_where_products_flip() -> None:
    borders = borders_of(BASE)
    assert {0, 1, 2, 5, 6, 7} <= set(borders["history_months"])
    assert borders["is_student"] == [True, False, None]
    debts = [value for value in borders["debt_monthly_minor"] if isinstance(value, int)]
    incomes = [value for value in borders["income_monthly_minor"] if isinstance(value, int)]
    flips = [(d, i) for d in debts for i in incomes if d * 100 > i * 70 and (d - 1) * 100 <= i * 70]
    assert flips


def test_reach_is_never_wrong_about_what_can_be() -> None:
    shapes = {item.name: item.shape for item in BASE.features}
    for one in BASE.rules:
        assert reach(one.when, shapes) == (True, True)
    can = reach(parse_rule("CASE WHEN is_student THEN age_years > 200 ELSE TRUE END"), shapes)
    assert can == (True, True)
