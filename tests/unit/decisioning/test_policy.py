"""The base policy decides: each rule, the limit and what binds it, the price, the reasons."""

import importlib.util
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, POLICY, TODAY, asked, decide

from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import check_facts
from counterfoil.decisioning.policy import OFFER_OUT_OF_RANGE
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.lending.catalogue import load_catalogue

CATALOGUE = load_catalogue()


def test_a_clean_record_gets_the_best_grade_its_limit_and_price() -> None:
    decision = decide()
    assert decision.outcome is Outcome.APPROVED
    assert (decision.grade, decision.points) == ("A", 600 + 25 + 11 + 4 - 1 + 14)
    assert decision.limit_minor == 5_000_000
    assert decision.binding == "grid"
    assert decision.rate_daily_e8 == 25_000
    assert decision.tenors_months == (3, 6, 9, 12)
    assert decision.reasons == ("LIMIT_GRADE", "UTIL_PATTERN")
    assert decision.valid_until == date(2026, 2, 4)
    assert decision.flags == ()


def test_the_score_is_the_base_and_what_is_shown() -> None:
    decision = decide()
    assert decision.points == 600 + sum(item.points or 0 for item in decision.contributions)


#: Rule, what makes it true, what makes it false at the border, what makes it unknown.
VERDICTS: list[tuple[str, dict[str, Value | None], dict[str, Value | None], str | None]] = [
    ("E01", {"age_years": 17}, {"age_years": 18}, "age_years"),
    ("E02", {"age_years": 61}, {"age_years": 60}, "age_years"),
    ("E03", {"purpose": "shares"}, {"purpose": "medical"}, "purpose"),
    ("E04", {"is_student": True}, {"is_student": False}, "is_student"),
    ("R01", {"delay_months_latest": 2}, {"delay_months_latest": 1}, "delay_months_latest"),
    ("R02", {"late_months_count": 4}, {"late_months_count": 3}, "late_months_count"),
    ("R03", {"delay_months_max": 4}, {"delay_months_max": 3}, "delay_months_max"),
    ("R04", {"delay_months_latest": 1}, {"delay_months_latest": 0}, "delay_months_latest"),
    (
        "R05",
        {"balance_elsewhere_minor": 10_000_001},
        {"balance_elsewhere_minor": 10_000_000},
        "balance_elsewhere_minor",
    ),
    ("R06", {"unpaid_months_count": 3}, {"unpaid_months_count": 2}, "unpaid_months_count"),
    (
        "R07",
        {"income_monthly_minor": 1_000_000, "debt_monthly_minor": 700_001},
        {"income_monthly_minor": 1_000_000, "debt_monthly_minor": 700_000},
        "income_monthly_minor",
    ),
    (
        "R08",
        {"income_monthly_minor": 1_000_000, "debt_monthly_minor": 500_001},
        {"income_monthly_minor": 1_000_000, "debt_monthly_minor": 500_000},
        "debt_monthly_minor",
    ),
    ("R09", {"lenders_count": 7}, {"lenders_count": 6}, "lenders_count"),
    ("R10", {"lenders_count": 4}, {"lenders_count": 3}, "lenders_count"),
    ("R11", {"history_months": 5}, {"history_months": 6}, None),
    (
        "R12",
        {"utilisation_ppm": 900_001, "payment_share_ppm": 39_999},
        {"utilisation_ppm": 900_001, "payment_share_ppm": 40_000},
        "payment_share_ppm",
    ),
]


@pytest.mark.parametrize(("code", "true", "false", "missing"), VERDICTS)
def test_each_rule_has_its_verdicts(
    code: str,
    true: dict[str, Value | None],
    false: dict[str, Value | None],
    missing: str | None,
) -> None:
    assert decide(true).verdicts[code] is Verdict.TRUE
    assert decide(false).verdicts[code] is Verdict.FALSE
    if missing is not None:
        assert decide(false | {missing: None}).verdicts[code] is Verdict.UNKNOWN


def test_every_rule_of_the_policy_is_tested_here() -> None:
    assert [code for code, *_ in VERDICTS] == sorted(rule.code for rule in POLICY.rules)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"age_years": 17}, "ELIG_PRODUCT"),
        ({"age_years": 61}, "ELIG_PRODUCT"),
        ({"purpose": "mortgage_repayment"}, "PURPOSE_NOT_LENT"),
    ],
)
def test_who_is_not_eligible_is_declined_without_being_scored(
    changes: dict[str, Value | None], reason: str
) -> None:
    decision = decide(changes)
    assert decision.outcome is Outcome.DECLINED
    assert decision.reasons == (reason,)
    assert decision.points is None
    assert decision.limit_minor == 0
    assert not any(code.startswith("R") for code in decision.verdicts)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"delay_months_latest": 2}, "DLQ_NOW"),
        ({"late_months_count": 4}, "DLQ_RECENT"),
        ({"lenders_count": 7}, "EXP_LENDERS"),
        ({"income_monthly_minor": 100, "debt_monthly_minor": 71}, "CAP_DSR"),
    ],
)
def test_a_declining_rule_declines_with_its_reason(
    changes: dict[str, Value | None], reason: str
) -> None:
    decision = decide(changes)
    assert decision.outcome is Outcome.DECLINED
    assert decision.reasons[0] == reason
    assert decision.rate_daily_e8 is None
    assert decision.valid_until is None


@pytest.mark.parametrize(
    "changes",
    [
        {"is_student": True},
        {"is_student": None},
        {"age_years": None},
        {"purpose": None},
        {"delay_months_max": 4},
        {"delay_months_latest": None},
        {"history_months": None},
        {"lenders_count": 4},
        {"income_monthly_minor": 10_000_000, "debt_monthly_minor": 6_000_000},
    ],
)
def test_what_a_person_has_to_look_at_is_referred(changes: dict[str, Value | None]) -> None:
    assert decide(changes).outcome is Outcome.REFERRED


def test_a_referral_carries_what_a_person_may_offer() -> None:
    decision = decide({"is_student": True})
    assert decision.limit_minor == 5_000_000
    assert decision.reasons == ("PERSON_DECIDES",)


def test_a_decline_beats_a_referral() -> None:
    assert decide({"is_student": True, "delay_months_latest": 3}).outcome is Outcome.DECLINED


def test_nothing_known_is_never_approved() -> None:
    assert POLICY.decide({}, asked()).outcome is Outcome.REFERRED


@given(st.lists(st.sampled_from(sorted(CLEAN)), unique=True))
def test_knowing_less_never_makes_the_limit_higher(forgotten: list[str]) -> None:
    case = {name: None if name in forgotten else value for name, value in CLEAN.items()}
    decision = POLICY.decide(case, asked())
    offered = decision.limit_minor if decision.outcome is Outcome.APPROVED else 0
    assert offered <= decide().limit_minor


def test_a_value_outside_its_declaration_counts_as_unknown_and_is_named() -> None:
    decision = decide({"delay_months_latest": 121, "is_student": "no", "lenders_count": -1})
    assert decision.rejected == ("is_student", "lenders_count", "delay_months_latest")
    assert decision.features["delay_months_latest"] is None
    assert decision.outcome is Outcome.REFERRED


def test_a_value_that_nobody_declared_never_reaches_a_rule() -> None:
    decision = decide({"sex": 2})
    assert decision.rejected == ("sex",)
    assert "sex" not in decision.features
    assert decision.limit_minor == decide().limit_minor


def test_facts_are_refused_at_the_door() -> None:
    assert check_facts(POLICY.features, {"history_months": 6, "lenders_count": None}) is None
    unknown = check_facts(POLICY.features, {"sex": 2})
    assert unknown is not None
    assert (unknown.code, unknown.detail) == ("fact_not_declared", {"fact": "sex"})
    for facts in ({"history_months": True}, {"history_months": "6"}, {"history_months": -1}):
        refused = check_facts(POLICY.features, facts)
        assert refused is not None
        assert refused.code == "fact_out_of_range"
    # The age comes from the identity, not from what somebody says.
    said = check_facts(POLICY.features, {"age_years": 30})
    assert said is not None
    assert said.code == "fact_not_declared"


# ------------------------------------------------------------------ limits


def test_a_first_limit_is_small() -> None:
    decision = decide(case=NEWCOMER)
    assert decision.outcome is Outcome.APPROVED
    assert (decision.segment, decision.grade, decision.points) == ("first_time", "D", 600)
    assert decision.limit_minor == 300_000
    assert "HIST_SHORT" in decision.reasons
    for grade in POLICY.grades:
        assert grade.limits_minor["first_time"] <= 500_000


def test_an_unknown_history_falls_to_the_first_time_row() -> None:
    assert decide({"history_months": None}).segment == "first_time"
    assert decide({"history_months": 5}).segment == "first_time"
    assert decide({"history_months": 6}).segment == "recorded"


@pytest.mark.parametrize(
    ("changes", "question", "binding", "limit_minor"),
    [
        ({}, {"requested_minor": 120_000}, "asked", 120_000),
        ({}, {"requested_minor": 129_999}, "asked", 120_000),
        ({}, {"limit_max_minor": 4_000_000}, "product", 4_000_000),
        ({"delay_months_latest": 1}, {}, "R04", 500_000),
        ({"unpaid_months_count": 3}, {}, "R06", 200_000),
        ({"balance_elsewhere_minor": 11_000_000}, {}, "R05", 300_000),
        (
            {"income_monthly_minor": 400_000, "debt_monthly_minor": 180_001},
            {},
            "capacity",
            1_190_000,
        ),
        ({}, {"requested_minor": 5_000_000}, "grid", 5_000_000),
    ],
)
def test_the_smallest_bound_wins_and_is_named(
    changes: dict[str, Value | None], question: dict[str, object], binding: str, limit_minor: int
) -> None:
    decision = decide(changes, question=asked(**question))
    assert decision.outcome is Outcome.APPROVED
    assert (decision.binding, decision.limit_minor) == (binding, limit_minor)


def test_below_the_minimum_there_is_no_limit_but_a_decline() -> None:
    at_least = decide(question=asked(limit_min_minor=5_000_000))
    assert at_least.outcome is Outcome.APPROVED
    below = decide(question=asked(limit_min_minor=5_010_000))
    assert below.outcome is Outcome.DECLINED
    assert below.limit_minor == 0
    poor = decide({"income_monthly_minor": 10_000, "debt_monthly_minor": 4_999})
    assert poor.outcome is Outcome.DECLINED
    assert poor.reasons[0] == "LIMIT_CAPACITY"


def test_the_worst_grade_is_declined_for_what_holds_its_score_down() -> None:
    decision = decide(
        {
            "delay_months_latest": 1,
            "late_months_count": 3,
            "unpaid_months_count": 2,
            "utilisation_ppm": 950_000,
        }
    )
    assert decision.grade == "E"
    assert decision.outcome is Outcome.DECLINED
    assert decision.reasons == ("DLQ_NOW", "DLQ_RECENT", "PAY_GAPS", "UTIL_PATTERN")


def test_every_cell_of_the_matrix_is_monotone_in_grade() -> None:
    for better, worse in pairwise(POLICY.grades):
        assert better.rate_daily_e8 <= worse.rate_daily_e8
        for segment, limit_minor in worse.limits_minor.items():
            assert limit_minor <= better.limits_minor[segment]
    for grade in POLICY.grades:
        assert grade.limits_minor["first_time"] <= max(grade.limits_minor["recorded"], 0)


@pytest.mark.parametrize(
    "question",
    [
        {"rate_daily_min_e8": 25_001},
        {"rate_daily_max_e8": 24_999},
        {"tenors_months": (36,)},
    ],
)
def test_a_price_or_tenor_that_the_product_does_not_allow_is_declined_not_clipped(
    question: dict[str, object],
) -> None:
    for changes in ({}, {"is_student": True}):
        decision = decide(changes, question=asked(**question))
        assert decision.outcome is Outcome.DECLINED
        assert decision.reasons[0] == "TERMS_NOT_OFFERED"
        assert decision.flags == (OFFER_OUT_OF_RANGE,)
        assert decision.grade == "A"
        assert (decision.limit_minor, decision.rate_daily_e8) == (0, None)
        assert (decision.tenors_months, decision.valid_until) == ((), None)


def test_a_price_at_the_border_of_the_product_is_offered() -> None:
    for border in ("rate_daily_min_e8", "rate_daily_max_e8"):
        decision = decide(question=asked(**{border: 25_000}))
        assert decision.outcome is Outcome.APPROVED
        assert decision.rate_daily_e8 == 25_000


@pytest.mark.parametrize("code", ["cash-line-open", "cash-line-invited"])
@given(
    points=st.fixed_dictionaries(
        {
            "delay_months_latest": st.integers(0, 3),
            "late_months_count": st.integers(0, 5),
            "unpaid_months_count": st.integers(0, 5),
            "utilisation_ppm": st.integers(0, 1_200_000),
            "credit_elsewhere_minor": st.integers(0, 10_000_000),
        }
    )
)
def test_no_line_is_offered_outside_the_range_of_a_product_of_the_house(
    code: str, points: dict[str, int]
) -> None:
    terms = CATALOGUE.current(code, TODAY)
    question = asked(
        rate_daily_min_e8=terms.rate_daily_e8_min,
        rate_daily_max_e8=terms.rate_daily_e8_max,
        tenors_months=terms.tenors_months,
    )
    decision = decide(points, question=question)
    if decision.limit_minor:
        assert decision.rate_daily_e8 is not None
        assert terms.rate_daily_e8_min <= decision.rate_daily_e8 <= terms.rate_daily_e8_max
        assert set(decision.tenors_months) <= set(terms.tenors_months)
        assert decision.tenors_months
    else:
        assert decision.outcome is Outcome.DECLINED
        assert decision.rate_daily_e8 is None


def test_a_flag_changes_nothing_but_the_record() -> None:
    decision = decide({"utilisation_ppm": 950_000, "payment_share_ppm": 10_000})
    assert decision.flags == ("R12",)
    assert decision.outcome is Outcome.APPROVED


# ------------------------------------------------------------------ for ever the same


@given(
    st.fixed_dictionaries(
        {},
        optional={
            item.name: st.one_of(
                st.none(),
                st.booleans()
                if item.type is ValueType.BOOLEAN
                else st.sampled_from(item.values)
                if item.type is ValueType.TEXT
                else st.integers(item.lowest, min(item.highest, 2**53 - 1)),
            )
            for item in POLICY.features
        },
    )
)
def test_any_case_gets_one_sound_decision(case: dict[str, Value | None]) -> None:
    decision = POLICY.decide(case, asked())
    assert decision == POLICY.decide(dict(reversed(case.items())), asked())
    assert decision.limit_minor % 10_000 == 0
    assert decision.limit_minor == 0 or 50_000 <= decision.limit_minor <= 5_000_000
    assert 1 <= len(decision.reasons) <= 4
    assert set(decision.reasons) <= POLICY.reasons.keys()
    if decision.outcome is Outcome.APPROVED:
        assert decision.limit_minor
        assert decision.rate_daily_e8
        assert decision.tenors_months
    if decision.outcome is Outcome.DECLINED:
        assert decision.limit_minor == 0


def test_the_points_are_those_of_the_derivation() -> None:
    path = Path(__file__).parents[3] / "tools" / "derive_base_card.py"
    specification = importlib.util.spec_from_file_location("derive_base_card", path)
    assert specification is not None
    assert specification.loader is not None
    tool = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(tool)
    derived = tool.derive_points()
    assert {
        item.feature: [*item.points, item.points_unknown]
        for item in POLICY.scorecard.characteristics
    } == derived
    assert {item.feature: item.edges for item in POLICY.scorecard.characteristics} == tool.EDGES
