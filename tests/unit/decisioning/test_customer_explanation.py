"""What a customer is told follows from the record, and nothing is told that the record lacks."""

import orjson
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, POLICY, asked, decide

from counterfoil.decisioning.customer_explanation import (
    CustomerExplanation,
    explain_to_customer,
    losses,
)
from counterfoil.decisioning.customer_words import HOUSE_REASONS, SOURCE_NAMES
from counterfoil.decisioning.decision import Decision
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature_source import SOURCES
from counterfoil.decisioning.honouring import STANDARD_OFFERED

CASES = st.fixed_dictionaries(
    {
        "delay_months_latest": st.sampled_from([None, 0, 1, 2]),
        "late_months_count": st.sampled_from([None, 0, 1, 2, 4]),
        "unpaid_months_count": st.sampled_from([None, 0, 2, 3]),
        "utilisation_ppm": st.sampled_from([None, 5_000, 500_000, 1_200_000]),
        "credit_elsewhere_minor": st.sampled_from([None, 500_000, 10_000_000]),
        "lenders_count": st.sampled_from([None, 0, 4, 7]),
        "income_monthly_minor": st.sampled_from([None, 300_000, 2_000_000]),
        "debt_monthly_minor": st.sampled_from([None, 0, 200_000]),
        "history_months": st.sampled_from([None, 0, 6]),
        "is_student": st.booleans(),
        "has_fraud_warning": st.sampled_from([None, False, True]),
    }
)


def told(decision: Decision) -> CustomerExplanation:
    return explain_to_customer(
        POLICY,
        orjson.loads(decision.inputs()),
        orjson.loads(decision.result()),
        outcome=decision.outcome.value,
        by_person=False,
    )


@given(CASES)
def test_reasons_are_those_recorded_and_each_rests_on_what_the_record_shows(
    case: dict[str, Value | None],
) -> None:
    decision = decide(case)
    found = told(decision)
    assert tuple(reason.code for reason in found.reasons) == decision.reasons
    lost = {
        item.feature
        for item, card in zip(
            decision.contributions, POLICY.scorecard.characteristics, strict=False
        )
        if item.points is not None and item.points < max(card.points)
    }
    rules = {rule.code: rule for rule in POLICY.rules}
    spoke = {
        name
        for code, verdict in decision.verdicts.items()
        if verdict != "false"
        for name in POLICY.sources_of(rules[code])
    }
    bound = {POLICY.capacity.income_feature, POLICY.capacity.debt_feature}
    for reason in found.reasons:
        assert set(reason.because) <= lost | spoke | bound
        own = POLICY.reasons[reason.code]
        says_what_is_missing = reason.text.en.startswith("We could not learn")
        assert says_what_is_missing or reason.text == (own.text_zh, own.text_en)
        if says_what_is_missing:
            assert {decision.verdicts[code] for code, rule in rules.items()
                    if rule.reason == reason.code} <= {"unknown", "false"}  # fmt: skip
            assert None in {decision.features[name] for name in reason.because}
    for datum in found.data:
        assert datum.value == decision.features[datum.name]


@given(CASES)
def test_what_held_the_score_down_is_told_in_the_order_of_the_contributions(
    case: dict[str, Value | None],
) -> None:
    decision = decide(case)
    found = losses(POLICY, orjson.loads(decision.result()))
    points = {item.feature: item.points or 0 for item in decision.contributions}
    best = {item.feature: max(item.points) for item in POLICY.scorecard.characteristics}
    assert [loss.points for loss in found] == [best[loss.feature] - points[loss.feature]
                                               for loss in found]  # fmt: skip
    assert [loss.points for loss in found] == sorted((x.points for x in found), reverse=True)
    # The codes are those that the policy itself ranks.
    ranked = tuple(dict.fromkeys(loss.code for loss in found))
    assert ranked == POLICY.scorecard.shortfalls(decision.contributions)


def test_another_contribution_is_another_explanation() -> None:
    decision = decide({"utilisation_ppm": 500_000})
    result = orjson.loads(decision.result())
    inputs = orjson.loads(decision.inputs())
    assert told(decision).price is not None
    before = told(decision).price
    assert before is not None
    assert before.because == ("utilisation_ppm",)
    result["contributions"] = [
        [name, bin_no, 14 if name == "credit_elsewhere_minor" else points - 9]
        for name, bin_no, points in result["contributions"]
    ]
    after = explain_to_customer(POLICY, inputs, result, outcome="approved", by_person=False)
    assert after.price is not None
    assert after.price.because != before.because
    assert after.price.text != before.text


def test_two_declined_cases_are_told_two_things() -> None:
    crowded, late = told(decide({"lenders_count": 7})), told(decide({"delay_months_latest": 2}))
    assert crowded.text == late.text
    assert crowded.reasons[0].text != late.reasons[0].text
    [datum] = crowded.data
    assert (datum.name, datum.value, datum.source) == ("lenders_count", 7, "applicant")
    assert {datum.name for datum in late.data} >= {"delay_months_latest"}
    assert [one.en for one in crowded.reasons[0].helps] == [
        "If this changes, tell us and apply again: Lenders with a balance"
    ]


def test_neither_thresholds_nor_points_nor_rules_are_told() -> None:
    found = told(decide({"lenders_count": 7}))
    said = " ".join(
        [*(reason.text.en for reason in found.reasons), *(one.en for one in found.reasons[0].helps)]
    )
    assert "7" not in said
    assert "R09" not in said


def test_a_warning_of_fraud_is_never_itemised() -> None:
    policy = load_policy("base-2026-02")
    decision = policy.decide(CLEAN | {"has_fraud_warning": True}, asked())
    assert decision.reasons == ("PERSON_DECIDES",)
    found = explain_to_customer(
        policy,
        orjson.loads(decision.inputs()),
        orjson.loads(decision.result()),
        outcome="referred",
        by_person=False,
    )
    assert [reason.because for reason in found.reasons] == [()]
    assert found.data == ()


def test_an_age_is_shown_but_nothing_is_advised() -> None:
    found = told(decide({"age_years": 17}))
    [reason] = found.reasons
    assert (reason.because, reason.helps) == (("age_years",), ())


def test_nobody_is_told_of_delays_that_nobody_knows_of() -> None:
    unknown = ("history_months", "delay_months_latest", "late_months_count", "delay_months_max")
    decision = decide(dict.fromkeys(unknown))
    assert "DLQ_NOW" in decision.reasons
    delays = [one for one in told(decision).reasons if one.code.startswith("DLQ_")]
    for reason in delays:
        assert reason.text.en.startswith("We could not learn what is needed to decide: ")
        assert reason.text.zh.startswith("作出决定所需的信息暂时未能取得：")
        assert "Months of recorded repayment" in reason.text.en
        assert reason.helps[0].en.startswith("It would help if this were known")
    # What is known is said as before.
    late = told(decide({"delay_months_latest": 2}))
    assert late.reasons[0].text.en == "You have an overdue amount that is not yet paid"


def test_a_thin_file_is_told_what_is_not_known() -> None:
    found = told(decide({"income_monthly_minor": None}, case=NEWCOMER))
    assert any(datum.value is None for datum in found.data)


def test_every_source_has_its_words() -> None:
    assert set(SOURCE_NAMES) == set(SOURCES)
    assert STANDARD_OFFERED in HOUSE_REASONS
