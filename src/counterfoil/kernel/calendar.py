"""Business dates: months that end differently, repayment days, and due dates of a plan.

Invariant   Due dates are strictly increasing; a repayment day that a month lacks falls on that
            month's last day and returns to its own number in the next month that has it.
Units       Days are counted half open: from a to b there are b - a days.
"""

from calendar import monthrange
from collections.abc import Collection
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
_SATURDAY = 5

#: No repayment day after this: every month has a 28th, so nobody's due date moves.
REPAYMENT_DAY_MAX = 28


def add_months(start: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day where it is missing."""
    index = start.year * 12 + start.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if start.day <= REPAYMENT_DAY_MAX:
        return date(year, month, start.day)
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def on_day_of_month(year: int, month: int, day: int) -> date:
    """Return that day of the month, or the month's last day where it is missing."""
    if day <= REPAYMENT_DAY_MAX:
        return date(year, month, day)
    return date(year, month, min(day, monthrange(year, month)[1]))


def first_due_date(start: date, repayment_day: int, *, gap_days_min: int) -> date:
    """Return the first repayment day that lies at least `gap_days_min` days after the start."""
    earliest = start + timedelta(days=gap_days_min)
    due = on_day_of_month(earliest.year, earliest.month, repayment_day)
    if due < earliest:
        index = earliest.year * 12 + earliest.month
        due = on_day_of_month(index // 12, index % 12 + 1, repayment_day)
    return due


def nth_due_date(first_due: date, repayment_day: int, number: int) -> date:
    """Return the due date of instalment `number` (the first is 1), a month apart each."""
    index = first_due.year * 12 + first_due.month - 1 + (number - 1)
    return on_day_of_month(index // 12, index % 12 + 1, repayment_day)


def days_between(start: date, end: date) -> int:
    """Return the days from start to end, half open; negative where end comes first."""
    return end.toordinal() - start.toordinal()


def add_working_days(start: date, count: int, *, closed: Collection[date] = ()) -> date:
    """Return the working day that lies `count` working days after a date.

    Monday to Friday are working days unless they are `closed`. A deadline that knows no public
    holidays comes early, never late; one across a weekend that was declared working comes late by
    that day.
    """
    day = start
    while count > 0:
        day += ONE_DAY
        if day.weekday() < _SATURDAY and day not in closed:
            count -= 1
    return day
