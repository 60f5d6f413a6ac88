"""Repayment plans: due dates, the level instalment, and what a loan will still ask for.

Invariant   The principal of a plan sums to what is lent; balances chain; the last row takes the
            rest. A plan is computed from terms and state, never stored.
Units       Minor units; rates in 1e-8 per day; days counted from due date to due date.
Rounding    The level instalment is exact rational arithmetic, rounded once, halves up; interest
            of a row is rounded when it falls due and the difference is carried to the next row.
Follows     Annuity over actual days: P x prod(1 + f) / fn with fn = 1 + fn x (1 + f) for every
            period after the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from counterfoil.kernel.calendar import first_due_date, nth_due_date
from counterfoil.kernel.money import E8, divide_half_up
from counterfoil.lending.terms import Method, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One instalment of a plan."""

    instalment_no: int
    due_date: date
    days: int
    principal_minor: int
    interest_minor: int
    #: Principal left after the row is paid.
    balance_minor: int
    #: Fees of the row, whoever they are for.
    fee_minor: int = 0

    @property
    def due_minor(self) -> int:
        """Return what the row asks for."""
        return self.principal_minor + self.interest_minor + self.fee_minor


def first_due(start: date, repayment_day: int, terms: Terms) -> date:
    """Return the first repayment day far enough from the start."""
    return first_due_date(start, repayment_day, gap_days_min=terms.first_period_days_min)


def level_instalment(principal_minor: int, rate_daily_e8: int, days: Sequence[int]) -> int:
    """Return the level instalment over periods of so many days each."""
    product, weight, scale = 1, 0, 1
    for count in days:
        growth = E8 + rate_daily_e8 * count
        product *= growth
        weight = weight * growth + scale
        scale *= E8
    # The product carries one factor of E8 per period, the weight one fewer.
    return divide_half_up(principal_minor * product, weight * E8)


def instalment_amount(
    method: Method, principal_minor: int, rate_daily_e8: int, days: Sequence[int]
) -> int:
    """Return what the method fixes at signature: level amount, level principal, or nothing."""
    if method is Method.LEVEL_INSTALMENT:
        return level_instalment(principal_minor, rate_daily_e8, days)
    if method is Method.LEVEL_PRINCIPAL:
        return divide_half_up(principal_minor, len(days))
    return 0


def period_days(start: date, first: date, repayment_day: int, numbers: range) -> list[int]:
    """Return the days of each period; the first one begins at `start`."""
    days = []
    before = start.toordinal()
    for number in numbers:
        after = nth_due_date(first, repayment_day, number).toordinal()
        days.append(after - before)
        before = after
    return days
