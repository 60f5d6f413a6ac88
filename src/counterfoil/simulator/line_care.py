"""What customers do to their lines beside drawing.

They ask for more once, cap themselves, freeze a line for some days, choose another repayment day,
use or ask back what they overpaid, leave. What the lender does to lines follows from its reviews.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan, payoff_minor
from counterfoil.simulator.borrowers import ASKS_AFTER_DAYS, Borrower, Habit, oldest_due

#: Granted limits are multiples of it.
LIMIT_STEP_MINOR: Final = 10_000
LIMIT_MINOR_MAX: Final = 20_000_000
#: By so many percent of the limit customers ask for more.
RAISE_PERCENT: Final = 20
#: Share of errands on which a customer cares for the line, in percent each.
CAP_PERCENT: Final = 3
FREEZE_PERCENT: Final = 1
DAY_PERCENT: Final = 2
LEAVE_PERCENT: Final = 4
FREEZE_DAYS: Final = 10


class Care(StrEnum):
    """One way of changing a line."""

    RAISE = "raise"
    CAP = "cap"
    FREEZE = "freeze"
    DAY = "day"
    LEAVE = "leave"
    RETURN = "return"
    USE = "use"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a line that is to be made; the value is an amount or a day of the month."""

    care: Care
    value: int = 0
    until: date | None = None


def change_of(borrower: Borrower, line: Line, loans: Sequence[Loan], today: date) -> Change | None:
    """Return the change that is due on a line today, at most one."""
    return _more(borrower, line, loans, today) or _by_customer(borrower, line, loans, today)


def _more(borrower: Borrower, line: Line, loans: Sequence[Loan], today: date) -> Change | None:
    """Return the wish for more of a customer who has paid for some time and owes nothing now."""
    if borrower.has_asked or (today - borrower.opened_on).days < ASKS_AFTER_DAYS:
        return None
    borrower.has_asked = True
    wanted = line.limit_minor * (100 + RAISE_PERCENT) // 100
    limit = min(wanted - wanted % LIMIT_STEP_MINOR, LIMIT_MINOR_MAX)
    if limit <= line.limit_minor or not borrower.payments or oldest_due(loans) is not None:
        return None
    return Change(Care.RAISE, limit)


def _by_customer(
    borrower: Borrower, line: Line, loans: Sequence[Loan], today: date
) -> Change | None:
    if borrower.errand_on != today:
        return None
    if line.credit_minor:
        return _credit(line, loans, today)
    if line.status != "active":
        return None
    is_empty = not loans and not line.returning_minor
    if is_empty and borrower.payments and borrower.happens(LEAVE_PERCENT, today, "leaves"):
        return Change(Care.LEAVE)
    if line.own_cap_minor is None and borrower.happens(CAP_PERCENT, today, "cap"):
        cap = line.limit_minor * 7 // 10
        return Change(Care.CAP, cap - cap % LIMIT_STEP_MINOR)
    if borrower.happens(FREEZE_PERCENT, today, "freeze"):
        return Change(Care.FREEZE, until=today + timedelta(days=FREEZE_DAYS))
    if borrower.habit is not Habit.FAILING and borrower.happens(DAY_PERCENT, today, "day"):
        return Change(Care.DAY, 1 + borrower.below(28, today, "which day"))
    return None


def _credit(line: Line, loans: Sequence[Loan], today: date) -> Change:
    """Use overpaid money for what is still owed, or ask for it back where nothing is."""
    owed = sum(payoff_minor(loan, today) for loan in loans if loan.status == "open")
    if owed:
        return Change(Care.USE, min(owed, line.credit_minor))
    return Change(Care.RETURN, line.credit_minor)
