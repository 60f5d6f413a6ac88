"""A review by a person of what was decided by machine, as the fold of its events.

States      waiting → assigned → upheld | overturned; waiting, assigned → withdrawn; assigned →
            waiting, where the person gives it back.
Reviewer    Is neither who wrote the version that decided nor who decided the case before.
Deadline    A number of working days after the request; a review that passes it stays open and is
            shown as overdue, never closed by time.
Follows     Personal Information Protection Law, Art. 24; 12 CFR 1002.9 knows reasons, no review.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from counterfoil.decisioning.refusals import (
    DECISION_REASON_MISSING,
    REVIEW_ASSIGNED_TO_OTHER,
    REVIEW_NOT_OPEN,
    REVIEWER_DECIDED_BEFORE,
    REVIEWER_WROTE_POLICY,
)
from counterfoil.kernel.errors import Refused, refuse


class About(StrEnum):
    """What kind of decision is reviewed."""

    APPLICATION = "application"
    LIMIT_REQUEST = "limit_request"


class Act(StrEnum):
    """What is done with a review."""

    ASSIGNED = "assigned"
    RELEASED = "released"
    UPHELD = "upheld"
    OVERTURNED = "overturned"
    WITHDRAWN = "withdrawn"


class State(StrEnum):
    """Where a review stands."""

    WAITING = "waiting"
    ASSIGNED = "assigned"
    UPHELD = "upheld"
    OVERTURNED = "overturned"
    WITHDRAWN = "withdrawn"


_STATE_AFTER = {
    Act.ASSIGNED: State.ASSIGNED,
    Act.RELEASED: State.WAITING,
    Act.UPHELD: State.UPHELD,
    Act.OVERTURNED: State.OVERTURNED,
    Act.WITHDRAWN: State.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewEvent:
    """One thing that was done with a review."""

    event_no: int
    act: Act
    #: Who did it; who was assigned, where the act is that.
    person: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One customer's request to have one decision looked at by a person."""

    customer_id: int
    review_id: int
    about: About
    subject_id: int
    #: Of the contested decision among those on its subject.
    decision_no: int
    outcome: str
    policy_hash: str
    policy_version: str
    #: The customer's words, without numbers of identity or telephone; may be empty.
    said: str
    requested_at: datetime
    requested_by: str
    due_on: date
    events: tuple[ReviewEvent, ...] = ()

    @property
    def state(self) -> State:
        """Return where it stands."""
        return _STATE_AFTER[self.events[-1].act] if self.events else State.WAITING

    @property
    def is_open(self) -> bool:
        """Tell whether a person still has to conclude it."""
        return self.state in (State.WAITING, State.ASSIGNED)

    @property
    def assigned_to(self) -> str | None:
        """Return whose task it is; None while it is nobody's."""
        return self.events[-1].person if self.state is State.ASSIGNED else None

    @property
    def conclusion(self) -> ReviewEvent | None:
        """Return how it ended; None while it is open."""
        return None if self.is_open else self.events[-1]

    def is_overdue(self, on: date) -> bool:
        """Tell whether its deadline has passed on a date and it is still open."""
        return self.is_open and on > self.due_on


def assign(review: Review, *, to: str, barred: "Barred", at: datetime) -> Review | Refused:
    """Make it somebody's task; giving it to whom it belongs already changes nothing."""
    if not review.is_open:
        return refuse(REVIEW_NOT_OPEN, state=review.state)
    if review.assigned_to == to:
        return review
    if review.assigned_to is not None:
        return refuse(REVIEW_ASSIGNED_TO_OTHER, person=review.assigned_to)
    return barred.refuse(to) or _after(review, Act.ASSIGNED, to, "", at)


def release(review: Review, *, by: str, reason: str, at: datetime) -> Review | Refused:
    """Give it back to the queue."""
    if not review.is_open:
        return refuse(REVIEW_NOT_OPEN, state=review.state)
    return review if review.assigned_to is None else _after(review, Act.RELEASED, by, reason, at)


def conclude(
    review: Review, *, by: str, is_upheld: bool, reason: str, barred: "Barred", at: datetime
) -> Review | Refused:
    """End it with a person's word and reason; a task of somebody else is not taken over."""
    if not review.is_open:
        return refuse(REVIEW_NOT_OPEN, state=review.state)
    if not by.strip() or not reason.strip():
        return refuse(DECISION_REASON_MISSING)
    if review.assigned_to not in (None, by):
        return refuse(REVIEW_ASSIGNED_TO_OTHER, person=review.assigned_to)
    act = Act.UPHELD if is_upheld else Act.OVERTURNED
    return barred.refuse(by) or _after(review, act, by, reason, at)


def withdraw(review: Review, *, by: str, at: datetime) -> Review | Refused:
    """End it at the customer's wish; withdrawing twice is the same as once."""
    if review.state is State.WITHDRAWN:
        return review
    if not review.is_open:
        return refuse(REVIEW_NOT_OPEN, state=review.state)
    return _after(review, Act.WITHDRAWN, by, "", at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """Who may not look at a case again."""

    #: Who wrote the version that decided.
    authors: Collection[str]
    #: Who decided on the case before.
    deciders: Collection[str]

    def refuse(self, person: str) -> Refused | None:
        """Refuse whoever would judge their own work; None for everybody else."""
        name = name_of(person)
        if name in map(name_of, self.authors):
            return refuse(REVIEWER_WROTE_POLICY)
        if name in map(name_of, self.deciders):
            return refuse(REVIEWER_DECIDED_BEFORE)
        return None


def name_of(author: str) -> str:
    """Return a person's name without the program through which it came: `api:shop:li` is `li`."""
    return author.rpartition(":")[2]


def _after(review: Review, act: Act, person: str, reason: str, at: datetime) -> Review:
    event = ReviewEvent(
        event_no=len(review.events) + 1, act=act, person=person, reason=reason, at=at
    )
    return replace(review, events=(*review.events, event))
