"""A customer's wish to be called back, from the request to the talk, as pure transitions.

States      waiting → taken → reached | unreached; taken → waiting, where nobody answered or the
            person gives it back; waiting, taken → withdrawn.
Clock       Working days after the request; one that passes its day stays open and is shown as
            overdue, never closed by time. Only after several calls nobody answered may a person
            end it as unreached.
Number      Is none of this: who calls has it shown from the vault, for a purpose, on record.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from counterfoil.customers import refusals
from counterfoil.kernel.errors import Refused, refuse

#: Working days until somebody has called.
DAYS_TO_CALL: Final = 1
#: Calls nobody answered, after which a request may be ended as unreached.
MISSED_MIN: Final = 3
#: Longest that a customer's own words, or a person's note, are kept.
SAID_LENGTH_MAX: Final = 300


class About(StrEnum):
    """What the customer wants to talk about."""

    APPLICATION = "application"
    OFFER = "offer"
    CONTRACT = "contract"
    REPAYMENT = "repayment"
    OTHER = "other"


class Slot(StrEnum):
    """When the customer likes to be called."""

    ANY = "any"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class CallStatus(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    REACHED = "reached"
    UNREACHED = "unreached"
    WITHDRAWN = "withdrawn"


class Attempt(StrEnum):
    """What came of a call."""

    REACHED = "reached"
    #: Nobody answered; somebody calls again.
    MISSED = "missed"
    #: Nobody answered often enough: the customer is written to instead.
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One request; the order of the fields is that of the query which loads it."""

    customer_id: int
    call_id: int
    about: About
    slot: Slot
    said: str
    requested_at: datetime
    requested_by: str
    due_on: date
    status: CallStatus = CallStatus.WAITING
    taken_by: str | None = None
    missed: int = 0
    missed_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to call."""
        return self.ended_at is None

    def is_overdue(self, on: date) -> bool:
        """Tell whether its day has passed and nobody has talked to the customer."""
        return self.is_open and on > self.due_on


def take(call: CallRequest, *, by: str) -> CallRequest | Refused:
    """Make it somebody's task; taking one's own again changes nothing."""
    fault = _fault(call, by)
    if fault is not None:
        return fault
    return replace(call, status=CallStatus.TAKEN, taken_by=by)


def give_back(call: CallRequest, *, by: str) -> CallRequest | Refused:
    """Put it back into the queue; only whoever took it does."""
    fault = _fault(call, by)
    if fault is not None:
        return fault
    return replace(call, status=CallStatus.WAITING, taken_by=None)


def note_attempt(
    call: CallRequest, attempt: Attempt, *, by: str, note: str, at: datetime
) -> CallRequest | Refused:
    """Note a call: who was reached is done, who was missed waits for the next one."""
    fault = _fault(call, by)
    if fault is not None:
        return fault
    if attempt is Attempt.MISSED:
        return replace(
            call,
            status=CallStatus.WAITING,
            taken_by=None,
            missed=call.missed + 1,
            missed_at=at,
            note=note or call.note,
        )
    if attempt is Attempt.UNREACHED and call.missed < MISSED_MIN:
        return refuse(refusals.CALL_ATTEMPT_NEEDED, missed=call.missed, least=MISSED_MIN)
    return replace(
        call, status=CallStatus(attempt.value), ended_at=at, ended_by=by, note=note or call.note
    )


def withdraw(call: CallRequest, *, by: str, at: datetime) -> CallRequest | Refused:
    """End it at the customer's wish; withdrawing twice is the same as once."""
    if call.status is CallStatus.WITHDRAWN:
        return call
    if not call.is_open:
        return refuse(refusals.CALL_NOT_OPEN, status=call.status.value)
    return replace(call, status=CallStatus.WITHDRAWN, ended_at=at, ended_by=by)


def _fault(call: CallRequest, by: str) -> Refused | None:
    if not call.is_open:
        return refuse(refusals.CALL_NOT_OPEN, status=call.status.value)
    if call.taken_by not in (None, by):
        return refuse(refusals.CALL_TAKEN, person=call.taken_by)
    return None
