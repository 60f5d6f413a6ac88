"""What checking the books writes down: results by check, and sums for the whole book."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.ledger.store import BookKey
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.close_cut import Cut

#: Exceptions of one check that are listed; the rest are only counted.
LISTED_MAX: Final = 200

#: Commands that leave a leaf, and of which type it is.
LEAF_TYPES: Final = {
    "open_line": LeafType.LIMIT_CHANGE,
    "set_limit": LeafType.LIMIT_CHANGE,
    "freeze_line": LeafType.LIMIT_CHANGE,
    "unfreeze_line": LeafType.LIMIT_CHANGE,
    "suspend_line": LeafType.LIMIT_CHANGE,
    "reinstate_line": LeafType.LIMIT_CHANGE,
    "restore_limit": LeafType.LIMIT_CHANGE,
    "close_line": LeafType.LIMIT_CHANGE,
    "set_own_cap": LeafType.LIMIT_CHANGE,
    "move_repayment_day": LeafType.LIMIT_CHANGE,
    "collect_debit": LeafType.MONEY_MOVEMENT,
    "take_transfer": LeafType.MONEY_MOVEMENT,
    "set_repayment_day": LeafType.LIMIT_CHANGE,
    "replace_agreement": LeafType.LIMIT_CHANGE,
    "draw": LeafType.MONEY_MOVEMENT,
    "confirm_payout": LeafType.MONEY_MOVEMENT,
    "fail_payout": LeafType.MONEY_MOVEMENT,
    "repay": LeafType.MONEY_MOVEMENT,
    "reverse_repayment": LeafType.MONEY_MOVEMENT,
    "return_credit": LeafType.MONEY_MOVEMENT,
    "use_credit": LeafType.MONEY_MOVEMENT,
    "replan_loan": LeafType.MONEY_MOVEMENT,
    "return_payout": LeafType.MONEY_MOVEMENT,
    "confirm_return": LeafType.MONEY_MOVEMENT,
    "fail_return": LeafType.MONEY_MOVEMENT,
    "bounce_return": LeafType.MONEY_MOVEMENT,
}


@dataclass(slots=True)
class Result:
    """What one check found."""

    examined: int = 0
    #: Subject and what is wrong with it, at most `LISTED_MAX`.
    exceptions: list[dict[str, str]] = field(default_factory=list)
    exceptions_count: int = 0

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.exceptions_count

    def note(self, subject: str, what: str) -> None:
        """Write down one exception."""
        self.exceptions_count += 1
        if len(self.exceptions) < LISTED_MAX:
            self.exceptions.append({"subject": subject, "what": what})


@dataclass(slots=True)
class Sums:
    """What loans and lines come to in one book."""

    principal_minor: int = 0
    held_minor: int = 0
    credit_minor: int = 0
    returning_minor: int = 0
    #: As the latest close has to have seen it.
    interest_e8: int = 0
    penalty_e8: int = 0
    fee_minor: int = 0


@dataclass(slots=True, kw_only=True)
class Notes:
    """What checking the pages writes down, and what it has to know."""

    catalogue: Catalogue
    business_date: date
    #: A day is being closed: some loans wait for their turn.
    is_closing: bool
    #: The latest day whose accrual was booked, and what it saw; None before the first.
    accrued: Cut | None
    results: defaultdict[str, Result] = field(default_factory=lambda: defaultdict(Result))
    sums: defaultdict[BookKey, Sums] = field(default_factory=lambda: defaultdict(Sums))
    #: By book and bucket at the latest close: loans, principal, exact interest and penalty, fees.
    buckets: defaultdict[tuple[BookKey, int], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0, 0])
    )
