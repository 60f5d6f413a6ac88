"""Equal instalments that follow draws, pauses, new rates, moved dates, delay and pay-off.

A period cut by any of these sums the unrounded interest of its segments and rounds once. A draw or
a new rate computes the instalment again from its period on; a pause or a moved date keeps it.

Invariant   Without events the rows equal those of `plan`.
Units       Minor units; rates are fractions a year.
Rounding    Factors to the digits of the bundle; interest of a row once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.lending.conventions.due_dates import Period
from counterfoil.lending.conventions.dues import (
    Paid,
    advance_after,
    paid_until,
    principal_owed_after,
)
from counterfoil.lending.conventions.factor import (
    annuity_of_factors,
    clip,
    period_factor,
    segment_factor,
)
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import (
    Row,
    iterated_instalment,
    iteration_gap,
    rounded_instalment,
)
from counterfoil.lending.conventions.settings import Conventions, LastRow, NotCovered, Payoff
from counterfoil.lending.conventions.terms import Rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Everything that shapes the rows of one loan."""

    conventions: Conventions
    #: The periods as they stand, after dates were moved.
    periods: Sequence[Period]
    #: The periods as agreed; the instalment is found from these.
    periods_agreed: Sequence[Period]
    rate_annual: Fraction
    #: Value date and amount, a down payment already taken off the first.
    draws: Sequence[tuple[date, int]]
    grace_principal: int = 0
    #: Effective date and new rate, by date.
    rates: Sequence[tuple[date, Fraction]] = ()
    #: First and last day named, both inclusive.
    pauses: Sequence[tuple[date, date]] = ()
    payments: Sequence[Paid] = ()
    rest: Rest = Rest.FIXED
    #: Day up to which unpaid principal has earned interest.
    late_until: date | None = None
    paid_off_on: date | None = None


@dataclass(slots=True)
class _Rows:
    """Rows made so far and the instalment in force."""

    course: Course
    made: list[Row] = field(default_factory=list)
    instalment_minor: int = 0

    @property
    def repaid_minor(self) -> int:
        """Return the principal of the rows made."""
        return sum(row.principal_minor for row in self.made)


def rows_under(course: Course) -> list[Row]:
    """Return the rows of the loan as they stand after everything in its course."""
    _check(course)
    state = _Rows(course)
    for index, period in enumerate(course.periods):
        if index == 0 or _changes_within(course, period):
            state.instalment_minor = _instalment_from(state, index)
        interest = _row_interest(state, index)
        state.made.append(_next_row(state, index, interest))
    return state.made


def payable(course: Course, due: date, on: date) -> tuple[int, int, int]:
    """Return balance, principal and interest payable on a day for the row due on a date."""
    rows = rows_under(course)
    index = next(k for k, period in enumerate(course.periods) if period.due == due)
    state = _Rows(course, rows[:index])
    interest = _sum_segments(state, index, until=on, late=False)
    balance = _drawn_by(course, on) - state.repaid_minor
    return balance, rows[index].instalment_minor - interest, interest


def _check(course: Course) -> None:
    """Refuse combinations of which no figure is known."""
    later_draws = [draw for draw in course.draws if draw[0] > course.periods[0].start]
    if course.pauses and (later_draws or course.rates):
        raise NotCovered("an interest pause together with a later draw or a new rate")
    if course.periods != course.periods_agreed and (
        later_draws or course.rates or course.pauses or course.paid_off_on
    ):
        raise NotCovered("a moved due date together with another change of the schedule")
    last_due = course.periods[-1].due
    if any(on >= last_due for on, _ in course.draws):
        raise NotCovered("a draw on or after the last due date")
    if course.grace_principal and later_draws:
        raise NotCovered("a grace on principal with several draws")


def _next_row(state: _Rows, index: int, interest_minor: int) -> Row:
    """Return the row with its interest; the last takes what is left."""
    course, period = state.course, state.course.periods[index]
    balance = _drawn_before(course, period.due) - state.repaid_minor
    if index == len(course.periods) - 1:
        principal = balance
    elif index < course.grace_principal:
        principal = 0
    else:
        principal = min(state.instalment_minor - interest_minor, balance)
    if principal < 0:
        raise NotCovered("the instalment does not cover the interest of its period")
    return Row(
        nr=index + 1,
        start_date=period.start,
        due_date=period.due,
        pay_on=period.pay_on,
        principal_minor=principal,
        interest_minor=interest_minor,
        balance_minor=balance - principal,
    )


def _row_interest(state: _Rows, index: int) -> int:
    """Return the interest of a row; after a pay-off the rows carry none."""
    course, period = state.course, state.course.periods[index]
    until = period.due
    off = course.paid_off_on
    if off is not None and off <= period.due:
        if off <= period.start and index > 0:
            return 0
        if course.conventions.payoff is Payoff.TO_THE_DAY:
            until = off
    return _sum_segments(state, index, until=until, late=True)


def _sum_segments(state: _Rows, index: int, *, until: date, late: bool) -> int:
    """Return the rounded sum of a period's unrounded segments up to a day."""
    exact = _exact(state, index, until, late=late)
    return round_to(exact, state.course.conventions.rounding)


def _exact(state: _Rows, index: int, until: date, *, late: bool) -> Fraction:
    """Return the unrounded interest of a period from its start to a day."""
    course, period = state.course, state.course.periods[index]
    digits = course.conventions.factor_digits
    total = Fraction(0)
    pieces: list[tuple[date, date, int, Fraction]] = []
    cuts = sorted(_cuts(course, period, until))
    for start, end in pairwise(cuts):
        balance = _balance_on(state, index, start, late=late)
        rate = Fraction(0) if _paused_on(course, start) else _rate_on(course, start)
        if pieces and pieces[-1][2:] == (balance, rate):
            start = pieces.pop()[0]  # noqa: PLW2901 - the pieces are one stretch
        pieces.append((start, end, balance, rate))
    for start, end, balance, rate in pieces:
        factor = segment_factor(course.conventions, rate, period, start, end)
        total = clip(total + clip(balance * factor, digits), digits)
    return total


def _cuts(course: Course, period: Period, until: date) -> set[date]:
    """Return the days on which balance or rate may change within a period."""
    days = {on for on, _ in course.draws} | {one.on for one in course.payments}
    days |= {effective - ONE_DAY for effective, _ in course.rates}
    days |= {first - ONE_DAY for first, _ in course.pauses} | {last for _, last in course.pauses}
    if course.late_until is not None:
        days.add(course.late_until)
    return {day for day in days if period.start < day < until} | {period.start, until}


def _balance_on(state: _Rows, index: int, on: date, *, late: bool) -> int:
    """Return the balance that earns interest from a day on."""
    course = state.course
    balance = _drawn_by(course, on) - state.repaid_minor
    if not late or course.rest is Rest.FIXED:
        return balance
    advance = _advance_on(state, on)
    if course.rest is Rest.DAILY and advance > _advance_at_start(state, index):
        raise NotCovered("a payment before its due date where payments change the interest")
    balance -= advance
    if course.late_until is not None and on < course.late_until:
        pool = paid_until(course.payments, on)
        balance += principal_owed_after(state.made, pool, course.conventions.allocation)
    return balance


def _advance_at_start(state: _Rows, index: int) -> int:
    """Return what was paid beyond the earlier rows on the due date of the last of them."""
    return _advance_on(state, state.course.periods[index].start) if index else 0


def _advance_on(state: _Rows, on: date) -> int:
    """Return what was paid beyond the rows made up to a day."""
    return advance_after(state.made, paid_until(state.course.payments, on))


def _rate_on(course: Course, start: date) -> Fraction:
    """Return the rate of the day that begins on a date and is named by its end."""
    rate = course.rate_annual
    for effective, changed in course.rates:
        if effective - ONE_DAY <= start:
            rate = changed
    return rate


def _paused_on(course: Course, start: date) -> bool:
    """Say whether the day that begins on a date is one of a pause."""
    return any(first - ONE_DAY <= start < last for first, last in course.pauses)


def _drawn_by(course: Course, on: date) -> int:
    """Return what was drawn up to and including a day."""
    return sum(amount for drawn_on, amount in course.draws if drawn_on <= on)


def _drawn_before(course: Course, due: date) -> int:
    """Return what was drawn before a due date: a draw on it belongs to the next period."""
    return sum(amount for drawn_on, amount in course.draws if drawn_on < due)


def _changes_within(course: Course, period: Period) -> bool:
    """Say whether a draw or a new rate falls into the period."""
    days = [on for on, _ in course.draws] + [e - ONE_DAY for e, _ in course.rates]
    return any(period.start <= day < period.due for day in days)


def _instalment_from(state: _Rows, index: int) -> int:
    """Return the instalment of the rows from an index on, iterated once where stated."""
    tail = _tail_course(state.course, index)
    conventions = tail.conventions
    begun = _Rows(tail, list(state.made))
    first = max(index, tail.grace_principal)
    exact = _annuity(begun, first)
    instalment = rounded_instalment(exact, conventions)
    if conventions.last_row is not LastRow.ITERATED:
        return instalment
    return _iterated(tail, state.made, index, instalment)


def _tail_course(course: Course, index: int) -> Course:
    """Return the course as known when the instalment is found: agreed dates, nothing later."""
    end = course.periods[index].due
    return replace(
        course,
        periods=course.periods_agreed,
        draws=[draw for draw in course.draws if draw[0] < end],
        rates=[rate for rate in course.rates if rate[0] - ONE_DAY < end],
        pauses=(),
        rest=Rest.FIXED,
        late_until=None,
        paid_off_on=None,
    )


def _annuity(begun: _Rows, first: int) -> Fraction:
    """Return the unrounded instalment over the rows from the first that repays."""
    course, digits = begun.course, begun.course.conventions.factor_digits
    period = course.periods[first]
    factors = [_whole_factor(course, later) for later in course.periods[first:]]
    balance = _drawn_by(course, period.start) - begun.repaid_minor
    if not _changes_inside(course, period):
        return annuity_of_factors(Fraction(balance), factors, digits)
    interest = _exact(begun, first, period.due, late=False)
    value = clip(_drawn_before(course, period.due) - begun.repaid_minor + interest, digits)
    return annuity_of_factors(value, [Fraction(0), *factors[1:]], digits)


def _whole_factor(course: Course, period: Period) -> Fraction:
    """Return a period's factor at the rate in force when it starts."""
    return period_factor(course.conventions, _rate_on(course, period.start), period)


def _changes_inside(course: Course, period: Period) -> bool:
    """Say whether balance or rate change between the ends of the period."""
    days = [on for on, _ in course.draws] + [e - ONE_DAY for e, _ in course.rates]
    return any(period.start < day < period.due for day in days)


def _iterated(tail: Course, made: Iterable[Row], index: int, instalment_minor: int) -> int:
    """Try once to bring the last row nearer to the others."""
    made = list(made)
    gap = iteration_gap(_rest_of(tail, made, index, instalment_minor), instalment_minor)
    rows = len(tail.periods) - max(index, tail.grace_principal)
    tried = iterated_instalment(instalment_minor, gap, rows)
    if tried is None:
        return instalment_minor
    other = iteration_gap(_rest_of(tail, made, index, tried), tried)
    return tried if abs(other) < abs(gap) else instalment_minor


def _rest_of(tail: Course, made: list[Row], index: int, instalment_minor: int) -> list[Row]:
    """Return the rows from an index on with one instalment."""
    state = _Rows(tail, list(made), instalment_minor)
    for later in range(index, len(tail.periods)):
        interest = _sum_segments(state, later, until=tail.periods[later].due, late=False)
        state.made.append(_next_row(state, later, interest))
    return state.made
