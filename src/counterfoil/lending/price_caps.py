"""The highest daily price that a licence leaves room for on a date; pure and exact.

Method      Interest is simple within a period and a period is a day at the shortest, so no order of
            repayments costs more than the price compounded daily (`product_file.py`).
"""

from functools import cache
from typing import Final

from counterfoil.lending.product_file import compounds_within

_RATE_DAILY_E8_MOST: Final = 100_000_000


@cache
def highest_rate_daily_e8(annual_e8_cap: int) -> int:
    """Return the highest daily price, 1e-8, that stays within a yearly cap."""
    low, high = 0, _RATE_DAILY_E8_MOST
    while low < high:
        middle = (low + high + 1) // 2
        if compounds_within(middle, annual_e8_cap):
            low = middle
        else:
            high = middle - 1
    return low
