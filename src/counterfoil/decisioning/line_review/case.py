"""What a review leaves to a person, from its opening to the decision.

States      open → taken → decided; open → decided; taken → open, where the person gives it back.
Clock       Working days of the policy's desk from the day of the review; a case that passes its
            day stays open and is shown as overdue, never closed by time.
Two         A decision is wide where more than the desk's share of the limit goes, or the line with
            all of it: then a second person agrees before anything is done.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from counterfoil.decisioning.line_review.measure import Kind
from counterfoil.decisioning.line_review.policy import Desk
from counterfoil.decisioning.refusals import (
    DECISION_REASON_MISSING,
    LINE_REVIEW_CASE_DECIDED,
    LINE_REVIEW_CASE_TAKEN,
    LINE_REVIEW_CASE_UNFIT,
)
from counterfoil.kernel.errors import Refused, refuse

_WHOLE_PERCENT = 100


class CaseStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    TAKEN = "taken"
    DECIDED = "decided"


class Ruling(StrEnum):
    """How a person ends a case."""

    #: The line stays as it is.
    KEEP = "keep"
    LOWER = "lower"
    FREEZE = "freeze"
    SUSPEND = "suspend"
    #: The line ends; only one without a balance can.
    CLOSE = "close"


#: Rulings that a measure carries out.
MEASURES = {
    Ruling.LOWER: Kind.LOWER,
    Ruling.FREEZE: Kind.FREEZE,
    Ruling.SUSPEND: Kind.SUSPEND,
    Ruling.CLOSE: Kind.CLOSE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCase:
    """One case; the order of the fields is that of the query which loads it."""

    customer_id: int
    case_id: int
    line_id: int
    review_id: int
    #: What is asked for: `close`, `look`.
    proposals: tuple[str, ...]
    opened_at: datetime
    due_on: date
    status: CaseStatus = CaseStatus.OPEN
    taken_by: str | None = None
    taken_at: datetime | None = None
    decision: Ruling | None = None
    to_minor: int | None = None
    decided_by: str | None = None
    #: The second person; None where one alone may decide.
    agreed_by: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None
    measure_id: int | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Return customer and number."""
        return self.customer_id, self.case_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRuling:
    """A person's decision on a case."""

    ruling: Ruling
    by: str
    reason: str
    #: The limit of a decrease.
    to_minor: int | None = None
    #: Last day of a freeze.
    ends_on: date | None = None


def take(case: ReviewCase, *, by: str, at: datetime) -> ReviewCase | Refused:
    """Make it somebody's task; taking one's own again changes nothing."""
    if case.status is CaseStatus.DECIDED:
        return refuse(LINE_REVIEW_CASE_DECIDED)
    if case.taken_by not in (None, by):
        return refuse(LINE_REVIEW_CASE_TAKEN, person=case.taken_by)
    if case.taken_by == by:
        return case
    return replace(case, status=CaseStatus.TAKEN, taken_by=by, taken_at=at)


def give_back(case: ReviewCase, *, by: str) -> ReviewCase | Refused:
    """Put it back into the queue; only whoever took it does."""
    if case.status is CaseStatus.DECIDED:
        return refuse(LINE_REVIEW_CASE_DECIDED)
    if case.taken_by not in (None, by):
        return refuse(LINE_REVIEW_CASE_TAKEN, person=case.taken_by)
    return replace(case, status=CaseStatus.OPEN, taken_by=None, taken_at=None)


def refuse_ruling(
    case: ReviewCase, ruling: CaseRuling, *, limit_minor: int, on: date
) -> Refused | None:
    """Refuse a ruling that has no reason, is somebody else's task, or cannot be carried out."""
    if case.status is CaseStatus.DECIDED:
        return refuse(LINE_REVIEW_CASE_DECIDED)
    if case.taken_by not in (None, ruling.by):
        return refuse(LINE_REVIEW_CASE_TAKEN, person=case.taken_by)
    if not ruling.by.strip() or not ruling.reason.strip():
        return refuse(DECISION_REASON_MISSING)
    is_lower = ruling.ruling is Ruling.LOWER
    is_freeze = ruling.ruling is Ruling.FREEZE
    if is_lower != (ruling.to_minor is not None) or is_freeze != (ruling.ends_on is not None):
        return refuse(LINE_REVIEW_CASE_UNFIT, reason="limit or last day are missing or too many")
    if ruling.to_minor is not None and not 0 <= ruling.to_minor < limit_minor:
        return refuse(LINE_REVIEW_CASE_UNFIT, reason="the limit is not below the present one")
    if ruling.ends_on is not None and ruling.ends_on < on:
        return refuse(LINE_REVIEW_CASE_UNFIT, reason="the last day is over")
    return None


def is_wide(ruling: CaseRuling, desk: Desk, *, limit_minor: int) -> bool:
    """Tell whether a second person has to agree."""
    if ruling.ruling is Ruling.CLOSE:
        return True
    if ruling.to_minor is None:
        return False
    off = limit_minor - ruling.to_minor
    return off * _WHOLE_PERCENT > limit_minor * desk.second_person_percent


def decide_case(
    case: ReviewCase,
    ruling: CaseRuling,
    *,
    agreed_by: str | None,
    measure_id: int | None,
    at: datetime,
) -> ReviewCase:
    """End a case whose ruling was not refused."""
    return replace(
        case,
        status=CaseStatus.DECIDED,
        decision=ruling.ruling,
        to_minor=ruling.to_minor,
        decided_by=ruling.by,
        agreed_by=agreed_by,
        reason=ruling.reason,
        decided_at=at,
        measure_id=measure_id,
    )
