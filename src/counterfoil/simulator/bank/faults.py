"""The ways in which a bank goes wrong, and the plan of which payout meets which.

Invariant   The plan depends on its seed and the payout's reference alone, not on the order in which
            payouts arrive: a failing run is repeated by its seed.
Units       Rates in basis points (1/10,000) of all payouts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

#: One in this many is the finest rate.
SCALE_BP: Final = 10_000


class Fault(StrEnum):
    """What happens to one payout on its first arrival."""

    NONE = "none"
    #: The order is lost on the way; the caller waits in vain.
    TIMEOUT_BEFORE_ACCEPT = "timeout_before_accept"
    #: The order is carried out; the caller waits in vain.
    TIMEOUT_AFTER_ACCEPT = "timeout_after_accept"
    #: The order is carried out; the caller gets a server error.
    ERROR_AFTER_ACCEPT = "error_after_accept"
    #: The same callback comes twice.
    ANSWERS_TWICE = "answers_twice"
    #: The order waits somewhere, is denied when asked about, and is carried out then.
    ANSWERS_LATE = "answers_late"
    #: Booked as ordered, answered with another amount.
    WRONG_AMOUNT_ANSWERED = "wrong_amount_answered"
    #: Booked and answered with another amount than ordered.
    WRONG_AMOUNT_BOOKED = "wrong_amount_booked"
    #: Refused for good: the payee's account is closed.
    REFUSES = "refuses"
    #: Answered as pending; the callback that should follow never comes.
    CALLBACK_LOST = "callback_lost"
    #: The callback comes before the answer.
    CALLBACK_EARLY = "callback_early"
    #: The callback says that the payout failed; it did not.
    CALLBACK_CONTRADICTS = "callback_contradicts"
    #: Paid, and sent back by the payee's bank on the next day.
    LATE_REVERSAL = "late_reversal"
    #: Paid as ordered; the statement leaves it out or shows another amount.
    STATEMENT_MISMATCH = "statement_mismatch"


#: After these the bank says nothing at all to the order.
SILENT: Final = frozenset(
    {Fault.TIMEOUT_BEFORE_ACCEPT, Fault.TIMEOUT_AFTER_ACCEPT, Fault.ANSWERS_LATE}
)


class ReceiptFault(StrEnum):
    """What happens to money that somebody sends to the lender."""

    NONE = "none"
    #: The statement has its line twice.
    SHOWN_TWICE = "shown_twice"
    #: The statement of the next day has it again.
    SHOWN_AGAIN = "shown_again"
    #: It is missing on its day's statement; the next one has it, valued on its day.
    SHOWN_LATE = "shown_late"
    #: The next statement has another amount under its number.
    TWIN = "twin"
    #: The payer's bank takes it back on the next day.
    RECALLED = "recalled"
    #: The payer's bank takes back a part of it on the next day.
    RECALLED_IN_PART = "recalled_in_part"


@dataclass(slots=True)
class FaultPlan:
    """Which payouts go wrong, and how."""

    seed: int = 0
    #: Basis points of all payouts by fault; the rest go right.
    rates_bp: Mapping[Fault, int] = field(default_factory=dict)
    #: Basis points of all questions that nobody answers.
    silent_asks_bp: int = 0
    #: Faults of the very next payouts, before the rates count; for demonstrations.
    upcoming: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse rates that are negative or more than everything."""
        rates = [*self.rates_bp.values(), self.silent_asks_bp]
        if min(rates) < 0 or sum(self.rates_bp.values()) > SCALE_BP or rates[-1] > SCALE_BP:
            raise ValueError("rates are basis points that sum to at most 10,000")

    def fault_of(self, reference: str) -> Fault:
        """Return what happens to a payout that arrives for the first time."""
        if self.upcoming:
            return self.upcoming.pop(0)
        if not self.rates_bp:
            return Fault.NONE
        drawn = draw(self.seed, reference, "payout", SCALE_BP)
        for fault, rate_bp in self.rates_bp.items():
            if drawn < rate_bp:
                return fault
            drawn -= rate_bp
        return Fault.NONE

    def is_silent_on_ask(self, reference: str, ask_no: int) -> bool:
        """Return whether nobody answers this question."""
        if not self.silent_asks_bp:
            return False
        return draw(self.seed, reference, f"ask {ask_no}", SCALE_BP) < self.silent_asks_bp


def draw(seed: int, reference: str, purpose: str, below: int) -> int:
    """Return a number from 0 to `below` - 1 that depends on these words alone."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{reference}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % below
