"""Money that came in over a rail: whose reference it names, and what becomes of it.

States      `taken` from a statement, then `booked` where it belongs; or `suspended`, until two
            people say where it belongs or that it was sent back. A recall goes the same way: it is
            `booked` once what had come in was taken off the books again.
Invariant   The same money counts once, however many statements show it. What its reference does not
            place, and what is more than may be booked there, is never booked by a program.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from counterfoil.kernel.creditor_reference import find_reference

#: What stands where a payer named nothing that could be a reference of ours.
NO_REFERENCE: Final = "-"
#: Identifiers of purchases and codes of promotions; free text may name persons and is not kept.
_REFERENCE: Final = re.compile(r"pu_[0-9a-z]{13}|[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REFERENCE_LENGTH_MAX: Final = 64
#: More than a payer has room for.
_WORDS_LENGTH_MAX: Final = 1_000
_RAIL_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_ACCOUNT: Final = re.compile(r"[0-9A-Za-z-]{1,64}")


class ReceivedKind(StrEnum):
    """Whether money came in, or went again."""

    RECEIVED = "received"
    #: The payer's bank took back what had been received.
    RECALLED = "recalled"


class Ending(StrEnum):
    """How people end what no booking can: a recall of money that was passed on, and its claim."""

    #: What was taken back is claimed of whoever got it.
    CLAIM = "claim"
    #: The house bears the recall, or what is left of its claim.
    LOSS = "loss"
    #: Money that came in pays a claim.
    PAYS_CLAIM = "pays_claim"


class ReceivedStatus(StrEnum):
    """How far money that came in has got."""

    TAKEN = "taken"
    BOOKED = "booked"
    SUSPENDED = "suspended"
    SENT_BACK = "sent_back"


class ReceivedCause(StrEnum):
    """Why money lies before people."""

    REFERENCE_UNKNOWN = "reference_unknown"
    #: It looks like a reference of a line or loan, and its check digits say that it is none.
    REFERENCE_MISTYPED = "reference_mistyped"
    #: The line has no loan that it could repay, and never had one.
    NOTHING_OWED = "nothing_owed"
    #: In another currency than the line.
    CURRENCY_DIFFERS = "currency_differs"
    #: Somebody else sent more than is owed: what is too much is not the customer's.
    PAYER_DIFFERS = "payer_differs"
    #: It came to the account of a lender in whose books the loan does not stand.
    OTHER_LENDER = "other_lender"
    #: A bank recalls another amount than came in, or what was no repayment or is gone already.
    RECALL_UNFIT = "recall_unfit"
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


def transfer_key(key: ReceivedKey, turn_no: int) -> str:
    """Return the key under which the books hear of a transfer in its turn."""
    return f"transfer:{key}:{turn_no}"


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
    kind: ReceivedKind = ReceivedKind.RECEIVED
    #: The account of ours that it came to; None where the rail does not say it.
    account: str | None = None
    #: Keyed digest of the payer's name; None where the rail does not say it.
    payer_digest: bytes | None = None
    #: Whose repayment it was booked as.
    customer_id: int | None = None
    repayment_id: int | None = None
    #: Whether the customer sent it; None where nobody knows.
    is_own_money: bool | None = None
    #: Of a recall that became a claim: all of it, and what is neither paid nor given up.
    claimed_minor: int | None = None
    claim_left_minor: int | None = None
    #: In whose books the claim stands.
    claim_lender_id: str | None = None

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
    of_line = find_reference(text[:_WORDS_LENGTH_MAX])
    if of_line is not None:
        return of_line
    word = text.strip()
    is_short = len(word) <= _REFERENCE_LENGTH_MAX
    return word if is_short and _REFERENCE.fullmatch(word) else NO_REFERENCE


def rail_number_kept(text: str) -> str:
    """Return a rail's own number of money, or a dash where it is written like none."""
    word = text.strip()
    return word if _RAIL_NUMBER.fullmatch(word) else NO_REFERENCE


def account_kept(text: str) -> str | None:
    """Return the number of an account without spaces; None where there is none."""
    word = "".join(text.split())
    return word if _ACCOUNT.fullmatch(word) else None
