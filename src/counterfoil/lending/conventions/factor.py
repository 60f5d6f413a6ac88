"""Interest factors of periods and of parts of them, exact or to a stated number of digits.

Invariant   The parts of a period add up to its factor before rounding, for every day count.
Units       A factor is the share of the balance that becomes interest; rates are fractions a year.
Rounding    `clip` keeps significant digits, halves to even, where the convention states them.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from counterfoil.kernel.calendar import add_months, days_between
from counterfoil.kernel.daycount import DayCount, year_fraction
from counterfoil.lending.conventions.due_dates import Period
from counterfoil.lending.conventions.settings import Conventions, PartMonth

ONE = Fraction(1)


def clip(exact: Fraction, digits: int | None) -> Fraction:
    """Return the number to that many significant digits, or unchanged where none are stated."""
    if digits is None:
        return exact
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN)
    return Fraction(context.divide(Decimal(exact.numerator), Decimal(exact.denominator)))


def period_factor(conventions: Conventions, rate_annual: Fraction, period: Period) -> Fraction:
    """Return the factor of a whole period."""
    part = part_of_year(conventions, period, period.start, period.due)
    return clip(rate_annual * part, conventions.factor_digits)


def segment_factor(
    conventions: Conventions, rate_annual: Fraction, period: Period, start: date, end: date
) -> Fraction:
    """Return the factor of the part of a period between two dates."""
    part = part_of_year(conventions, period, start, end)
    return clip(rate_annual * part, conventions.factor_digits)


def part_of_year(conventions: Conventions, period: Period, start: date, end: date) -> Fraction:
    """Return the part of a year between two dates of one period."""
    if conventions.day_count is not DayCount.MONTH_12:
        return year_fraction(conventions.day_count, start, end)
    days = days_between(start, end)
    whole = (start, end) == (period.start, period.due)
    if period.by_days or (conventions.part_month is PartMonth.DAYS_360 and not whole):
        return Fraction(days, 360)
    if period.months is not None:
        return Fraction(period.months, 12) * Fraction(days, period.days or 1)
    if conventions.part_month is PartMonth.DAYS_360:
        return _months_and_days_360(period)
    count = DayCount.MONTH_12
    return year_fraction(count, period.start, end) - year_fraction(count, period.start, start)


def annuity_of_factors(
    principal: Fraction, factors: Sequence[Fraction], digits: int | None
) -> Fraction:
    """Return the equal instalment that clears the principal over periods of these factors.

    The first factor may already be spent: pass the principal with its interest and a factor of 0.
    """
    product = clip(ONE + factors[0], digits)
    for factor in factors[1:]:
        product = clip(product * clip(ONE + factor, digits), digits)
    denominator = denominators(factors, digits)[-1]
    return clip(clip(principal * product, digits) / denominator, digits)


def denominators(factors: Sequence[Fraction], digits: int | None) -> list[Fraction]:
    """Return the annuity's denominators one by one: 1, then 1 + the last x (1 + factor)."""
    values = [ONE]
    for factor in factors[1:]:
        grown = clip(values[-1] * clip(ONE + factor, digits), digits)
        values.append(clip(ONE + grown, digits))
    return values


def annuity_of_rate(principal: Fraction, rate_period: Fraction, periods: int) -> Fraction:
    """Return the equal instalment at one rate per period, exactly."""
    if rate_period == 0:
        return principal / periods
    growth = (ONE + rate_period) ** periods
    return principal * rate_period * growth / (growth - ONE)


def _months_and_days_360(period: Period) -> Fraction:
    """Count an odd period's whole months as twelfths and the rest as days of 360."""
    whole = int(year_fraction(DayCount.MONTH_12, period.start, period.due) * 12)
    rest = days_between(add_months(period.start, whole), period.due)
    return Fraction(whole, 12) + Fraction(rest, 360)
