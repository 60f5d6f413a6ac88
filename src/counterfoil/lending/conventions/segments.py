"""Interest between two events in closed form, under each way of rounding what accrues.

Invariant   Under exact accrual, interest over [a, c) is interest over [a, b) plus over [b, c).
Units       Minor units; rates are fractions a year.
Rounding    Exact: once, when demanded. Per segment and per day: as they accrue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from counterfoil.kernel.calendar import days_between
from counterfoil.kernel.daycount import DayCount, year_fraction
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.settings import Accrual, Conventions, NotCovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of days with one balance and one rate."""

    start: date
    end: date
    balance_minor: int
    rate_annual: Fraction

    @property
    def days(self) -> int:
        """Return the days of the stretch."""
        return days_between(self.start, self.end)


def exact_interest(segment: Segment, day_count: DayCount) -> Fraction:
    """Return the interest of one segment, unrounded."""
    part = year_fraction(day_count, segment.start, segment.end)
    return segment.balance_minor * segment.rate_annual * part


def interest_of(segments: Sequence[Segment], conventions: Conventions) -> int:
    """Return the interest demanded at the end of the segments, by the bundle's accrual."""
    count, rounding = conventions.day_count, conventions.rounding
    if conventions.accrual in {Accrual.EXACT, Accrual.PER_PERIOD}:
        total = sum((exact_interest(one, count) for one in segments), start=Fraction(0))
        return round_to(total, rounding)
    if conventions.accrual is Accrual.PER_SEGMENT:
        return sum(round_to(exact_interest(one, count), rounding) for one in segments)
    if conventions.accrual is Accrual.PER_DAY:
        return sum(one.days * interest_of_day(one, conventions) for one in segments)
    raise NotCovered("flat interest between two events")


def interest_of_day(segment: Segment, conventions: Conventions) -> int:
    """Return one day's interest of a segment, rounded for itself."""
    year = {DayCount.ACT_365: 365, DayCount.ACT_360: 360, DayCount.ACT_364: 364}
    if conventions.day_count not in year:
        raise NotCovered(f"interest rounded per day under {conventions.day_count}")
    exact = segment.balance_minor * segment.rate_annual / year[conventions.day_count]
    return round_to(exact, conventions.rounding)
