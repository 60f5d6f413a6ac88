"""Simple daily interest in closed form between two events.

Invariant   Interest over [a, c) is interest over [a, b) plus interest over [b, c): exact, because
            nothing is rounded until it falls due or is paid.
Units       Principal in minor units, rates in 1e-8 per day, interest in 1e-8 minor units.
Signs       Never negative; a carried rounding difference may be, by at most half a minor unit.
Rounding    `payable` rounds halves away from zero, once; the rest stays accrued.
Follows     Civil Code of the PRC, article 677: interest for the time the money was used.
"""

from datetime import date

from counterfoil.kernel.money import E8

_HALF = E8 // 2


def accrued_e8(principal_minor: int, rate_daily_e8: int, start: date, end: date) -> int:
    """Return the exact interest of [start, end) in 1e-8 minor units."""
    return principal_minor * rate_daily_e8 * (end.toordinal() - start.toordinal())


def payable(exact_e8: int) -> int:
    """Return what can be demanded of an exact amount: minor units, never below zero."""
    return (exact_e8 + _HALF) // E8 if exact_e8 > 0 else 0
