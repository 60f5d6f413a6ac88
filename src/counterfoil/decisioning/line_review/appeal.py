"""A customer's appeal against a measure: a case with a clock, decided by a person.

Clock       Working days of the house's calendar, public holidays among them where they are known.
Invariant   Whoever took a measure does not decide on the appeal against it.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from counterfoil.decisioning.line_review.measure import LineMeasure
from counterfoil.decisioning.refusals import (
    APPEAL_BY_AUTHOR,
    APPEAL_NOT_OPEN,
    DECISION_REASON_MISSING,
    MEASURE_NOT_STANDING,
)
from counterfoil.kernel.calendar import add_working_days
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.rules.shelf import working_days

#: Working days until somebody has decided.
DAYS_TO_DECIDE = 5


class AppealStatus(StrEnum):
    """Where an appeal stands."""

    OPEN = "open"
    #: The measure was lifted from then on.
    LIFTED = "lifted"
    #: The measure was wrong from its start.
    UNDONE = "undone"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAppeal:
    """One appeal; the order of the fields is that of the query which loads it."""

    customer_id: int
    appeal_id: int
    line_id: int
    measure_id: int
    #: What the customer says, identity and phone numbers hidden.
    grounds: str
    received_at: datetime
    due_on: date
    status: AppealStatus = AppealStatus.OPEN
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_reason: str | None = None


def lodge(
    measure: LineMeasure, grounds: str, *, appeal_id: int, on: date, at: datetime
) -> LineAppeal | Refused:
    """Return a new appeal against a measure that stands."""
    if not measure.is_standing:
        return refuse(MEASURE_NOT_STANDING, status=measure.status.value)
    return LineAppeal(
        customer_id=measure.customer_id,
        appeal_id=appeal_id,
        line_id=measure.line_id,
        measure_id=measure.measure_id,
        grounds=grounds,
        received_at=at,
        due_on=add_working_days(on, DAYS_TO_DECIDE, days=working_days()),
    )


def decide_appeal(
    appeal: LineAppeal,
    measure: LineMeasure,
    status: AppealStatus,
    *,
    by: str,
    reason: str,
    at: datetime,
) -> LineAppeal | Refused:
    """End an appeal by a named person who is not the author of the measure."""
    if appeal.status is not AppealStatus.OPEN:
        return refuse(APPEAL_NOT_OPEN, status=appeal.status.value)
    if not by.strip() or not reason.strip():
        return refuse(DECISION_REASON_MISSING)
    if by == measure.author:
        return refuse(APPEAL_BY_AUTHOR)
    return replace(appeal, status=status, decided_at=at, decided_by=by, decision_reason=reason)
