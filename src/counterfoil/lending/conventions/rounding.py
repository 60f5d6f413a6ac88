"""Rounding of exact amounts to a unit by a named rule.

Units       Exact amounts in minor units as fractions; the unit in minor units.
"""

from fractions import Fraction
from math import ceil, floor

from counterfoil.lending.conventions.settings import Rounding


def round_to(exact_minor: Fraction, rounding: Rounding, *, unit_minor: int = 1) -> int:
    """Return the multiple of the unit nearest by the rule, in minor units."""
    return round_whole(exact_minor / unit_minor, rounding) * unit_minor


def round_whole(exact: Fraction, rounding: Rounding) -> int:
    """Return the whole number by the rule; halves of negative amounts mirror the positive ones."""
    if rounding is Rounding.CEILING:
        return ceil(exact)
    if rounding is Rounding.FLOOR:
        return floor(exact)
    if rounding is Rounding.HALF_EVEN:
        return round(exact)
    return floor(exact + Fraction(1, 2)) if exact >= 0 else -floor(-exact + Fraction(1, 2))
