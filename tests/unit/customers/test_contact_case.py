"""A customer whom no channel reaches, step by step."""

from datetime import UTC, date, datetime

import pytest

from counterfoil.customers.contact_case import (
    ATTEMPTS_MIN,
    ContactCase,
    ContactStatus,
    ContactStep,
    days_to_reach,
    give_back,
    go_on,
    take,
)
from counterfoil.kernel.errors import Refused

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def case() -> ContactCase:
    return ContactCase(
        customer_id=1, case_id=2, opened_at=NOW, due_on=date(2026, 3, 5), is_legal=False
    )


def moved(after: ContactCase | Refused) -> ContactCase:
    assert isinstance(after, ContactCase), after
    return after


def code(after: ContactCase | Refused) -> str:
    assert isinstance(after, Refused), after
    return after.code


def missed(before: ContactCase, times: int) -> ContactCase:
    for _ in range(times):
        before = moved(go_on(before, ContactStep.MISSED, by="ann", note="", at=NOW))
    return before


def test_a_case_belongs_to_whoever_took_it_until_it_is_given_back() -> None:
    mine = moved(take(case(), by="ann"))
    assert take(mine, by="ann") == mine
    assert code(take(mine, by="ben")) == "contact_case_taken"
    assert code(go_on(mine, ContactStep.TOLD, by="ben", note="met", at=NOW)) == "contact_case_taken"
    assert code(give_back(mine, by="ben")) == "contact_case_taken"
    assert moved(give_back(mine, by="ann")) == case()


def test_who_meets_nobody_leaves_it_to_the_next() -> None:
    after = missed(moved(take(case(), by="ann")), 1)
    assert (after.status, after.taken_by, after.attempts) == (ContactStatus.OPEN, None, 1)
    assert after.attempted_at == NOW


def test_a_customer_is_unreachable_only_after_several_attempts() -> None:
    early = go_on(
        missed(case(), ATTEMPTS_MIN - 1), ContactStep.UNREACHABLE, by="ann", note="", at=NOW
    )
    assert code(early) == "contact_attempt_needed"
    late = moved(
        go_on(missed(case(), ATTEMPTS_MIN), ContactStep.UNREACHABLE, by="ann", note="", at=NOW)
    )
    assert (late.status, late.ended_by) == (ContactStatus.UNREACHABLE, "ann")
    assert code(take(late, by="ann")) == "contact_case_not_open"


def test_who_told_the_customer_says_how() -> None:
    assert code(go_on(case(), ContactStep.TOLD, by="ann", note="", at=NOW)) == "contact_note_needed"
    told = moved(go_on(case(), ContactStep.TOLD, by="ann", note="in the branch", at=NOW))
    assert (told.status, told.note, told.is_open) == (ContactStatus.TOLD, "in the branch", False)


@pytest.mark.parametrize(("on", "is_late"), [(date(2026, 3, 5), False), (date(2026, 3, 6), True)])
def test_a_case_is_overdue_after_its_day_and_stays_open(on: date, is_late: bool) -> None:  # noqa: FBT001
    assert case().is_overdue(on) is is_late
    assert case().is_open


def test_a_notice_by_law_leaves_less_time() -> None:
    assert days_to_reach(is_legal=True) < days_to_reach(is_legal=False)
