"""A measure against a customer, from its notice to its end, as pure transitions.

States      planned → in_force | dropped; planned, in_force → lifted | undone; in_force → ended.
Lifted      From now on: the former limit, the freeze or the suspension gone. Undone is lifted for
            having been wrong from the start: nothing that looks back counts it.
Standing    Of several decreases each stands on its own. Lifting one that a later one stands upon
            changes no limit now; lifting the later one then gives back what both took.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from counterfoil.decisioning.refusals import (
    DECISION_REASON_MISSING,
    MEASURE_NOT_STANDING,
)
from counterfoil.kernel.errors import Refused, refuse

#: Author of what follows from a policy.
BY_RULE = "rule"
#: Author of what ends by itself.
BY_TIME = "time"


class Kind(StrEnum):
    """What is done to the line."""

    LOWER = "lower"
    FREEZE = "freeze"
    SUSPEND = "suspend"
    #: The end of a line on which nothing is owed; lifted or not, a closed line stays closed.
    CLOSE = "close"


class Status(StrEnum):
    """Where a measure stands."""

    #: Announced; its day has not come, or is being carried out.
    PLANNED = "planned"
    IN_FORCE = "in_force"
    #: Ended as it was meant to.
    ENDED = "ended"
    LIFTED = "lifted"
    UNDONE = "undone"
    #: Never carried out: the line had become another one.
    DROPPED = "dropped"


STANDING = frozenset({Status.PLANNED, Status.IN_FORCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMeasure:
    """One measure; the order of the fields is that of the query which loads it."""

    customer_id: int
    measure_id: int
    line_id: int
    kind: Kind
    status: Status
    #: What led to it: the cause of the review, or `person`.
    cause: str
    reasons: tuple[str, ...]
    #: `rule`, or the person.
    author: str
    review_id: int | None
    announced_at: datetime
    effective_on: date
    #: Last day of a freeze.
    ends_on: date | None
    currency: str
    #: The limit when it was announced, and the one that it leads to; the latter for decreases.
    from_minor: int
    to_minor: int | None
    ended_at: datetime | None = None
    ended_on: date | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    #: In the words of the person who took it, for the line's history.
    said: str | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Return customer and number."""
        return self.customer_id, self.measure_id

    @property
    def is_standing(self) -> bool:
        """Tell whether it holds, or is going to."""
        return self.status in STANDING


def take_effect(measure: LineMeasure) -> LineMeasure:
    """Note that it was carried out."""
    assert measure.status is Status.PLANNED, "what is planned takes effect"
    return replace(measure, status=Status.IN_FORCE)


def drop(measure: LineMeasure, reason: str, *, on: date, at: datetime) -> LineMeasure:
    """Note that it could not be carried out, and why."""
    assert measure.status is Status.PLANNED, "what is planned can be dropped"
    return _ended(measure, Status.DROPPED, BY_TIME, reason, on=on, at=at)


def end(measure: LineMeasure, by: str, reason: str, *, on: date, at: datetime) -> LineMeasure:
    """Note that it ended as it was meant to."""
    assert measure.status is Status.IN_FORCE, "what is in force can end"
    return _ended(measure, Status.ENDED, by, reason, on=on, at=at)


def lift(
    measure: LineMeasure, by: str, reason: str, *, is_wrong: bool, on: date, at: datetime
) -> LineMeasure | Refused:
    """Lift a measure; one that was wrong is undone from its start."""
    if not by.strip() or not reason.strip():
        return refuse(DECISION_REASON_MISSING)
    # What has ended may still turn out to have been wrong: then nothing counts it any more.
    may_end = measure.is_standing or (is_wrong and measure.status is not Status.UNDONE)
    if not may_end or measure.status is Status.DROPPED:
        return refuse(MEASURE_NOT_STANDING, status=measure.status.value)
    status = Status.UNDONE if is_wrong else Status.LIFTED
    return _ended(measure, status, by, reason, on=on, at=at)


def limit_after_lifting(measures: Sequence[LineMeasure], lifted: LineMeasure) -> int | None:
    """Return the limit that lifting a decrease gives back, None where a later one still stands.

    `measures` are all of the line, `lifted` as it was before among them or not.
    """
    taken = sorted(
        (one for one in measures if one.kind is Kind.LOWER and one.key != lifted.key),
        key=lambda one: one.measure_id,
    )
    later = [one for one in taken if one.measure_id > lifted.measure_id]
    if any(one.status is Status.IN_FORCE for one in later):
        return None
    limit = lifted.from_minor
    for one in reversed([one for one in taken if one.measure_id < lifted.measure_id]):
        if one.status in {Status.LIFTED, Status.UNDONE} and one.to_minor == limit:
            limit = one.from_minor
    return limit


def _ended(
    measure: LineMeasure, status: Status, by: str, reason: str, *, on: date, at: datetime
) -> LineMeasure:
    return replace(measure, status=status, ended_at=at, ended_on=on, ended_by=by, end_reason=reason)
