"""Day counts: which part of a year lies between two dates, exactly.

Invariant   Every count but `MONTH_12`, `30E_360` and `30U_360` is additive: the part from a to c is
            the part from a to b plus the part from b to c.
Units       Dates are half open: from a to b there are b - a days. A year fraction is a `Fraction`.
Follows     `30E_360` is the Eurobond basis, `30U_360` the American one with its February rule.
"""

from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from counterfoil.kernel.calendar import ONE_DAY, add_months, days_between

MONTHS_IN_YEAR = 12
DAYS_IN_THIRTY_360 = 360
DAYS_IN_LONG_MONTH = 31


class DayCount(StrEnum):
    """How the part of a year between two dates is counted."""

    ACT_365 = "ACT_365"
    ACT_360 = "ACT_360"
    ACT_364 = "ACT_364"
    #: Days of each calendar year over that year's length; the years are cut at 31 December.
    ACT_ACT_31DEC = "ACT_ACT_31DEC"
    #: Whole calendar months; an odd part is its days over the days of the month it lies in.
    MONTH_12 = "MONTH_12"
    THIRTY_E_360 = "30E_360"
    THIRTY_U_360 = "30U_360"


def year_fraction(day_count: DayCount, start: date, end: date) -> Fraction:
    """Return the part of a year from start to end under the named count."""
    assert start <= end
    match day_count:
        case DayCount.ACT_365:
            return Fraction(days_between(start, end), 365)
        case DayCount.ACT_360:
            return Fraction(days_between(start, end), 360)
        case DayCount.ACT_364:
            return Fraction(days_between(start, end), 364)
        case DayCount.ACT_ACT_31DEC:
            return _actual_by_year(start, end)
        case DayCount.MONTH_12:
            return _calendar_months(start, end) / MONTHS_IN_YEAR
        case DayCount.THIRTY_E_360:
            return _thirty(start, end, min(start.day, 30), min(end.day, 30))
        case DayCount.THIRTY_U_360:
            return _thirty_us(start, end)
    assert_never(day_count)


def days_in_year(year: int) -> int:
    """Return 365, or 366 in a leap year."""
    return days_between(date(year, 1, 1), date(year + 1, 1, 1))


def _actual_by_year(start: date, end: date) -> Fraction:
    """Sum the days of each year over its length; 31 December opens the next year's part."""
    total = Fraction(0)
    while start < end:
        year = (start + ONE_DAY).year
        cut = min(end, date(year, 12, 31))
        total += Fraction(days_between(start, cut), days_in_year(year))
        start = cut
    return total


def _calendar_months(start: date, end: date) -> Fraction:
    """Count whole calendar months from the start, then days over the month they fall in."""
    whole = (end.year - start.year) * MONTHS_IN_YEAR + end.month - start.month
    if add_months(start, whole) > end:
        whole -= 1
    month_start, month_end = add_months(start, whole), add_months(start, whole + 1)
    return whole + Fraction(days_between(month_start, end), days_between(month_start, month_end))


def _thirty(start: date, end: date, start_day: int, end_day: int) -> Fraction:
    """Count months of 30 days with the days already adjusted."""
    months = (end.year - start.year) * MONTHS_IN_YEAR + end.month - start.month
    return Fraction(30 * months + end_day - start_day, DAYS_IN_THIRTY_360)


def _thirty_us(start: date, end: date) -> Fraction:
    """Adjust the days the American way: February's last day and the 31st count as the 30th."""
    start_day, end_day = start.day, end.day
    if _ends_february(start):
        if _ends_february(end):
            end_day = 30
        start_day = 30
    if end_day == DAYS_IN_LONG_MONTH and start_day >= 30:  # noqa: PLR2004 - the 30th of the rule
        end_day = 30
    return _thirty(start, end, min(start_day, 30), end_day)


def _ends_february(day: date) -> bool:
    """Say whether the day is the last of a February."""
    return day.month == 2 and (day + ONE_DAY).month == 3  # noqa: PLR2004 - February, March
