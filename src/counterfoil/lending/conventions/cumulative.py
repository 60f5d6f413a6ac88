"""Declining balances whose interest follows the payments: the schedule is built anew after each.

A payment before its due date lowers the balance from its day, or from the end of its period; more
than the instalment on the due date repays principal and lowers the instalments or their number;
unpaid principal earns interest in the period that contains the day of the calculation, and unpaid
interest with it where the product compounds.

Invariant   Without payments the rows equal those of `plan`.
Units       Minor units.
Rounding    Each segment of a period is rounded, then summed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.due_dates import Period
from counterfoil.lending.conventions.dues import (
    Paid,
    advance_after,
    owed_after,
    paid_until,
    principal_owed_after,
)
from counterfoil.lending.conventions.factor import (
    annuity_of_rate,
    period_factor,
    segment_factor,
)
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import Row, rounded_instalment
from counterfoil.lending.conventions.settings import (
    Compounding,
    Conventions,
    Instalment,
    NotCovered,
    Prepayment,
)
from counterfoil.lending.conventions.terms import Rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalculation:
    """Everything the rows follow from."""

    conventions: Conventions
    periods: Sequence[Period]
    rate_annual: Fraction
    #: The amount approved; the first instalment is found from it.
    principal_minor: int
    draws: Sequence[tuple[date, int]]
    payments: Sequence[Paid]
    rest: Rest
    #: The business date on which the schedule is looked at.
    as_of: date


@dataclass(slots=True)
class _Rows:
    """Rows made so far, and the instalment in force."""

    terms: Recalculation
    instalment_minor: int
    made: list[Row] = field(default_factory=list)

    @property
    def asked_minor(self) -> int:
        """Return everything the rows made ask for."""
        return sum(row.instalment_minor for row in self.made)

    def balance_before(self, due: date) -> int:
        """Return principal drawn before a due date and not asked for by the rows made."""
        drawn = sum(amount for on, amount in self.terms.draws if on < due)
        return drawn - sum(row.principal_minor for row in self.made)


def recalculated(terms: Recalculation) -> list[Row]:
    """Return the rows as they stand on the day of the calculation."""
    _check(terms)
    state = _Rows(terms, _instalment(terms, terms.principal_minor, len(terms.periods)))
    for index in range(len(terms.periods)):
        state.made.append(_next_row(state, index))
        if state.made[-1].balance_minor == 0:
            break
    return state.made


def _check(terms: Recalculation) -> None:
    """Refuse what no known figure covers."""
    due_dates = {period.due for period in terms.periods}
    later = [on for on, _ in terms.draws if on > terms.periods[0].start]
    if any(on not in due_dates for on in later):
        raise NotCovered("a later draw that is not on a due date, under whole-period interest")
    drawn = sum(amount for _, amount in terms.draws)
    if drawn != terms.principal_minor and terms.conventions.day_count is not DayCount.MONTH_12:
        raise NotCovered("a loan drawn in parts under daily interest")
    if terms.conventions.instalment is Instalment.EQUAL_PRINCIPAL:
        raise NotCovered("interest recalculation with equal principal")
    if terms.conventions.compounding is not Compounding.NONE and not _compounds_on_due_dates(terms):
        raise NotCovered("interest on overdue interest between due dates")
    whole_period = terms.conventions.day_count is DayCount.MONTH_12
    if whole_period and any(one.on not in due_dates for one in terms.payments):
        raise NotCovered("a payment between due dates under interest of whole periods")


def _compounds_on_due_dates(terms: Recalculation) -> bool:
    """Say whether overdue interest joins the principal exactly when an instalment falls due."""
    return terms.rest is Rest.DAILY and all(period.months == 1 for period in terms.periods)


def _instalment(terms: Recalculation, principal_minor: int, rows: int) -> int:
    """Return the equal instalment of that principal over the rows left, rounded to its unit."""
    months = terms.periods[0].months
    if months is None:
        raise NotCovered("interest recalculation for a frequency in days or weeks")
    rate = terms.rate_annual * (
        Fraction(30 * months, 365)
        if terms.conventions.instalment is Instalment.ANNUITY_OF_30_365
        else Fraction(months, 12)
    )
    exact = annuity_of_rate(Fraction(principal_minor), rate, rows)
    return rounded_instalment(exact, terms.conventions)


def _next_row(state: _Rows, index: int) -> Row:
    """Return the next row and settle what an excess on its due date does to the later ones."""
    terms, period = state.terms, state.terms.periods[index]
    interest = _interest(state, period)
    balance = state.balance_before(period.due)
    asked = _asked(state, period)
    principal = min(asked - interest, balance)
    if index == len(terms.periods) - 1:
        principal = balance
    if principal < 0:
        raise NotCovered("the instalment does not cover the interest of its period")
    if asked > state.instalment_minor and index < len(terms.periods) - 1:
        _settle_excess(state, balance - principal, len(terms.periods) - index - 1)
    return Row(
        nr=index + 1,
        start_date=period.start,
        due_date=period.due,
        pay_on=period.pay_on,
        principal_minor=principal,
        interest_minor=interest,
        balance_minor=balance - principal + _drawn_on(terms, period.due),
    )


def _drawn_on(terms: Recalculation, due: date) -> int:
    """Return what is drawn on a due date; it belongs to the next period but to this balance."""
    return sum(amount for on, amount in terms.draws if on == due)


def _asked(state: _Rows, period: Period) -> int:
    """Return the instalment, or all that was paid where an excess came on the due date itself."""
    paid = paid_until(state.terms.payments, period.due) - state.asked_minor
    if paid <= state.instalment_minor:
        return state.instalment_minor
    before = [one for one in state.terms.payments if one.on < period.due]
    early = sum(one.amount_minor for one in before) - state.asked_minor
    if early > 0:
        raise NotCovered("more than an instalment paid before its due date")
    return paid


def _settle_excess(state: _Rows, balance_minor: int, rows_left: int) -> None:
    """Lower the later instalments, or keep them and end sooner."""
    if any(on > state.terms.periods[0].start for on, _ in state.terms.draws):
        raise NotCovered("more than an instalment paid on a loan of several draws")
    rule = state.terms.conventions.prepayment
    if rule is Prepayment.REDUCE_INSTALMENT:
        state.instalment_minor = _instalment(state.terms, balance_minor, rows_left)
    elif rule is not Prepayment.REDUCE_TERM:
        raise NotCovered(f"an excess under the rule {rule}")


def _interest(state: _Rows, period: Period) -> int:
    """Return the interest of a period: each segment rounded, then summed."""
    terms = state.terms
    if terms.conventions.day_count is DayCount.MONTH_12:
        _refuse_delay(state, period)
        factor = period_factor(terms.conventions, terms.rate_annual, period)
        return _rounded(terms, state.balance_before(period.due), factor)
    total = 0
    for start, end, balance in _segments(state, period):
        factor = segment_factor(terms.conventions, terms.rate_annual, period, start, end)
        total += _rounded(terms, balance, factor)
    return total


def _rounded(terms: Recalculation, balance_minor: int, factor: Fraction) -> int:
    """Return the interest of one segment in minor units."""
    return round_to(balance_minor * factor, terms.conventions.rounding)


def _segments(state: _Rows, period: Period) -> list[tuple[date, date, int]]:
    """Return the stretches of one balance within a period."""
    days = {period.start, period.due}
    if state.terms.rest is Rest.DAILY:
        days |= {one.on for one in state.terms.payments if period.start < one.on < period.due}
        if period.start < state.terms.as_of < period.due:
            days.add(state.terms.as_of)
    cuts = sorted(days)
    pieces: list[tuple[date, date, int]] = []
    for start, end in pairwise(cuts):
        balance = _balance_on(state, period, start)
        if pieces and pieces[-1][2] == balance:
            start = pieces.pop()[0]  # noqa: PLW2901 - the pieces are one stretch
        pieces.append((start, end, balance))
    return pieces


def _balance_on(state: _Rows, period: Period, on: date) -> int:
    """Return the balance that earns interest from a day of the period on."""
    terms = state.terms
    counted = on if terms.rest is Rest.DAILY else period.start
    pool = paid_until(terms.payments, counted)
    balance = state.balance_before(period.due)
    if terms.rest is Rest.DAILY:
        balance -= advance_after(state.made, pool)
    if not period.start < terms.as_of <= period.due:
        _refuse_earlier_delay(state, period)
        return balance
    if on >= (terms.as_of if terms.rest is Rest.DAILY else period.due):
        return balance
    if terms.conventions.compounding is Compounding.MONTHLY:
        return balance + owed_after(state.made, pool)
    return balance + principal_owed_after(state.made, pool, terms.conventions.allocation)


def _refuse_delay(state: _Rows, period: Period) -> None:
    """Refuse a begun period of whole-period interest at whose start principal is overdue."""
    terms = state.terms
    pool = paid_until(terms.payments, period.start)
    begun = period.start < terms.as_of
    if begun and principal_owed_after(state.made, pool, terms.conventions.allocation):
        raise NotCovered("delay under interest of whole periods")


def _refuse_earlier_delay(state: _Rows, period: Period) -> None:
    """Refuse a past period in which a late payment had been calculated before."""
    terms = state.terms
    for one in terms.payments:
        if period.start < one.on <= period.due < terms.as_of:
            pool = paid_until(terms.payments, one.on) - one.amount_minor
            if principal_owed_after(state.made, pool, terms.conventions.allocation):
                raise NotCovered("late payments in more than one period")
