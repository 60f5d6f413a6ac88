"""What an open loan asks for: now, next, and what a payment would pay; by the loan's own functions.

Nothing here is booked: every figure is of a copy of the loan.
"""

from dataclasses import dataclass
from datetime import date

from counterfoil.lending.loan import Loan, Parts, accrue, advance, due_minor, plan
from counterfoil.lending.paying import pay
from counterfoil.lending.terms import Prepayment, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDue:
    """What a loan asks for next, minor units."""

    loan_id: int
    day: date
    amount_minor: int
    #: Days since the oldest unpaid instalment fell due; 0 where none is unpaid.
    days_late: int


def as_of(loan: Loan, on: date) -> Loan:
    """Return a loan as it stands on a date, if nothing is paid before."""
    twin = loan.copy()
    advance(twin, on)
    accrue(twin, on)
    return twin


def next_due(loan: Loan, on: date) -> NextDue:
    """Return what an open loan asks for next: what is overdue, else its coming instalment."""
    unpaid, oldest = due_minor(loan, on), as_of(loan, on).oldest_due_date
    if unpaid and oldest is not None:
        late = (on - oldest).days
        return NextDue(loan_id=loan.loan_id, day=oldest, amount_minor=unpaid, days_late=late)
    coming = plan(loan)[0]
    return NextDue(
        loan_id=loan.loan_id, day=coming.due_date, amount_minor=coming.due_minor, days_late=0
    )


def if_paid(
    loan: Loan, amount_minor: int, on: date, *, mode: Prepayment, terms: Terms
) -> tuple[Loan, Parts]:
    """Return the loan as a payment would leave it, and what the payment would pay."""
    twin = loan.copy()
    return twin, pay(twin, amount_minor, on, mode=mode, terms=terms)
