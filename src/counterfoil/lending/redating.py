"""Another repayment day for a running loan: to which date its next instalment moves.

Rule        The next instalment moves to the date with the new day that is nearest to the present
            one, the later where two are as near; at least three days ahead, and not nearer to the
            start of the loan than the product's first period. The others follow a month apart.
Record      A transaction of this kind moves no money; its reason is the day, as `day_15`.
"""

from datetime import date, timedelta
from typing import Final

from counterfoil.kernel.calendar import nth_due_date, on_day_of_month
from counterfoil.kernel.money import divide_half_up
from counterfoil.lending import schedule
from counterfoil.lending.loan import Loan, accrue, advance, schedule_next_event
from counterfoil.lending.terms import Method, Terms

#: Kind of the transaction.
REDATING: Final = "redating"
#: No instalment moves nearer than this: reminder and auto-debit need the days.
NOTICE_DAYS_MIN: Final = 3
_PREFIX: Final = "day_"
_MONTHS: Final = 12


def redate(loan: Loan, repayment_day: int, on: date, terms: Terms) -> None:
    """Move the instalments to come to another day of the month; what has fallen due stays.

    Their number stays. A level amount is spread anew over the new days, so that the last
    instalment is not the one that takes the whole difference.
    """
    advance(loan, on)
    accrue(loan, on)
    if loan.next_due_date is None:
        return
    assert loan.start_date is not None
    due = moved_due_date(
        loan.next_due_date, repayment_day, on=on, start=loan.start_date, terms=terms
    )
    left = loan.tenor_months - loan.next_instalment_no
    loan.next_due_date = due
    loan.maturity_date = nth_due_date(due, repayment_day, left + 1)
    if loan.method is Method.LEVEL_INSTALMENT:
        days = schedule.period_days(on, due, repayment_day, range(1, left + 2))
        a_day_e8 = loan.current_principal_minor * loan.rate_daily_e8
        days[0] += _days_accrued(loan.accrued_interest_e8, a_day_e8)
        loan.instalment_minor = schedule.instalment_amount(
            loan.method, loan.current_principal_minor, loan.rate_daily_e8, days
        )
    schedule_next_event(loan)


def moved_due_date(due: date, repayment_day: int, *, on: date, start: date, terms: Terms) -> date:
    """Return the date to which an instalment moves."""
    earliest = max(
        on + timedelta(days=NOTICE_DAYS_MIN),
        start + timedelta(days=terms.first_period_days_min),
    )
    month = due.year * _MONTHS + due.month - 1
    near = [_on_day(month + shift, repayment_day) for shift in (-1, 0, 1, 2)]
    possible = [day for day in near if day >= earliest]
    return min(possible, key=lambda day: (abs(day - due), due - day))


def _days_accrued(accrued_e8: int, a_day_e8: int) -> int:
    """Return how many days of interest have accrued, halves up; 0 where a day earns none."""
    return divide_half_up(max(0, accrued_e8), a_day_e8) if a_day_e8 > 0 else 0


def reason_of(repayment_day: int) -> str:
    """Return the reason under which a day is recorded."""
    return f"{_PREFIX}{repayment_day}"


def day_of(reason: str | None) -> int:
    """Return the day of a recorded reason."""
    assert reason is not None
    assert reason.startswith(_PREFIX)
    return int(reason.removeprefix(_PREFIX))


def _on_day(month: int, repayment_day: int) -> date:
    return on_day_of_month(month // _MONTHS, month % _MONTHS + 1, repayment_day)
