"""Penal interest on overdue instalments: simple, each day rounded for itself.

A day's penalty is collectable the day after, so the due date counts and the day asked about does
not.

Units       Minor units; rates are fractions a year of 365 days.
"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from counterfoil.kernel.calendar import days_between
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.settings import Rounding


def penalty_of_day(amount_minor: int, rate_annual: Fraction, rounding: Rounding) -> int:
    """Return one day's penalty on an overdue amount."""
    return round_to(amount_minor * rate_annual / 365, rounding)


def penalty_until(
    overdue: Iterable[tuple[date, int]],
    rate_annual: Fraction,
    on: date,
    *,
    rounding: Rounding,
) -> int:
    """Return the penalty collectable on a day for instalments by due date and amount."""
    return sum(
        max(0, days_between(due, on)) * penalty_of_day(amount, rate_annual, rounding)
        for due, amount in overdue
    )
