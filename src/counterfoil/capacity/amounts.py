"""Ranges, shares and instalments in whole numbers.

Units       Amounts in minor units, shares in ppm, yearly rates in 1e-8.
Rounding    Against the borrower's capacity: instalments up, what an instalment carries down.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.kernel.money import E8

ONE_PPM: Final = 1_000_000
_MONTHS_A_YEAR: Final = 12
#: A share above a thousand times the whole says no more than "far above".
SHARE_PPM_MAX: Final = 1_000 * ONE_PPM


class Range(NamedTuple):
    """An amount or a share that lies between two ends, both included."""

    low: int
    high: int


def instalment_minor(amount_minor: int, rate_annual_e8: int, months: int) -> int:
    """Return the level monthly instalment of an amount, rounded up."""
    assert months > 0, "an instalment needs a month"
    return _up(Fraction(amount_minor) / _factor(rate_annual_e8, months))


def carried_minor(instalment: int, rate_annual_e8: int, months: int) -> int:
    """Return the most that a level monthly instalment repays, rounded down."""
    assert months > 0, "an instalment needs a month"
    return max(0, int(Fraction(instalment) * _factor(rate_annual_e8, months)))


def share_ppm(part: int, whole: int) -> int | None:
    """Return a share, rounded up; None of nothing, where there is none."""
    if whole <= 0:
        return None
    return min(-(-part * ONE_PPM // whole), SHARE_PPM_MAX)


def median(values: Sequence[int]) -> int:
    """Return the lower of the two middle values: a prudent half."""
    assert values, "nothing has no middle"
    return sorted(values)[(len(values) - 1) // 2]


@lru_cache(maxsize=1_000)
def _factor(rate_annual_e8: int, months: int) -> Fraction:
    """Return the present value of one unit a month, exactly."""
    rate = Fraction(rate_annual_e8, E8 * _MONTHS_A_YEAR)
    if rate == 0:
        return Fraction(months)
    return (1 - 1 / (1 + rate) ** months) / rate


def _up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
