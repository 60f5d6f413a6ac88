"""Money that came in over a rail: whose reference it names, and what becomes of it.

States      `taken` from a statement, then `booked` where it belongs; or `suspended`, until two
            people say where it belongs or that it was sent back.
Invariant   The same money counts once, however many statements show it. What its reference does not
            place, and what is more than may be booked there, is never booked by a program.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

#: What stands where a payer named nothing that could be a reference of ours.
NO_REFERENCE: Final = "-"
#: Identifiers of purchases and codes of promotions; free text may name persons and is not kept.
_REFERENCE: Final = re.compile(r"pu_[0-9a-z]{13}|[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REFERENCE_LENGTH_MAX: Final = 64


class ReceivedStatus(StrEnum):
    """How far money that came in has got."""

    TAKEN = "taken"
    BOOKED = "booked"
    SUSPENDED = "suspended"
    SENT_BACK = "sent_back"


class ReceivedCause(StrEnum):
    """Why money lies before people."""

    REFERENCE_UNKNOWN = "reference_unknown"
    #: More than the purchase's running loans can take, or in another currency.
    BEYOND_LENT = "beyond_lent"
    #: More than is claimed of whoever funds the promotion, or in another currency.
    BEYOND_CLAIM = "beyond_claim"
    #: The books refused a share of it.
    BOOKS_REFUSED = "books_refused"
    #: The rail shows another amount, currency or reference under a number that it has used.
    TWIN_DIFFERS = "twin_differs"


class ReceivedKey(NamedTuple):
    """The line of a statement that shows the money."""

    rail: str
    statement_date: date
    line_no: int

    def __str__(self) -> str:
        """Return it as one text, for keys and answers."""
        return f"{self.rail}/{self.statement_date.isoformat()}/{self.line_no}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Money that came in."""

    key: ReceivedKey
    rail_reference: str
    #: What the payer named.
    reference: str
    amount_minor: int
    currency: str
    value_date: date
    status: ReceivedStatus
    cause: ReceivedCause | None
    booked_minor: int
    turn_no: int
    #: Where people say that it belongs.
    assigned: str | None
    #: Whose books hold what lies before people.
    lender_id: str | None

    @property
    def names(self) -> str:
        """Return the reference by which it is booked: people's word before the payer's."""
        return self.assigned or self.reference

    @property
    def left_minor(self) -> int:
        """Return what is not booked where it belongs."""
        return self.amount_minor - self.booked_minor


def reference_kept(text: str) -> str:
    """Return what is kept of a payer's words: a reference that may be ours, or a dash."""
    word = text.strip()
    is_short = len(word) <= _REFERENCE_LENGTH_MAX
    return word if is_short and _REFERENCE.fullmatch(word) else NO_REFERENCE
