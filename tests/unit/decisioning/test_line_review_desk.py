"""What people decide about lines, what no experiment loosens, and grades that are lost."""

from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources
from typing import Any

import pytest
from tests.unit.decisioning.cases import CLEAN, asked

from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.line_review.case import (
    CaseRuling,
    CaseStatus,
    ReviewCase,
    Ruling,
    decide_case,
    give_back,
    is_wide,
    refuse_ruling,
    take,
)
from counterfoil.decisioning.line_review.document import load_review_policy, read_review_policy
from counterfoil.decisioning.line_review.policy import Desk
from counterfoil.decisioning.line_review.regrade import steps_worse
from counterfoil.decisioning.line_review.safety import loosened_review
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.replay import record_of
from counterfoil.kernel.errors import Refused

AT, ON = datetime(2026, 1, 5, tzinfo=UTC), date(2026, 1, 5)
CASE = ReviewCase(
    customer_id=1,
    case_id=1,
    line_id=1,
    review_id=1,
    proposals=("look",),
    opened_at=AT,
    due_on=date(2026, 1, 12),
)
DESK = Desk(working_days=5, second_person_percent=50)
SHIPPED = load_review_policy("review-2026-02")
#: It reads a bureau.
POLICY = load_policy("base-2026-02")


def ruling(kind: Ruling, **how: Any) -> CaseRuling:
    return CaseRuling(**{"ruling": kind, "by": "li", "reason": "seen", **how})


def test_a_case_belongs_to_whoever_took_it() -> None:
    taken = take(CASE, by="li", at=AT)
    assert isinstance(taken, ReviewCase)
    assert (taken.status, take(taken, by="li", at=AT)) == (CaseStatus.TAKEN, taken)
    assert isinstance(take(taken, by="wang", at=AT), Refused)
    assert isinstance(give_back(taken, by="wang"), Refused)
    assert give_back(taken, by="li") == CASE
    other = refuse_ruling(taken, ruling(Ruling.KEEP, by="wang"), limit_minor=100, on=ON)
    assert other is not None
    assert other.code == "line_review_case_taken"
    ended = decide_case(taken, ruling(Ruling.KEEP), agreed_by=None, measure_id=None, at=AT)
    assert isinstance(take(ended, by="li", at=AT), Refused)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (ruling(Ruling.KEEP), None),
        (ruling(Ruling.KEEP, reason=" "), "decision_reason_missing"),
        (ruling(Ruling.KEEP, to_minor=5), "line_review_case_unfit"),
        (ruling(Ruling.LOWER), "line_review_case_unfit"),
        (ruling(Ruling.LOWER, to_minor=100), "line_review_case_unfit"),
        (ruling(Ruling.LOWER, to_minor=99), None),
        (ruling(Ruling.FREEZE), "line_review_case_unfit"),
        (ruling(Ruling.FREEZE, ends_on=date(2026, 1, 4)), "line_review_case_unfit"),
        (ruling(Ruling.FREEZE, ends_on=ON), None),
    ],
)
def test_a_ruling_names_what_it_needs_and_nothing_else(how: CaseRuling, code: str | None) -> None:
    refused = refuse_ruling(CASE, how, limit_minor=100, on=ON)
    assert (refused and refused.code) == code


def test_more_than_half_off_and_the_end_of_a_line_need_two() -> None:
    assert not is_wide(ruling(Ruling.LOWER, to_minor=50), DESK, limit_minor=100)
    assert is_wide(ruling(Ruling.LOWER, to_minor=49), DESK, limit_minor=100)
    assert is_wide(ruling(Ruling.CLOSE), DESK, limit_minor=100)
    assert not is_wide(ruling(Ruling.SUSPEND), DESK, limit_minor=100)


def test_grades_are_lost_by_the_version_that_graded_on_what_a_report_says_now() -> None:
    decision = POLICY.decide(CLEAN, asked())
    stored, order = record_of(decision), [grade.code for grade in POLICY.grades]
    assert steps_worse(POLICY, stored, CLEAN) == 0
    worse = {**CLEAN, "delay_months_max": 2, "late_months_count": 2}
    again = POLICY.decide(worse, asked())
    assert again.grade is not None
    assert decision.grade is not None
    lost = order.index(again.grade) - order.index(decision.grade)
    assert steps_worse(POLICY, stored, worse) == lost
    assert lost > 0


def test_the_shipped_versions_loosen_nothing_against_themselves() -> None:
    assert loosened_review(SHIPPED, SHIPPED) == []
    protected = [rule.code for rule in SHIPPED.rules if rule.reason in {"EXP_TOTAL", "EXP_LENDERS"}]
    for code in protected:
        without = replace(SHIPPED, rules=tuple(r for r in SHIPPED.rules if r.code != code))
        assert [one.place for one in loosened_review(SHIPPED, without)] == [f"rules[{code}]"]


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ('on_trip = "refer"', 'on_trip = "pass"', "on_trip"),
        ("working_days = 5", "working_days = 0", "working_days"),
        ("second_person_percent = 50", "second_person_percent = 101", "second_person_percent"),
        ("reinstate_days_min = 0", "reinstate_days_min = -1", "reinstate_days_min"),
        ("days_max = 90", "days_max = 0", "days_max"),
        (
            "[desk]",
            '[reports]\nby_product = { "*" = true }\ncauses = ["periodic"]\n[desk]',
            "reports",
        ),
    ],
)
def test_what_a_policy_says_of_people_and_reports_is_checked(
    before: str, after: str, place: str
) -> None:
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    text = folder.joinpath("review-2026-02.toml").read_text(encoding="utf-8")
    assert before in text
    with pytest.raises(InvalidPolicyError, match=place):
        read_review_policy(text.replace(before, after, 1))
