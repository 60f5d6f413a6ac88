"""What an open loan asks for: now, next, and to close it; figures of the loan's own functions."""

from dataclasses import dataclass
from datetime import date

from counterfoil.lending.interest import payable
from counterfoil.lending.loan import Loan, accrue, advance, plan


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


def due_now_minor(loan: Loan, on: date) -> int:
    """Return what has fallen due and is unpaid, surcharge included."""
    twin = as_of(loan, on)
    penalty = payable(twin.accrued_penalty_e8)
    return twin.due_principal_minor + twin.due_interest_minor + penalty


def next_due(loan: Loan, on: date) -> NextDue:
    """Return what an open loan asks for next: what is overdue, else its coming instalment."""
    unpaid = due_now_minor(loan, on)
    oldest = as_of(loan, on).oldest_due_date
    if unpaid and oldest is not None:
        late = (on - oldest).days
        return NextDue(loan_id=loan.loan_id, day=oldest, amount_minor=unpaid, days_late=late)
    coming = plan(loan)[0]
    return NextDue(
        loan_id=loan.loan_id, day=coming.due_date, amount_minor=coming.due_minor, days_late=0
    )
