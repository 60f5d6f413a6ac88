"""Due dates: the calendars of a schedule, month ends, weekends, and the periods between dates.

Invariant   Due dates are strictly increasing; a period's end is the next period's start.
Units       Dates are half open; a period counts the days of [start, due).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import assert_never

from counterfoil.kernel.calendar import ONE_DAY, add_months, days_between
from counterfoil.lending.conventions.settings import DueDates, MonthEnd, Weekend

SATURDAY = 5
DAYS_IN_WEEK = 7


class Every(StrEnum):
    """The unit of a frequency."""

    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"
    YEARS = "YEARS"


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often an instalment falls due: every `count` units."""

    count: int
    unit: Every

    @property
    def months(self) -> int | None:
        """Return the months of a period; None where it is counted in days."""
        if self.unit is Every.MONTHS:
            return self.count
        return self.count * 12 if self.unit is Every.YEARS else None


MONTHLY = Frequency(1, Every.MONTHS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period of a schedule."""

    start: date
    due: date
    #: Whole calendar months where the period is a regular one; None where it is odd.
    months: int | None
    #: Counted in days or weeks rather than in months.
    by_days: bool
    #: The date it is to be paid, where a weekend moved it away from `due`.
    pay_on: date

    @property
    def days(self) -> int:
        """Return the days of interest in the period."""
        return days_between(self.start, self.due)


def nth_date(first: date, frequency: Frequency, nth: int, month_end: MonthEnd) -> date:
    """Return the date `nth` periods after the first, by the month-end rule."""
    match frequency.unit:
        case Every.DAYS:
            return first + timedelta(days=frequency.count * nth)
        case Every.WEEKS:
            return first + timedelta(days=DAYS_IN_WEEK * frequency.count * nth)
        case Every.MONTHS | Every.YEARS:
            months = frequency.months
            assert months is not None
            return _month_date(first, months * nth, month_end)
    assert_never(frequency.unit)


def _month_date(first: date, months: int, month_end: MonthEnd) -> date:
    """Add months from the first date, so that a clamped month does not shift the later ones."""
    wanted = add_months(first, months)
    if month_end is MonthEnd.ROLL_FORWARD and wanted.day < first.day:
        return wanted + ONE_DAY
    return wanted


def date_list(
    start: date,
    count: int,
    *,
    first_due: date | None = None,
    frequency: Frequency = MONTHLY,
    calendar: DueDates = DueDates.SAME_DAY,
    month_end: MonthEnd = MonthEnd.CLAMP_AND_RETURN,
) -> list[date]:
    """Return `count` due dates; without a first one they count from the start."""
    if calendar is DueDates.FIRST_OF_NEXT_MONTH:
        first = add_months(start, 1).replace(day=1)
        return [add_months(first, (frequency.months or 1) * k) for k in range(count)]
    if calendar is DueDates.END_OF_CURRENT_MONTH:
        step = frequency.months or 1
        return [add_months(start.replace(day=1), step * k + 1) - ONE_DAY for k in range(count)]
    if month_end is MonthEnd.CLAMP:
        return _clamped(start, count, first_due, frequency)
    if first_due is not None:
        return [nth_date(first_due, frequency, k, month_end) for k in range(count)]
    return [nth_date(start, frequency, k + 1, month_end) for k in range(count)]


def _clamped(start: date, count: int, first_due: date | None, frequency: Frequency) -> list[date]:
    """Step from one due date to the next, so that a shortened day stays short."""
    dates = [first_due or nth_date(start, frequency, 1, MonthEnd.CLAMP)]
    while len(dates) < count:
        dates.append(nth_date(dates[-1], frequency, 1, MonthEnd.CLAMP))
    return dates[:count]


def periods_of(
    start: date, dates: list[date], frequency: Frequency, weekend: Weekend = Weekend.STAY
) -> list[Period]:
    """Return the periods between due dates that follow the frequency from the second on."""
    periods: list[Period] = []
    shifts_interest = weekend is Weekend.FORWARD_WITH_INTEREST
    for number, due in enumerate(dates):
        pay_on = due if weekend is Weekend.STAY else off_weekend(due)
        end = pay_on if shifts_interest else due
        unmoved = end == due and (number == 0 or start == dates[number - 1])
        regular = unmoved and (number > 0 or is_one_period(start, due, frequency))
        periods.append(
            Period(
                start=start,
                due=end,
                months=frequency.months if regular else None,
                by_days=frequency.months is None,
                pay_on=pay_on,
            )
        )
        start = end
    return periods


def is_one_period(start: date, due: date, frequency: Frequency) -> bool:
    """Say whether the due date is one period after the start, by any month-end rule."""
    return due in {
        nth_date(start, frequency, 1, MonthEnd.CLAMP),
        nth_date(start, frequency, 1, MonthEnd.ROLL_FORWARD),
    }


def off_weekend(day: date) -> date:
    """Return the day itself, or the Monday after a Saturday or Sunday."""
    beyond = day.weekday() - SATURDAY
    return day if beyond < 0 else day + timedelta(days=2 - beyond)
