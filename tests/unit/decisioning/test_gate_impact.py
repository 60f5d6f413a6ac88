"""What the gate says of a version's tests, dates, movements and groups, and what it refuses."""

from datetime import date
from typing import Any

import pytest
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, asked
from tests.unit.decisioning.policies import base_document, document_of, full_document, rule

from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.document import BASE_POLICY, load_policy, policy_of, read_policy
from counterfoil.decisioning.document_tests import with_texts
from counterfoil.decisioning.gate import GateReport, publication_check
from counterfoil.decisioning.gate_impact import GateCase, impact_of
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.journeys.deciding.publish_policy import cases_to_generate

BASE = load_policy(BASE_POLICY)
#: Declined by the number of lenders, and by nothing else.
INDEBTED = CLEAN | {"lenders_count": 8}


def gated(policy: Policy, replayed: list[GateCase], **more: Any) -> GateReport:
    cases = [GateCase(case, asked()) for case in generated_cases(policy, most=900)]
    return publication_check(policy, replayed, cases, **more)


def tolerant(**tolerances: int) -> Policy:
    return policy_of(base_document() | {"tolerances": tolerances})


# ------------------------------------------------------------------------------- tests and dates


def test_every_verdict_of_every_shipped_rule_has_a_test() -> None:
    names = ("base-2026-01", "base-2026-02", "base-2026-03", "base-2026-04", "raise-2026-01")
    for name in names:
        policy = load_policy(name)
        cases = [GateCase(case, asked()) for case in generated_cases(policy, most=3_000)]
        report = publication_check(policy, [], cases, demands_tests=True)
        assert (name, report.untested, report.faults) == (name, {}, [])


def test_a_rule_without_tests_is_not_published() -> None:
    document = base_document()
    document["rules"].append(rule("X01", "lenders_count > 5"))
    report = gated(policy_of(document), [], demands_tests=True)
    assert [(fault.place, fault.reason) for fault in report.faults] == [
        ("policy.rules[X01]", "has no test in which it is true or false or unknown")
    ]
    assert gated(policy_of(document), []).faults == []


def test_a_test_that_the_rule_does_not_keep_refuses_the_version() -> None:
    document = base_document()
    document["tests"][0]["verdict"] = "false"
    report = gated(policy_of(document), [])
    assert report.faults[0].place == "policy.tests[0]"
    assert "the test says false" in report.faults[0].reason


@pytest.mark.parametrize(
    ("test", "place"),
    [
        ({"rule": "R99", "verdict": "true", "given": {}}, "policy.tests[0].rule"),
        ({"rule": "R01", "verdict": "maybe", "given": {}}, "policy.tests[0].verdict"),
        ({"rule": "R01", "verdict": "true", "given": {"sex": 1}}, "policy.tests[0].given.sex"),
        (
            {"rule": "R01", "verdict": "true", "given": {"late_months_count": 6}},
            "policy.tests[0].given.late_months_count",
        ),
    ],
)
def test_a_test_of_what_is_not_there_is_refused(test: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        policy_of(base_document() | {"tests": [test]})
    assert caught.value.place == place


def dated(begins: str = "2026-02-01", ends: str = "2026-02-28") -> Policy:
    document = full_document()
    document["rules"].append(
        rule("X01", "utilisation_ppm > 1", "decline", effective_from=begins, effective_to=ends)
    )
    return policy_of(document)


@pytest.mark.parametrize(
    ("on", "verdict"),
    [
        ("2026-01-31", "false"),
        ("2026-02-01", "true"),
        ("2026-02-28", "true"),
        ("2026-03-01", "false"),
    ],
)
def test_a_rule_acts_from_its_first_to_its_last_date(on: str, verdict: str) -> None:
    policy, question = dated(), asked(as_of=date.fromisoformat(on))
    decision = policy.decide(CLEAN, question)
    assert decision.verdicts["X01"] == verdict
    assert compile_python(policy).decide(CLEAN, question) == decision


def test_engines_agree_before_within_and_after_a_rules_time() -> None:
    policy = dated()
    cases = cases_to_generate(policy, asked(), most=3_000)
    assert {case.asked.as_of.isoformat() for case in cases} == {
        "2026-01-05",
        "2026-01-31",
        "2026-02-01",
        "2026-02-28",
        "2026-03-01",
    }
    report = publication_check(policy, [], cases)
    assert (report.differences_count, report.faults) == (0, [])


def test_a_date_of_toml_and_its_text_are_the_same_version() -> None:
    assert with_texts({"a": [{"b": date(2026, 2, 1)}]}) == {"a": [{"b": "2026-02-01"}]}
    with pytest.raises(InvalidPolicyError, match="not a date"):
        dated(begins="soon")
    with pytest.raises(InvalidPolicyError, match="before effective_from"):
        dated(begins="2026-03-01")
    with pytest.raises(InvalidPolicyError, match="is not TOML"):
        read_policy("code = 2026-02-30")


# ------------------------------------------------------------------------- movements and tolerances


def test_swaps_tell_amounts_and_how_known_cases_turned_out() -> None:
    document = base_document()
    for item in document["rules"]:
        if item["code"] == "R09":
            item["action"] = "flag"
    ours = compile_python(policy_of(document))
    cases = [
        GateCase(INDEBTED, asked(), is_bad=True),
        GateCase(INDEBTED, asked(), is_bad=False),
        GateCase(INDEBTED, asked()),
        GateCase(CLEAN, asked()),
    ]
    impact = impact_of(ours, compile_python(BASE), cases)
    swap = impact.swaps["declined>approved"]
    assert (swap.cases, swap.known, swap.bad, swap.limit_before_minor) == (3, 2, 1, 0)
    assert swap.limit_after_minor == 3 * BASE.decide(CLEAN, asked()).limit_minor
    assert impact.swaps["approved>approved"].cases == 1
    assert (impact.hits["R09"], impact.hits_live["R09"]) == (3, 3)


@pytest.mark.parametrize(
    "name", ["approve_share_ppm", "decline_share_ppm", "offer_mean_ppm"], ids=str
)
def test_a_version_that_moves_too_far_is_refused_unless_it_is_overridden(name: str) -> None:
    document = base_document() | {"tolerances": {name: 20_000}}
    for grade in document["grades"]:
        limits = {code: minor // 2 for code, minor in grade["limits_minor"].items()}
        grade["limits_minor"] = limits
    for item in document["rules"]:
        if item["code"] == "R09":
            item["when"] = rule("x", "lenders_count >= 6")["when"]
    document["tests"] = [test for test in document["tests"] if test["rule"] != "R09"]
    replayed = [GateCase(CLEAN | {"lenders_count": 6}, asked()), GateCase(CLEAN, asked())] * 20
    live = base_document()
    for item in live["rules"]:
        if item["code"] == "R10":
            item["action"] = "flag"
    policy = policy_of(document)
    report = gated(policy, replayed, live=policy_of(live))
    assert [fault.place for fault in report.faults] == [f"policy.tolerances.{name}"]
    overridden = gated(
        policy, replayed, live=policy_of(live), overrides={name: "agreed on 5 January"}
    )
    assert overridden.faults == []
    assert overridden.document()["overrides"] == {name: "agreed on 5 January"}
    blank = gated(policy, replayed, live=policy_of(live), overrides={name: " "})
    assert not blank.passed


def test_a_version_that_stays_within_its_tolerances_passes() -> None:
    policy = tolerant(approve_share_ppm=0, decline_share_ppm=0, offer_mean_ppm=0)
    replayed = [GateCase(CLEAN, asked()), GateCase(NEWCOMER, asked()), GateCase(INDEBTED, asked())]
    assert gated(policy, replayed, live=BASE).faults == []


def test_expected_use_of_the_action_cap_is_told_by_rule() -> None:
    document = document_of("base-2026-01")
    document["action_cap"] = {"count_min": 4, "share_ppm": 1, "window_hours": 24}
    ours = compile_python(policy_of(document))
    impact = impact_of(ours, None, [GateCase(INDEBTED, asked())] * 3)
    assert impact.cap_use_ppm == {"R09": 750_000, "*": 750_000}


# ------------------------------------------------------------------------------------------ groups


def of_group(count: int, name: str, features: dict[str, Any]) -> list[GateCase]:
    return [GateCase(features, asked(), groups={"sex": name})] * count


def test_a_group_that_is_approved_less_often_blocks_the_version() -> None:
    cases = of_group(40, "a", CLEAN) + of_group(30, "b", CLEAN) + of_group(10, "b", INDEBTED)
    report = gated(tolerant(adverse_impact_ppm_min=800_000), cases)
    assert report.impact.groups["sex"]["b"].impact_ppm == 750_000
    assert [fault.place for fault in report.faults] == ["policy.tolerances.adverse_impact_ppm_min"]
    assert gated(tolerant(adverse_impact_ppm_min=750_000), cases).faults == []


def test_a_group_too_small_to_tell_says_nothing() -> None:
    cases = of_group(40, "a", CLEAN) + of_group(29, "b", INDEBTED)
    report = gated(tolerant(adverse_impact_ppm_min=800_000), cases)
    assert report.impact.groups["sex"]["b"].impact_ppm is None
    assert report.faults == []


WHY = "the product's terms end at the age of 60"


def of_age(count: int, age: int, facts: dict[str, Any] = CLEAN) -> list[GateCase]:
    return [GateCase(facts | {"age_years": age}, asked())] * count


def test_whom_the_product_is_not_for_is_compared_unless_the_document_says_why() -> None:
    cases = of_age(40, 30) + of_age(40, 63) + of_age(30, 60)
    compared = gated(policy_of(base_document()), cases)
    assert [fault.place for fault in compared.faults] == [
        "policy.tolerances.adverse_impact_ppm_min"
    ]
    assert compared.impact.set_aside == {}
    aside = gated(policy_of(base_document() | {"set_aside": {"E02": WHY}}), cases)
    assert aside.faults == []
    assert aside.impact.groups["age_band"]["60+"].cases == 30
    # Both who sign see of whom it is said, how often, and why.
    assert aside.impact.document()["set_aside"] == {
        "E02": {"reason": WHY, "groups": {"age_band": {"60+": 40}, "student": {"no": 40}}}
    }


def test_whom_the_product_is_for_is_compared_all_the_same() -> None:
    policy = policy_of(base_document() | {"set_aside": {"E02": WHY}})
    report = gated(policy, of_age(40, 30) + of_age(40, 63) + of_age(40, 60, INDEBTED))
    assert [fault.place for fault in report.faults] == ["policy.tolerances.adverse_impact_ppm_min"]


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        ("E77", WHY, "is no rule of this policy"),
        ("R05", WHY, "is no rule of eligibility of class product"),
        ("E03", WHY, "is no rule of eligibility of class product"),
        ("E02", "because", "does not say why"),
    ],
)
def test_nothing_else_can_be_set_aside(code: str, reason: str, said: str) -> None:
    with pytest.raises(InvalidPolicyError, match=said):
        policy_of(base_document() | {"set_aside": {code: reason}})


def test_a_group_that_pays_more_in_the_same_grade_blocks_the_version() -> None:
    document = base_document() | {"tolerances": {"price_gap_ppm": 50_000}}
    document["rules"].append(
        rule("M01", "utilisation_ppm = 500001", "add_margin", margin_daily_e8=9_000)
    )
    dear = CLEAN | {"utilisation_ppm": 500_001}
    policy = policy_of(document)
    found = [policy.decide(case, asked()) for case in (CLEAN, dear)]
    assert found[0].grade == found[1].grade
    assert {item.outcome for item in found} == {Outcome.APPROVED}
    cases = of_group(100, "a", CLEAN) + of_group(40, "b", dear)
    report = gated(policy, cases)
    assert [fault.place for fault in report.faults] == ["policy.tolerances.price_gap_ppm"]
    assert "sex b pays" in report.faults[0].reason
    assert gated(policy, of_group(100, "a", CLEAN) + of_group(40, "b", CLEAN)).faults == []


def test_equal_risk_inputs_have_equal_prices_whatever_the_group() -> None:
    compiled = compile_python(BASE)
    prices = {compiled.decide(case.features, case.asked).rate_daily_e8
              for name in ("a", "b") for case in of_group(5, name, CLEAN)}  # fmt: skip
    assert len(prices) == 1
