"""What a change of plan does to a running loan: another rate, or another tenor.

Invariant   What was earned and what has fallen due before the change stays as it was. The terms as
            signed are kept beside the present ones, so that the loan can be folded from its start.
Units       Rates in 1e-8 per day.
"""

from datetime import date
from typing import Final

from counterfoil.kernel.calendar import nth_due_date
from counterfoil.lending.loan import Loan, accrue, advance, schedule_next_event, spread
from counterfoil.lending.terms import Method, PlanTerms

#: Kind of the transaction; it moves no money and carries the new terms.
REPLAN: Final = "replan"


def replan(loan: Loan, on: date, new: PlanTerms) -> None:
    """Let an open loan go on under another rate or tenor from a date; exact in its interest.

    Interest of the days before `on` keeps the old rate, that of `on` and later has the new one.
    What has fallen due stays due. What has not is spread over the instalments that are left, and
    money paid ahead towards the coming ones has lowered what is spread. A grace that ends later
    counts its surcharge at the rate of that day.
    """
    advance(loan, on)
    accrue(loan, on)
    if loan.signed is None:
        loan.signed = plan_terms(loan)
    longer = new.tenor_months - loan.tenor_months
    loan.rate_daily_e8, loan.penalty_daily_e8, loan.tenor_months = new
    if loan.next_due_date is not None:
        due = loan.next_due_date
        if loan.method is Method.BULLET:
            loan.next_instalment_no = loan.tenor_months
            loan.next_due_date = nth_due_date(due, due.day, longer + 1)
        left = loan.tenor_months - loan.next_instalment_no
        loan.maturity_date = nth_due_date(loan.next_due_date, due.day, left + 1)
        loan.advance_minor = 0
        spread(loan, on)
    schedule_next_event(loan)


def plan_terms(loan: Loan) -> PlanTerms:
    """Return what the plan of a loan follows from at present."""
    return PlanTerms(loan.rate_daily_e8, loan.penalty_daily_e8, loan.tenor_months)
