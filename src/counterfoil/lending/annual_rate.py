"""The yearly rate of a loan's payments: internal rate of return over their real dates.

Invariant   A loan that costs nothing has the rate 0; a dearer or an earlier payment never lowers
            it. Both figures come from one daily rate of return.
Units       Minor units and days since the money arrived; rates in 1e-8 per year.
Rounding    The daily rate is found in binary floating point to the last digits it has, with
            multiplications and divisions only, so every IEEE 754 machine finds the same; both
            yearly figures are rounded to 1e-8 from it, halves up.
Follows     Announcement No. 3 of 2021 of the People's Bank of China: cost over the principal really
            outstanding, compound or simple, and which of them is said.
"""

from collections.abc import Sequence
from typing import NamedTuple

from counterfoil.kernel.rates import DAYS_IN_QUOTED_YEAR, ONE_E8

_Real = float  # house: allow float – the rate of return is found by iteration

#: Newton's steps double the right digits; halving the interval instead gives one each time.
_STEPS_MAX = 200
#: A step this small, as a share of the rate, changes digits that no yearly figure shows.
_STEP_SHARE_MIN = 2**50


class Payment(NamedTuple):
    """Something the customer pays, so many days after the money arrived."""

    days: int
    amount_minor: int


class AnnualRate(NamedTuple):
    """The yearly rate of one series of payments, by both methods that are in use."""

    #: The daily rate of return times 365.
    simple_e8: int
    #: The daily rate of return compounded over 365 days.
    effective_e8: int


FREE = AnnualRate(0, 0)


def annual_rate(lent_minor: int, payments: Sequence[Payment]) -> AnnualRate:
    """Return the yearly rate at which the payments are worth what was lent."""
    received = lent_minor - sum(p.amount_minor for p in payments if p.days == 0)
    later = [p for p in payments if p.days > 0 and p.amount_minor]
    total = sum(p.amount_minor for p in later)
    assert received > 0
    assert total >= received
    assert min(p.amount_minor for p in later) > 0
    if total == received:
        return FREE
    daily = _daily_rate(received, later, total)
    growth = _power(1 + daily, DAYS_IN_QUOTED_YEAR)
    return AnnualRate(_round_e8(daily * DAYS_IN_QUOTED_YEAR), _round_e8(growth - 1))


def _daily_rate(received: int, payments: Sequence[Payment], total: int) -> _Real:
    """Find the daily rate by Newton's method, kept inside an interval that holds the root.

    Were everything paid on the first day the rate would be at its highest: the upper end. The
    first guess is the rate at which the cost would be simple interest for the mean time of use.
    """
    low, high = 0 / 1, total / received - 1
    rate = high * total / sum(p.days * p.amount_minor for p in payments)
    for _ in range(_STEPS_MAX):
        value, slope = _worth(rate, received, payments)
        low, high = (rate, high) if value > 0 else (low, rate)
        better = rate - value / slope
        if not low <= better <= high:
            better = (low + high) / 2
        step, rate = abs(better - rate), better
        if step * _STEP_SHARE_MIN <= rate:
            break
    return rate


def _worth(rate: _Real, received: int, payments: Sequence[Payment]) -> tuple[_Real, _Real]:
    """Return what the payments are worth beyond what was received, and its slope in the rate."""
    discount = 1 / (1 + rate)
    value, slope = -received / 1, 0 / 1
    for payment in payments:
        worth = payment.amount_minor * _power(discount, payment.days)
        value += worth
        slope -= payment.days * worth * discount
    return value, slope


def _power(base: _Real, exponent: int) -> _Real:
    """Return a power by repeated squaring: products only, the same on every machine."""
    result = 1 / 1
    while exponent:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


def _round_e8(value: _Real) -> int:
    """Return a rate in 1e-8, halves up."""
    return (int(value * 2 * ONE_E8) + 1) // 2
