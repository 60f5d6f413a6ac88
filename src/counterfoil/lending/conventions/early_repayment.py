"""Early repayment in part where each change re-amortises the remaining rows, and its fee.

The payment becomes a row of its own: interest for the days since the last due date, the rest
principal. The rows left follow the annuity of the new balance; the first of them still counts a
whole period for its principal, but shows interest for the days that are left.

Units       Minor units; rates are fractions a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from counterfoil.kernel.calendar import days_between
from counterfoil.lending.conventions.factor import annuity_of_rate
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import Row, rounded_instalment
from counterfoil.lending.conventions.settings import Conventions, NotCovered


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row together with the total it asks for, which the cut row's parts do not add up to."""

    row: Row
    opening_minor: int
    due_minor: int


@dataclass(frozen=True, slots=True)
class EarlyRepaymentFees:
    """The fee for repaying early, on each base a contract may name."""

    #: On the principal left.
    on_balance_minor: int
    #: On the interest of the rows that have not fallen due.
    on_interest_minor: int


def repay_early(
    rows: Sequence[Row],
    amount_minor: int,
    *,
    on: date,
    rate_annual: Fraction,
    conventions: Conventions,
) -> list[ShownRow]:
    """Return the early payment as a row and the rows after it, rows paid before left out."""
    past = [row for row in rows if row.pay_on <= on]
    coming = [row for row in rows if row.pay_on > on]
    if not past or not coming:
        raise NotCovered("an early repayment before the first due date or after the last")
    opening, since = past[-1].balance_minor, past[-1].pay_on
    interest = _interest(opening, rate_annual, days_between(since, on), conventions)
    principal = amount_minor - interest
    if not 0 < principal < opening:
        raise NotCovered("an early repayment that does not leave part of the principal")
    paid = Row(
        nr=len(past) + 1,
        start_date=since,
        due_date=on,
        pay_on=on,
        principal_minor=principal,
        interest_minor=interest,
        balance_minor=opening - principal,
    )
    return [ShownRow(paid, opening, amount_minor), *_rest(paid, coming, rate_annual, conventions)]


def fees_on(
    rows: Sequence[Row], share: Fraction, *, on: date, conventions: Conventions
) -> EarlyRepaymentFees:
    """Return what a share costs on each base; the row due that day counts as paid, not as left."""
    past = [row for row in rows if row.pay_on <= on]
    coming = [row for row in rows if row.pay_on > on]
    if not past or past[-1].pay_on != on or not coming:
        raise NotCovered("a fee for early repayment on a day that is no due date, or on the last")
    interest = sum(row.interest_minor for row in coming)
    return EarlyRepaymentFees(
        on_balance_minor=round_to(past[-1].balance_minor * share, conventions.rounding),
        on_interest_minor=round_to(interest * share, conventions.rounding),
    )


def _rest(
    paid: Row, coming: Sequence[Row], rate_annual: Fraction, conventions: Conventions
) -> list[ShownRow]:
    """Return the remaining rows on the annuity of the new balance."""
    balance, month = paid.balance_minor, rate_annual / 12
    exact = annuity_of_rate(Fraction(balance), month, len(coming))
    instalment = rounded_instalment(exact, conventions)
    shown = []
    for index, row in enumerate(coming):
        whole = _rounded(balance * month, conventions)
        last = index == len(coming) - 1
        principal = balance if last else instalment - whole
        days = days_between(paid.due_date, row.pay_on)
        cut = _interest(balance, rate_annual, days, conventions)
        made = replace(
            row,
            nr=paid.nr + index + 1,
            principal_minor=principal,
            interest_minor=whole if index else cut,
            balance_minor=balance - principal,
        )
        shown.append(ShownRow(made, balance, principal + whole))
        balance -= principal
    return shown


def _interest(
    balance_minor: int, rate_annual: Fraction, days: int, conventions: Conventions
) -> int:
    """Return the interest of part of a month: its actual days over 360."""
    return _rounded(balance_minor * rate_annual * Fraction(days, 360), conventions)


def _rounded(exact_minor: Fraction, conventions: Conventions) -> int:
    """Return interest rounded to the unit of the bundle's amounts."""
    return round_to(exact_minor, conventions.rounding, unit_minor=conventions.amount_unit_minor)
