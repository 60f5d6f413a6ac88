"""What happens to lines beside drawing: the lender reacts to records, customers set their own.

The lender stops lines with old debts, opens them again once these are paid, and reviews every line
once. Customers cap themselves, freeze a line for some days, choose another repayment day, use or
ask back what they overpaid, leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan, payoff_minor
from counterfoil.simulator.borrowers import (
    LENDER_ACTS_AFTER_DAYS,
    REVIEW_AFTER_DAYS,
    Borrower,
    Habit,
    oldest_due,
)

#: Granted limits are multiples of it.
LIMIT_STEP_MINOR: Final = 10_000
LIMIT_MINOR_MIN: Final = 50_000
LIMIT_MINOR_MAX: Final = 20_000_000
#: A good record raises a limit by so much, a bad one lowers it, in percent.
RAISE_PERCENT: Final = 20
LOWER_PERCENT: Final = 50
#: Share of errands on which a customer cares for the line, in percent each.
CAP_PERCENT: Final = 3
FREEZE_PERCENT: Final = 1
DAY_PERCENT: Final = 2
LEAVE_PERCENT: Final = 4
FREEZE_DAYS: Final = 10


class Care(StrEnum):
    """One way of changing a line."""

    STOP = "stop"
    RELEASE = "release"
    RAISE = "raise"
    LOWER = "lower"
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
    return _by_lender(borrower, line, loans, today) or _by_customer(borrower, line, loans, today)


def _by_lender(borrower: Borrower, line: Line, loans: Sequence[Loan], today: date) -> Change | None:
    due = oldest_due(loans)
    if due is None:
        if borrower.is_stopped_by_lender and line.status == "frozen":
            return Change(Care.RELEASE)
    elif not borrower.is_stopped_by_lender and (today - due).days >= LENDER_ACTS_AFTER_DAYS:
        return Change(Care.STOP)
    if borrower.is_reviewed or (today - borrower.opened_on).days < REVIEW_AFTER_DAYS:
        return None
    borrower.is_reviewed = True
    percent = 100 + RAISE_PERCENT if due is None else LOWER_PERCENT
    wanted = line.limit_minor * percent // 100
    limit = min(max(wanted - wanted % LIMIT_STEP_MINOR, LIMIT_MINOR_MIN), LIMIT_MINOR_MAX)
    if limit == line.limit_minor or not borrower.payments:
        return None
    return Change(Care.RAISE if limit > line.limit_minor else Care.LOWER, limit)


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
