"""The shipped policies for customers of whom a record says little, or whom others pass over: who is
in which segment, and what that does and does not change."""

import pytest
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, asked

from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.customer_explanation import explain_to_customer
from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.inclusion import ELDERLY_YEARS_MIN, KINDS, THIN_MONTHS_MAX, YOUNG_YEARS
from counterfoil.decisioning.policy_parts import Protection
from counterfoil.journeys.deciding.policies import ORIGINATION, SHIPPED

POLICY = load_policy("base-2026-03")
ENGINE = compile_python(POLICY)
WIDE = load_policy("base-2026-04")
WIDE_ENGINE = compile_python(WIDE)
#: As good as it gets on the card, so that only the segment tells the limits apart.
BEST = CLEAN | {"utilisation_ppm": 50_000, "income_monthly_minor": 50_000_000}


def decide(**changes: Value | None) -> Decision:
    case = BEST | changes
    decision = ENGINE.decide(case, asked())
    assert decision == POLICY.decide(case, asked())
    return decision


def test_it_decides_until_a_lender_publishes_its_own() -> None:
    assert load_policy(SHIPPED[ORIGINATION]).hash == WIDE.hash


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


# ------------------------------------------------------------------------ everybody on the list


def decide_wide(**changes: Value | None) -> Decision:
    case = BEST | {"own_lines_count": 1} | changes
    decision = WIDE_ENGINE.decide(case, asked())
    assert decision == WIDE.decide(case, asked())
    return decision


@pytest.mark.parametrize(
    ("changes", "segment", "limit_minor", "reason"),
    [
        ({"age_years": 65}, "elderly", 2_000_000, "LIMIT_ELDERLY"),
        ({"age_years": 20}, "young_adult", 2_000_000, "LIMIT_YOUNG"),
        ({"is_scene_line": True}, "scene", 3_000_000, "LIMIT_SCENE"),
        ({"is_micro_owner": True}, "micro_owner", 2_000_000, "LIMIT_MICRO"),
        ({"is_rural": True}, "rural", 1_500_000, "LIMIT_RURAL"),
        ({"history_months": 3}, "thin_file", 500_000, "LIMIT_THIN"),
        ({"own_lines_count": 0}, "first_time", 500_000, "LIMIT_FIRST"),
        ({}, "recorded", 5_000_000, "LIMIT_GRADE"),
        ({"history_months": None}, "file_unknown", 500_000, "LIMIT_FIRST"),
        # Not known whether there were lines before: never the best row.
        ({"own_lines_count": None}, "file_unknown", 500_000, "LIMIT_FIRST"),
    ],
)
def test_each_kind_has_a_row_a_cap_and_words_of_its_own(
    changes: dict[str, Value | None], segment: str, limit_minor: int, reason: str
) -> None:
    made = decide_wide(**changes)
    assert (made.segment, made.limit_minor, made.reasons[0]) == (segment, limit_minor, reason)
    document = made.result_document()
    told = explain_to_customer(
        WIDE, {"features": made.features}, document, outcome="approved", by_person=False
    )
    assert told.limit_text is not None
    assert told.limit_text.en == WIDE.explain((reason,), "en")[0]


def test_every_kind_of_the_report_has_a_segment() -> None:
    assert {*KINDS} - {"all"} <= {segment.code for segment in WIDE.segments}
    wordless = [item.code for item in WIDE.segments if item.reason is None]
    assert wordless == ["recorded"]


def test_whoever_says_nothing_is_neither_rural_nor_an_owner() -> None:
    assert decide_wide(is_rural=None, is_micro_owner=None).segment == "recorded"
    assert decide_wide(is_rural=False, is_micro_owner=False).segment == "recorded"


@pytest.mark.parametrize(
    "kind",
    [{"age_years": 65}, {"age_years": 20}, {"is_micro_owner": True}, {"is_rural": True}, {}],
)
def test_a_first_line_is_capped_alike_and_costs_the_same_for_every_kind(
    kind: dict[str, Value | None],
) -> None:
    usual = decide_wide()
    for own in (0, None):
        first = decide_wide(own_lines_count=own, **kind)
        assert first.limit_minor == 500_000
        assert (first.grade, first.rate_daily_e8) == (usual.grade, usual.rate_daily_e8)


def test_protections_are_declared_and_an_owner_borrows_for_the_household() -> None:
    protections = {item.code: set(item.protections) for item in WIDE.segments}
    assert Protection.PLAIN_FLOW in protections["elderly"] & protections["rural"]
    starting = {code for code, found in protections.items() if Protection.STARTER_PATH in found}
    assert {"thin_file", "first_time", "young_adult", "rural", "micro_owner"} <= starting
    assert protections["recorded"] == set()
    owner = decide_wide(is_micro_owner=True, purpose="other")
    assert (owner.outcome, owner.reasons) == (Outcome.REFERRED, ("PURPOSE_OF_OWNER",))
