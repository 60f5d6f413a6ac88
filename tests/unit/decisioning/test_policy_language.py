"""What the language can say beyond rules: computed values, asking, margins, growth, guards."""

from typing import Any

import pytest
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, asked
from tests.unit.decisioning.policies import base_document, derived, full_document, full_policy, rule

from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy_parts import Guards
from counterfoil.decisioning.reading import InvalidPolicyError

POLICY = full_policy()


def decide(guards: Guards | None = None, **changes: Value | None) -> Decision:
    return POLICY.decide({**CLEAN, **changes}, asked(), guards or Guards())


def test_a_value_is_computed_once_under_its_own_name_and_unknown_stays_unknown() -> None:
    burdened = decide(income_monthly_minor=1_000_000, debt_monthly_minor=450_000)
    assert burdened.verdicts["M01"].value == "true"
    assert "burden_percent" not in burdened.features
    nothing = decide(income_monthly_minor=0, debt_monthly_minor=1)
    # Divided by zero: unknown, which COALESCE turns into 0 here.
    assert nothing.verdicts["M01"].value == "false"


def test_margins_do_not_add_up_and_the_price_is_the_segments() -> None:
    plain = decide()
    both = decide(income_monthly_minor=1_000_000, debt_monthly_minor=450_000, lenders_count=3)
    assert plain.rate_daily_e8 == 25_000
    assert both.rate_daily_e8 == 28_000
    newcomer = POLICY.decide({**NEWCOMER, "age_years": 30}, asked())
    assert newcomer.segment == "first_time"
    assert newcomer.rate_daily_e8 == next(
        grade.rates_daily_e8["first_time"]
        for grade in POLICY.grades
        if grade.code == newcomer.grade
    )


def test_a_limit_grows_where_the_condition_is_surely_true() -> None:
    assert decide().grown is False
    assert decide(history_months=12).grown is True
    assert decide(history_months=12, late_months_count=None).grown is False
    grown = {item.name: item.limit_minor for item in decide(history_months=12).candidates}
    assert grown["grid"] == 10_000_000


def test_a_rule_of_a_segment_is_false_for_everybody_else() -> None:
    late: dict[str, Any] = {"delay_months_latest": 1}
    assert decide(**late).verdicts["S01"].value == "false"
    assert decide(age_years=20, **late).verdicts["S01"].value == "true"


def test_asking_names_what_is_missing_and_goes_before_other_referrals() -> None:
    decision = decide(income_monthly_minor=1_000_000, debt_monthly_minor=450_000, is_student=True)
    assert decision.outcome is Outcome.REFERRED
    assert decision.reasons[0] == "INC_UNVER"
    assert decision.asks == ("lenders_count",)


def test_a_tripped_cap_sends_declines_to_a_person_but_not_those_of_the_law() -> None:
    late = decide(delay_months_latest=3)
    assert late.outcome is Outcome.DECLINED
    held = decide(Guards(tripped=frozenset({"R01"})), delay_months_latest=3)
    assert held.guarded == ("cap:R01",)
    assert held.verdicts == late.verdicts
    # The score still gives no limit; only the cap of the whole policy sends that to a person.
    assert held.outcome is Outcome.DECLINED
    whole = decide(Guards(tripped=frozenset({"*"})), delay_months_latest=3)
    assert (whole.outcome, whole.limit_minor) == (Outcome.REFERRED, 0)
    assert whole.guarded == ("cap:R01", "cap:*")
    minor = decide(Guards(tripped=frozenset({"*", "E01"})), age_years=17)
    assert minor.outcome is Outcome.DECLINED


def test_a_snoozed_rule_keeps_its_verdict_and_loses_its_action() -> None:
    held = decide(Guards(snoozed=frozenset({"R09", "E04"})), lenders_count=9)
    assert held.verdicts["R09"].value == "true"
    assert held.outcome is Outcome.APPROVED
    assert held.guarded == ("snooze:R09",)
    law = decide(Guards(snoozed=frozenset({"E04"})), is_student=True)
    assert law.outcome is Outcome.REFERRED


def test_records_of_policies_without_the_new_parts_are_what_they_were() -> None:
    document = policy_of(base_document()).decide(CLEAN, asked()).result_document()
    assert not {"guarded", "asks", "grown"} & document.keys()


# ruff: noqa: E501 - a table
FAULTS: list[tuple[str, str, Any]] = [
    ("policy.derived[a].is", "circle: a reads b reads a", lambda d: d.update(
        derived=[derived("a", "b + 1 > 2"), derived("b", "a")])),
    ("policy.derived[a].is", "not declared", lambda d: d.update(derived=[derived("a", "nobody")])),
    ("policy.derived[burden_percent].is", "can be 0", lambda d: d["derived"][0].update(
        derived("burden_percent", "debt_monthly_minor / income_monthly_minor"))),
    ("policy.derived[t].is", "is a text", lambda d: d.update(
        derived=[derived("t", "COALESCE(purpose, 'other')")])),
    ("policy.features[age_years]", "twice", lambda d: d["derived"].append(derived("age_years", "1"))),
    ("policy.rules[M01].margin_daily_e8", "belongs", lambda d: d["rules"][-4].pop("margin_daily_e8")),
    ("policy.rules[S01].segments", "no segment", lambda d: d["rules"][-2].update(segments=["x"])),
    ("policy.rules[M01].action", "no effect", lambda d: d["rules"][-4].update(stage="eligibility")),
    ("policy.grades[A].rate_daily_e8", "margin of", lambda d: d["rules"][-4].update(
        margin_daily_e8=60_000)),
    ("policy.grades[A].rates_daily_e8", "one price", lambda d: d["grades"][0]["rates_daily_e8"].pop(
        "young")),
    ("policy.grades[A].limits_grown_minor", "exactly", lambda d: d.pop("growth")),
    ("policy.grades[A].limits_grown_minor.young", "below", lambda d: d["grades"][0][
        "limits_grown_minor"].update(young=1)),
    ("policy.growth.when", "age", lambda d: d["growth"].update(when=["<", ["feature", "age_years"],
        ["literal", 30]])),
    ("policy.rules[R90].when", "age", lambda d: (d["derived"].append(derived("old", "age_years > 50")),
        d["rules"].append(rule("R90", "old")))),
    ("policy.action_cap.window_hours", "lies between", lambda d: d["action_cap"].update(window_hours=0)),
    ("policy.action_cap.count_min", "above 0", lambda d: d["action_cap"].update(share_ppm=0)),
    ("policy.snooze.days_max", "lies between", lambda d: d["snooze"].update(days_max=400)),
    ("policy.rules", "neutral", lambda d: d["rules"].append(
        rule("F02", "lenders_count = 6", "decline") | {"class": "fraud", "reason": "INC_UNVER"})),
    ("policy.features[lenders_count].legal_basis", "bureau is consent", lambda d: d["features"][
        5].update(source="bureau")),
    ("policy.features[lenders_count].consent_purpose", "missing", lambda d: d["features"][5].update(
        source="bureau", legal_basis="consent")),
    ("policy.features[lenders_count].consent_purpose", "inquiry_review, but", lambda d: d["features"][
        5].update(source="bureau", legal_basis="consent", consent_purpose="inquiry_review")),
    ("policy.features[lenders_count].licence", "not named", lambda d: d["features"][5].update(
        source="third_party", legal_basis="consent", consent_purpose="inquiry_origination")),
    ("policy.features[is_student].source", "is none of", lambda d: d["features"][2].update(
        source="social_network")),
    ("policy.rules[E04].when", "before somebody has been asked", lambda d: d["features"][2].update(
        source="bureau", legal_basis="consent", consent_purpose="inquiry_origination")),
    ("policy.purpose", "is none of", lambda d: d.update(purpose="marketing")),
    ("policy.rules", "10,000 entries; 1,000", lambda d: d.update(rules=[d["rules"][0]] * 10_000)),
    ("policy.reasons[DLQ_NOW].en", "longer than 500", lambda d: d["reasons"][4].update(en="x" * 501)),
]  # fmt: skip


@pytest.mark.parametrize(("place", "reason", "change"), FAULTS)
def test_a_fault_is_named_by_place_and_reason(place: str, reason: str, change: Any) -> None:
    document = full_document()
    change(document)
    with pytest.raises(InvalidPolicyError, match=reason) as caught:
        policy_of(document)
    assert caught.value.place == place


def test_what_the_bureau_says_may_be_read_for_the_purpose_it_was_consented_to() -> None:
    document = full_document()
    document["features"][5] |= {
        "source": "bureau",
        "legal_basis": "consent",
        "consent_purpose": "inquiry_origination",
    }
    assert policy_of(document).purpose == "origination"
    with pytest.raises(InvalidPolicyError, match="review may read only"):
        policy_of(document | {"purpose": "review"})
