"""A customer whom no channel reaches: a case with a clock, an owner and an outcome.

States      open → taken → told | sent_again | unreachable; taken → open, where the person gives it
            back or nobody was met.
Clock       Working days from the first message that came back, fewer where the law asks for one
            of them; more of them shorten it, none moves it on. A case that passes its day stays
            open and is shown as overdue, never closed by time.
Outcome     Somebody told the customer in another way; an address is there again, and everything
            goes out once more; or several attempts on record met nobody.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from counterfoil.customers import refusals
from counterfoil.kernel.errors import Refused, refuse

#: Working days until somebody has reached the customer; fewer for notices that the law asks for.
DAYS_TO_REACH: Final = 3
DAYS_TO_REACH_LEGAL: Final = 1
#: Attempts that met nobody, after which a customer may be called unreachable.
ATTEMPTS_MIN: Final = 3
#: Longest that a person's note is kept.
NOTE_LENGTH_MAX: Final = 300


class ContactStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    TAKEN = "taken"
    #: Somebody told the customer what the messages say.
    TOLD = "told"
    #: The messages went out again, by the channels that there are now.
    SENT_AGAIN = "sent_again"
    UNREACHABLE = "unreachable"


class ContactStep(StrEnum):
    """What somebody did to reach the customer."""

    #: Nobody was met; somebody tries again.
    MISSED = "missed"
    TOLD = "told"
    SEND_AGAIN = "send_again"
    UNREACHABLE = "unreachable"


#: How a step ends a case.
_ENDS: Final = {
    ContactStep.TOLD: ContactStatus.TOLD,
    ContactStep.SEND_AGAIN: ContactStatus.SENT_AGAIN,
    ContactStep.UNREACHABLE: ContactStatus.UNREACHABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCase:
    """One case; the order of the fields is that of the query which loads it."""

    customer_id: int
    case_id: int
    opened_at: datetime
    due_on: date
    #: A notice that the law asks for is among the messages.
    is_legal: bool
    status: ContactStatus = ContactStatus.OPEN
    taken_by: str | None = None
    attempts: int = 0
    attempted_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to reach the customer."""
        return self.ended_at is None

    def is_overdue(self, on: date) -> bool:
        """Tell whether its day has passed and nobody has reached the customer."""
        return self.is_open and on > self.due_on


def days_to_reach(*, is_legal: bool) -> int:
    """Return the working days within which somebody reaches a customer."""
    return DAYS_TO_REACH_LEGAL if is_legal else DAYS_TO_REACH


def take(case: ContactCase, *, by: str) -> ContactCase | Refused:
    """Make it somebody's task; taking one's own again changes nothing."""
    return _fault(case, by) or replace(case, status=ContactStatus.TAKEN, taken_by=by)


def give_back(case: ContactCase, *, by: str) -> ContactCase | Refused:
    """Put it back into the queue; only whoever took it does."""
    return _fault(case, by) or replace(case, status=ContactStatus.OPEN, taken_by=None)


def go_on(
    case: ContactCase, step: ContactStep, *, by: str, note: str, at: datetime
) -> ContactCase | Refused:
    """Note what was done: who met nobody tries again, everything else ends the case."""
    fault = _fault(case, by)
    if fault is not None:
        return fault
    if step is ContactStep.MISSED:
        return replace(
            case,
            status=ContactStatus.OPEN,
            taken_by=None,
            attempts=case.attempts + 1,
            attempted_at=at,
            note=note or case.note,
        )
    if step is ContactStep.UNREACHABLE and case.attempts < ATTEMPTS_MIN:
        return refuse(refusals.CONTACT_ATTEMPT_NEEDED, made=case.attempts, least=ATTEMPTS_MIN)
    if step is ContactStep.TOLD and not note:
        return refuse(refusals.CONTACT_NOTE_NEEDED)
    return replace(case, status=_ENDS[step], ended_at=at, ended_by=by, note=note or case.note)


def send_again(case: ContactCase, *, by: str, at: datetime) -> ContactCase:
    """End a case because an address is there again, whoever had taken it."""
    return replace(case, status=ContactStatus.SENT_AGAIN, ended_at=at, ended_by=by)


def _fault(case: ContactCase, by: str) -> Refused | None:
    if not case.is_open:
        return refuse(refusals.CONTACT_CASE_NOT_OPEN, status=case.status.value)
    if case.taken_by not in (None, by):
        return refuse(refusals.CONTACT_CASE_TAKEN, person=case.taken_by)
    return None
