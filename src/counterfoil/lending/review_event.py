"""What a change of a line says about its review: some are looked at before their day.

Repaid      A loan of the line was repaid in full.
Cured       Nothing of a suspended line is unpaid any more; a review may open it at once.
Streak      Every third instalment of a loan that is paid within its days of grace; whether those
            before it were late as well the review reads from the whole record.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from counterfoil.lending.account import Account
from counterfoil.lending.delinquency import days_past_due
from counterfoil.lending.loan import Loan

LOAN_REPAID: Final = "loan_repaid"
CURED: Final = "cured"
ON_TIME_STREAK: Final = "on_time_streak"
#: Instalments of a loan that are paid on time before the line is looked at for it.
STREAK_LENGTH: Final = 3

#: Customer, line, day, cause.
ReviewEvent = tuple[object, ...]


def review_events(account: Account) -> list[ReviewEvent]:
    """Return the events of an account that was changed, at most one of a cause."""
    assert account.line is not None, "what was changed is there"
    key = (account.line.customer_id, account.line.line_id)
    found: dict[str, date] = {}
    for loan_id in account.changed_loans:
        found.update((cause, on) for cause, on in _of_loan(account.loans[loan_id]))
    paid_on = _cured_on(account)
    if paid_on is not None:
        # Whoever may draw again is looked at for that, whatever else has happened.
        found = {CURED: paid_on}
    return [(*key, on, cause) for cause, on in list(found.items())[:1]]


def _of_loan(loan: Loan) -> Iterator[tuple[str, date]]:
    if loan.status == "closed" and loan.closed_on is not None:
        yield LOAN_REPAID, loan.closed_on
        return
    for due in loan.dues:
        if not due.is_changed or due.settled_on is None or due.instalment_no % STREAK_LENGTH:
            continue
        if not days_past_due(due.due_date, loan.grace_days, due.settled_on):
            yield ON_TIME_STREAK, due.settled_on


def _cured_on(account: Account) -> date | None:
    """Return the day on which the last that was late was paid; None where something is or none."""
    line = account.line
    if line is None or line.status != "suspended" or not account.changed_loans:
        return None
    if any(one.status == "open" and one.oldest_due_date for one in account.loans.values()):
        return None
    settled = [
        due.settled_on
        for loan_id in account.changed_loans
        for due in account.loans[loan_id].dues
        if due.is_changed and due.settled_on is not None
    ]
    closed = [account.loans[loan_id].closed_on for loan_id in account.changed_loans]
    return max([*settled, *(day for day in closed if day is not None)], default=None)
