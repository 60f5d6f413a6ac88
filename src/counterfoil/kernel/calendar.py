"""Business dates: months that end differently, repayment days, and due dates of a plan.

Invariant   Due dates are strictly increasing; a repayment day that a month lacks falls on that
            month's last day and returns to its own number in the next month that has it.
Units       Days are counted half open: from a to b there are b - a days.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
#: Days that somebody names lie this far from both ends of the calendar: whatever is counted from
#: them forwards or back, a term or a time of keeping, is a day too.
_MARGIN = timedelta(days=36_525)
_SATURDAY = 5

#: No repayment day after this: every month has a 28th, so nobody's due date moves.
REPAYMENT_DAY_MAX = 28


def is_countable(day: date) -> bool:
    """Return whether a century on either side of a day lies in the calendar."""
    return date.min + _MARGIN <= day <= date.max - _MARGIN


def read_day(text: str) -> date:
    """Return the day that is written `2026-01-31`.

    Raises `ValueError` where the text is none, or one within a century of the calendar's ends.
    """
    day = date.fromisoformat(text)
    if not is_countable(day):
        raise ValueError(f"{text} lies too close to the end of the calendar")
    return day


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingDays:
    """What is known of the days on which people work."""

    #: Public holidays.
    closed: frozenset[date] = frozenset()
    #: Saturdays and Sundays that were declared working.
    working: frozenset[date] = frozenset()
    #: Years of which the holidays are known; in others Monday to Friday are taken for working.
    years: frozenset[int] = frozenset()

    def is_working(self, day: date) -> bool:
        """Tell whether people work on a day."""
        if day in self.working:
            return True
        return day.weekday() < _SATURDAY and day not in self.closed

    def is_known(self, start: date, end: date) -> bool:
        """Tell whether the holidays of every year between two days are known."""
        return self.years.issuperset(range(start.year, end.year + 1))


def add_working_days(start: date, count: int, *, days: WorkingDays) -> date:
    """Return the working day that lies `count` working days after a date.

    A deadline across a holiday that is not known comes early, never late; one across a weekend
    that was declared working without our knowing comes late by that day.
    """
    day = start
    while count > 0:
        day += ONE_DAY
        if days.is_working(day):
            count -= 1
    return day
