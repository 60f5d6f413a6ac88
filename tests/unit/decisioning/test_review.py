"""A review as the fold of its events: who may do what when."""

from datetime import UTC, date, datetime, timedelta

import pytest

from counterfoil.decisioning import review as transitions
from counterfoil.decisioning.review import About, Barred, Review, State, name_of
from counterfoil.kernel.errors import Refused

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOBODY = Barred(authors=(), deciders=())
OPEN = Review(
    customer_id=1,
    review_id=2,
    about=About.APPLICATION,
    subject_id=3,
    decision_no=1,
    outcome="declined",
    policy_hash="0" * 64,
    policy_version="2026-02",
    said="",
    requested_at=AT,
    requested_by="api:shop",
    due_on=date(2026, 1, 12),
)


def assigned(to: str = "li") -> Review:
    found = transitions.assign(OPEN, to=to, barred=NOBODY, at=AT)
    assert isinstance(found, Review)
    return found


def code(outcome: Review | Refused) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


def test_a_review_goes_from_the_queue_to_its_end() -> None:
    assert (OPEN.state, OPEN.assigned_to, OPEN.conclusion) == (State.WAITING, None, None)
    taken = assigned()
    assert (taken.state, taken.assigned_to) == (State.ASSIGNED, "li")
    assert transitions.assign(taken, to="li", barred=NOBODY, at=AT) == taken
    assert code(transitions.assign(taken, to="wu", barred=NOBODY, at=AT)) == (
        "review_assigned_to_other"
    )
    back = transitions.release(taken, by="li", reason="ill", at=AT)
    assert isinstance(back, Review)
    assert back.state is State.WAITING
    assert transitions.release(OPEN, by="li", reason="", at=AT) == OPEN
    done = transitions.conclude(
        taken, by="li", is_upheld=True, reason="right", barred=NOBODY, at=AT
    )
    assert isinstance(done, Review)
    assert (done.state, done.assigned_to) == (State.UPHELD, None)
    assert done.conclusion == done.events[-1]
    for again in (
        transitions.assign(done, to="li", barred=NOBODY, at=AT),
        transitions.release(done, by="li", reason="", at=AT),
        transitions.withdraw(done, by="api:shop", at=AT),
    ):
        assert code(again) == "review_not_open"


@pytest.mark.parametrize(("by", "reason"), [("li", " "), ("", "why")])
def test_a_conclusion_has_a_name_and_a_reason(by: str, reason: str) -> None:
    outcome = transitions.conclude(
        OPEN, by=by, is_upheld=False, reason=reason, barred=NOBODY, at=AT
    )
    assert code(outcome) == "decision_reason_missing"


@pytest.mark.parametrize(
    ("barred", "refusal"),
    [
        (Barred(authors=("li",), deciders=()), "reviewer_wrote_policy"),
        (Barred(authors=(), deciders=("api:shop:li",)), "reviewer_decided_before"),
    ],
)
def test_nobody_judges_their_own_work_under_whatever_name_it_came(
    barred: Barred, refusal: str
) -> None:
    for person in ("li", "api:other:li"):
        assert code(transitions.assign(OPEN, to=person, barred=barred, at=AT)) == refusal
        outcome = transitions.conclude(
            OPEN, by=person, is_upheld=True, reason="right", barred=barred, at=AT
        )
        assert code(outcome) == refusal
    assert isinstance(transitions.assign(OPEN, to="wu", barred=barred, at=AT), Review)
    assert name_of("li") == name_of("api:shop:li") == "li"


def test_a_customer_may_withdraw_and_a_deadline_closes_nothing() -> None:
    gone = transitions.withdraw(OPEN, by="api:shop", at=AT)
    assert isinstance(gone, Review)
    assert transitions.withdraw(gone, by="api:shop", at=AT) == gone
    assert not OPEN.is_overdue(OPEN.due_on)
    assert OPEN.is_overdue(OPEN.due_on + timedelta(days=1))
    assert not gone.is_overdue(OPEN.due_on + timedelta(days=1))
