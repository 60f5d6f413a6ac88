"""Which engine makes the rows of a loan, and what each must refuse.

Units       Minor units; rates are fractions a year.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.cumulative import Recalculation, recalculated
from counterfoil.lending.conventions.due_dates import Period, date_list, periods_of
from counterfoil.lending.conventions.dues import Paid
from counterfoil.lending.conventions.progressive import Course, rows_under
from counterfoil.lending.conventions.restructuring import moved_periods, rescheduled_rows
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import Row, plan
from counterfoil.lending.conventions.settings import Accrual, Instalment, NotCovered
from counterfoil.lending.conventions.terms import (
    DayClosed,
    Draw,
    Event,
    LoanTerms,
    Paused,
    PayOff,
    RateChanged,
    Repayment,
    Rescheduled,
    Rest,
)

E = TypeVar("E", bound=Event)


def rows_of_loan(terms: LoanTerms, events: Sequence[Event]) -> list[Row]:
    """Return the planned rows after everything that shapes them."""
    if terms.conventions.instalment is Instalment.ANNUITY_OF_PERIODS and terms.rate_annual:
        return _progressive_rows(terms, events)
    _refuse_days_of_interest(terms, events)
    draws = _of(events, Draw)
    if terms.rate_annual and terms.rest is not Rest.FIXED:
        return _recalculated_rows(terms, events)
    if len(draws) > 1:
        raise NotCovered("several draws on a schedule fixed at the start")
    return _planned_rows(terms, events)


def course_of(terms: LoanTerms, events: Sequence[Event]) -> Course:
    """Return everything that shapes a loan of equal instalments by period."""
    agreed = _periods(terms)
    periods = agreed
    for change in _of(events, Rescheduled):
        if change.rows_added or change.rate_annual is not None or change.to_due is None:
            raise NotCovered("a reschedule other than a moved date, where interest is charged")
        periods = moved_periods(periods, change, terms.frequency, terms.conventions)
    payoffs = _of(events, PayOff)
    return Course(
        conventions=terms.conventions,
        periods=periods,
        periods_agreed=agreed,
        rate_annual=terms.rate_annual,
        draws=_draws_after_down_payment(terms, events),
        grace_principal=terms.grace_principal,
        rates=sorted((e.effective, e.rate_annual) for e in _of(events, RateChanged)),
        pauses=[(e.first, e.last) for e in _of(events, Paused)],
        payments=_payments(events),
        rest=terms.rest,
        late_until=_late_until(terms, events),
        paid_off_on=payoffs[0].value_date if payoffs else None,
    )


def _progressive_rows(terms: LoanTerms, events: Sequence[Event]) -> list[Row]:
    """Return the rows of equal instalments by period, a down payment before them."""
    rows = _rows_by_period(terms, events)
    down = _down_payment(terms, _drawn_first(terms, events))
    if not down:
        return rows
    first = Row(
        nr=1,
        start_date=terms.start,
        due_date=terms.start,
        pay_on=terms.start,
        principal_minor=down,
        interest_minor=0,
        balance_minor=sum(row.principal_minor for row in rows),
    )
    return [first, *(replace(row, nr=row.nr + 1) for row in rows)]


def _rows_by_period(terms: LoanTerms, events: Sequence[Event]) -> list[Row]:
    """Return the rows; where it is not stated whether payments count, both answers must agree."""
    if terms.rest is Rest.UNSTATED:
        if _has(events, PayOff):
            raise NotCovered("a pay-off where it is not stated up to which day interest is paid")
        fixed = _rows_by_period(replace(terms, rest=Rest.FIXED), events)
        if fixed != _rows_by_period(replace(terms, rest=Rest.DAILY), events):
            raise NotCovered("whether delay and payments in advance change interest is not stated")
        return fixed
    course = course_of(terms, events)
    _refuse_late_payoff(terms, events, course)
    return rows_under(course)


def _recalculated_rows(terms: LoanTerms, events: Sequence[Event]) -> list[Row]:
    """Return rows whose interest follows the payments."""
    if _has(events, PayOff, Rescheduled):
        raise NotCovered("a pay-off or a reschedule with interest recalculation")
    if terms.conventions.accrual is Accrual.FLAT or terms.conventions.down_payment_share:
        raise NotCovered("interest recalculation with flat interest or a down payment")
    if terms.grace_principal or terms.rest is Rest.UNSTATED:
        raise NotCovered("interest recalculation with a grace, or from a day not stated")
    paid = [e for e in events if not isinstance(e, DayClosed)]
    rows = _recalculated_on(terms, events, _last_entry(terms, paid))
    if rows != _recalculated_on(terms, events, _last_entry(terms, events)):
        raise NotCovered("delay that earns interest with the daily close alone")
    return rows


def _last_entry(terms: LoanTerms, events: Sequence[Event]) -> date:
    """Return the business date of the last entry."""
    return max((e.entered_on for e in events), default=terms.start)


def _recalculated_on(terms: LoanTerms, events: Sequence[Event], as_of: date) -> list[Row]:
    """Return the rows calculated on a business date."""
    draws = [(e.value_date, e.amount_minor) for e in _of(events, Draw)]
    return recalculated(
        Recalculation(
            conventions=terms.conventions,
            periods=_periods(terms),
            rate_annual=terms.rate_annual,
            principal_minor=terms.principal_minor,
            draws=draws or [(terms.start, terms.principal_minor)],
            payments=_payments(events),
            rest=terms.rest,
            as_of=as_of,
        )
    )


def _planned_rows(terms: LoanTerms, events: Sequence[Event]) -> list[Row]:
    """Return rows fixed at the start, changed by reschedules alone."""
    if terms.conventions.accrual is Accrual.FLAT and terms.rate_annual and terms.grace_principal:
        raise NotCovered("flat interest with a grace on principal")
    if terms.rate_annual and _has(events, PayOff):
        raise NotCovered("an early pay-off where interest is fixed at the start")
    drawn = _drawn_first(terms, events)
    if drawn != terms.principal_minor:
        raise NotCovered("a draw of another amount than the principal, rows fixed at the start")
    rows = plan(
        drawn,
        terms.rate_annual,
        terms.periods,
        terms.start,
        terms.first_due,
        terms.conventions,
        frequency=terms.frequency,
        grace_principal=terms.grace_principal,
    )
    changes = _of(events, Rescheduled)
    if changes and (terms.conventions.down_payment_share or _has(events, Repayment)):
        raise NotCovered("a reschedule after a payment, or with a down payment")
    for change in changes:
        rows = rescheduled_rows(
            rows,
            change,
            rate_annual=terms.rate_annual,
            principal_minor=drawn,
            frequency=terms.frequency,
            conventions=terms.conventions,
        )
    return rows


def _periods(terms: LoanTerms) -> list[Period]:
    """Return the periods as agreed."""
    dates = date_list(
        terms.start,
        terms.periods,
        first_due=terms.first_due,
        frequency=terms.frequency,
        calendar=terms.conventions.due_dates,
        month_end=terms.conventions.month_end,
    )
    return periods_of(terms.start, dates, terms.frequency, terms.conventions.weekend)


def _of(events: Sequence[Event], kind: type[E]) -> list[E]:
    """Return the events of one kind in the order of entry."""
    return [event for event in events if isinstance(event, kind)]


def _has(events: Sequence[Event], *kinds: type[Event]) -> bool:
    """Say whether an event of these kinds is among them."""
    return any(isinstance(event, kinds) for event in events)


def _payments(events: Sequence[Event]) -> list[Paid]:
    """Return the repayments by value date."""
    paid = [Paid(e.value_date, e.amount_minor) for e in _of(events, Repayment)]
    return sorted(paid, key=lambda one: one.on)


def _drawn_first(terms: LoanTerms, events: Sequence[Event]) -> int:
    """Return the first draw; before any draw the schedule is of the amount approved."""
    draws = _of(events, Draw)
    if not draws:
        return terms.principal_minor
    if draws[0].value_date != terms.start:
        raise NotCovered("a first draw on another date than the start")
    return draws[0].amount_minor


def _down_payment(terms: LoanTerms, drawn_minor: int) -> int:
    """Return the down payment of a draw."""
    conventions = terms.conventions
    return round_to(conventions.down_payment_share * drawn_minor, conventions.rounding)


def _draws_after_down_payment(terms: LoanTerms, events: Sequence[Event]) -> list[tuple[date, int]]:
    """Return the draws that earn interest."""
    draws = sorted((e.value_date, e.amount_minor) for e in _of(events, Draw))
    first = _drawn_first(terms, events)
    down = _down_payment(terms, first)
    if down and len(draws) > 1:
        raise NotCovered("a down payment with several draws")
    return [(terms.start, first - down), *draws[1:]]


def _late_until(terms: LoanTerms, events: Sequence[Event]) -> date | None:
    """Return the day of the last calculation, where delay earns interest."""
    if terms.rest is not Rest.DAILY:
        return None
    kinds = (Repayment, DayClosed, PayOff)
    days = [e.entered_on for e in events if isinstance(e, kinds)]
    return max(days, default=None)


def _refuse_late_payoff(terms: LoanTerms, events: Sequence[Event], course: Course) -> None:
    """Refuse a pay-off with arrears, or with anything after it."""
    off = course.paid_off_on
    if off is None:
        return
    if terms.conventions.down_payment_share:
        raise NotCovered("a pay-off of a loan with a down payment")
    if any(e.value_date > off for e in events):
        raise NotCovered("an event after a pay-off")
    rows = rows_under(replace(course, paid_off_on=None, late_until=None))
    due = sum(row.instalment_minor for row in rows if row.due_date < off)
    if sum(one.amount_minor for one in course.payments) != due:
        raise NotCovered("a pay-off with arrears or after a payment in advance")


def _refuse_days_of_interest(terms: LoanTerms, events: Sequence[Event]) -> None:
    """Refuse pauses and rates by day where interest is not counted by day."""
    if not terms.rate_annual and not _has(events, RateChanged):
        return
    if _has(events, Paused, RateChanged):
        count = terms.conventions.day_count
        name = count if count is not DayCount.MONTH_12 else "whole periods"
        raise NotCovered(f"a pause or a new rate by day under {name} with fixed rows")
