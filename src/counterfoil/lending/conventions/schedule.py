"""The schedule of a loan under any bundle of conventions: one function, `plan`.

Invariant   Principal parts sum to the principal; the last balance is zero; no part is negative.
Units       Amounts in minor units; the rate is a fraction a year.
Rounding    As the bundle says: interest, instalment and last row each by their own rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import assert_never

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.due_dates import (
    MONTHLY,
    Every,
    Frequency,
    Period,
    date_list,
    nth_date,
    periods_of,
)
from counterfoil.lending.conventions.factor import (
    annuity_of_factors,
    annuity_of_rate,
    clip,
    period_factor,
)
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.settings import (
    Accrual,
    Conventions,
    FirstPeriod,
    Instalment,
    LastRow,
    NotCovered,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One instalment as planned."""

    nr: int
    start_date: date
    due_date: date
    #: When it is to be paid, where a weekend moves it; else the due date.
    pay_on: date
    principal_minor: int
    interest_minor: int
    #: Principal left after the row.
    balance_minor: int

    @property
    def instalment_minor(self) -> int:
        """Return principal and interest together."""
        return self.principal_minor + self.interest_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a schedule is computed from, once dates and down payment are settled."""

    principal_minor: int
    rate_annual: Fraction
    periods: Sequence[Period]
    conventions: Conventions
    grace_principal: int
    fixed_instalment_minor: int | None

    @property
    def rows_repaying(self) -> int:
        """Return how many rows repay principal."""
        return len(self.periods) - self.grace_principal

    def rate_of(self, index: int) -> Fraction:
        """Return the rate of a row; the first rows of a promotion carry none."""
        free = index < self.conventions.interest_free_rows
        return Fraction(0) if free else self.rate_annual

    def factor(self, index: int) -> Fraction:
        """Return the interest factor of a row."""
        return period_factor(self.conventions, self.rate_of(index), self.periods[index])


def plan(
    principal_minor: int,
    rate_annual: Fraction,
    periods: int,
    start: date,
    first_due: date | None,
    conventions: Conventions,
    *,
    frequency: Frequency = MONTHLY,
    grace_principal: int = 0,
    fixed_instalment_minor: int | None = None,
) -> list[Row]:
    """Return the rows of a loan; a down payment is the row of day 0 before the others."""
    assert principal_minor > 0
    assert 0 <= grace_principal < periods
    down_minor = round_to(conventions.down_payment_share * principal_minor, conventions.rounding)
    spans, broken = _periods(start, first_due, periods, conventions, frequency)
    terms = Plan(
        principal_minor=principal_minor - down_minor,
        rate_annual=rate_annual,
        periods=spans,
        conventions=conventions,
        grace_principal=_grace(conventions, periods, grace_principal),
        fixed_instalment_minor=fixed_instalment_minor,
    )
    rows = _with_broken_part(terms, rows_of(terms), broken)
    return _with_down_payment(rows, down_minor, start)


def rows_of(terms: Plan) -> list[Row]:
    """Return the rows by the bundle's method."""
    method = terms.conventions.instalment
    match method:
        case Instalment.FLAT:
            return _flat_rows(terms)
        case Instalment.EQUAL_PRINCIPAL | Instalment.BULLET:
            return _equal_principal_rows(terms)
        case Instalment.ANNUITY_EACH_ROW:
            return _annuity_each_row(terms)
        case Instalment.ANNUITY_OF_PERIODS:
            return _iterated(terms, annuity_of_plan(terms))
        case Instalment.ANNUITY_OF_MONTHS | Instalment.ANNUITY_OF_30_365:
            return instalment_rows(terms, annuity_of_plan(terms))
        case Instalment.FIXED:
            assert terms.fixed_instalment_minor is not None
            return instalment_rows(terms, terms.fixed_instalment_minor)
    assert_never(method)


def annuity_of_plan(terms: Plan) -> int:
    """Return the equal instalment of the rows that repay, rounded by the bundle."""
    principal = Fraction(terms.principal_minor)
    if terms.rows_repaying == 1:
        # The last row takes what is left, whatever the instalment, so no rate per period is needed.
        return terms.principal_minor
    if terms.conventions.instalment is Instalment.ANNUITY_OF_PERIODS:
        factors = [terms.factor(k) for k in range(terms.grace_principal, len(terms.periods))]
        exact = annuity_of_factors(principal, factors, terms.conventions.factor_digits)
    else:
        rate = _rate_for_annuity(terms)
        exact = annuity_of_rate(principal, rate, terms.rows_repaying)
    return rounded_instalment(exact, terms.conventions)


def rounded_instalment(exact_minor: Fraction, conventions: Conventions) -> int:
    """Return an instalment rounded by the bundle's own rule for instalments."""
    return round_to(
        exact_minor,
        conventions.instalment_rounding,
        unit_minor=conventions.instalment_unit_minor,
    )


def instalment_rows(terms: Plan, instalment_minor: int) -> list[Row]:
    """Return rows of one instalment; the last takes the rest, and a cleared loan stops early."""
    rows: list[Row] = []
    balance, carried = terms.principal_minor, Fraction(0)
    for index in range(len(terms.periods)):
        interest, carried = _interest(terms, index, balance, carried)
        if index == len(terms.periods) - 1:
            principal = balance
        elif index < terms.grace_principal:
            principal = 0
        else:
            principal = min(instalment_minor - interest, balance)
        if principal < 0:
            raise NotCovered("the instalment does not cover the interest of its period")
        balance -= principal
        rows.append(_row(terms, index, principal, interest, balance))
        if balance == 0:
            break
    return rows


def iteration_gap(rows: Sequence[Row], instalment_minor: int) -> int:
    """Return by how much the last instalment exceeds the others."""
    return rows[-1].instalment_minor - instalment_minor


def iterated_instalment(instalment_minor: int, gap_minor: int, rows: int) -> int | None:
    """Return the instalment to try next; None where the gap is too small to try."""
    if abs(gap_minor) <= rows // 2:
        return None
    return round(instalment_minor + Fraction(gap_minor, rows))


def _periods(
    start: date,
    first_due: date | None,
    count: int,
    conventions: Conventions,
    frequency: Frequency,
) -> tuple[list[Period], tuple[date, date] | None]:
    """Return the periods and, where it is treated apart, the broken part before the first."""
    dates = date_list(
        start,
        count,
        first_due=first_due,
        frequency=frequency,
        calendar=conventions.due_dates,
        month_end=conventions.month_end,
    )
    broken = None
    if conventions.first_period is not FirstPeriod.OWN_LENGTH:
        regular_start = nth_date(dates[0], frequency, -1, conventions.month_end)
        broken, start = (start, regular_start), regular_start
    return periods_of(start, dates, frequency, conventions.weekend), broken


def _grace(conventions: Conventions, periods: int, grace_principal: int) -> int:
    """Return the rows without principal; a bullet repays with the last row only."""
    return periods - 1 if conventions.instalment is Instalment.BULLET else grace_principal


def _rate_for_annuity(terms: Plan) -> Fraction:
    """Return the rate per period from which the instalment is found."""
    months = terms.periods[-1].months
    if months is None:
        raise NotCovered("an annuity by months for a frequency in days or weeks")
    if terms.conventions.instalment is Instalment.ANNUITY_OF_30_365:
        return terms.rate_annual * Fraction(30 * months, 365)
    return terms.rate_annual * Fraction(months, 12)


def _interest(
    terms: Plan, index: int, balance_minor: int, carried: Fraction
) -> tuple[int, Fraction]:
    """Return the interest of a row and the part of a minor unit carried to the next."""
    conventions = terms.conventions
    exact = _exact_interest(terms, index, balance_minor) + carried
    unit = conventions.amount_unit_minor
    rounded = round_to(exact, conventions.rounding, unit_minor=unit)
    carries = conventions.accrual is Accrual.EXACT
    return rounded, exact - rounded if carries else Fraction(0)


def _exact_interest(terms: Plan, index: int, balance_minor: int) -> Fraction:
    """Return the interest of a row before it is rounded for the row."""
    conventions = terms.conventions
    if conventions.accrual is Accrual.PER_DAY:
        return Fraction(_interest_by_days(terms, index, balance_minor))
    exact = balance_minor * terms.factor(index)
    return clip(exact, conventions.factor_digits)


def _interest_by_days(terms: Plan, index: int, balance_minor: int) -> int:
    """Return the sum of each day's rounded interest."""
    if terms.conventions.day_count is not DayCount.ACT_365:
        raise NotCovered("interest rounded per day under another count than ACT_365")
    daily = terms.rate_of(index) * balance_minor / 365
    return terms.periods[index].days * round_to(daily, terms.conventions.rounding)


def _flat_rows(terms: Plan) -> list[Row]:
    """Share out the interest fixed at the start; the last row takes both roundings."""
    conventions = terms.conventions
    count = len(terms.periods)
    total = _flat_interest(terms)
    each = round_to(Fraction(total, count), conventions.rounding)
    if total and terms.grace_principal and conventions.instalment_unit_minor > 1:
        raise NotCovered("flat instalments of whole units with a grace on principal")
    if conventions.instalment_unit_minor == 1:
        principal = round_to(
            Fraction(terms.principal_minor, terms.rows_repaying), conventions.rounding
        )
    else:
        whole = Fraction(terms.principal_minor + total, terms.rows_repaying)
        principal = rounded_instalment(whole, conventions) - each
    parts = [each] * (count - 1) + [total - each * (count - 1)]
    return _rows_from_parts(terms, principal, parts)


def _flat_interest(terms: Plan) -> int:
    """Return the interest of the whole term on the original amount."""
    if terms.rate_annual == 0:
        return 0
    months = [period.months for period in terms.periods]
    if None in months:
        raise NotCovered("flat interest for a frequency in days or weeks, or for odd periods")
    years = Fraction(sum(m for m in months if m is not None), 12)
    exact = terms.principal_minor * terms.rate_annual * years
    return round_to(exact, terms.conventions.rounding)


def _equal_principal_rows(terms: Plan) -> list[Row]:
    """Repay the same principal with every row; interest falls with the balance."""
    share = Fraction(terms.principal_minor, terms.rows_repaying)
    principal = round_to(
        share, terms.conventions.rounding, unit_minor=terms.conventions.amount_unit_minor
    )
    return _rows_from_parts(terms, principal, None)


def _rows_from_parts(terms: Plan, principal_minor: int, interests: list[int] | None) -> list[Row]:
    """Return rows of one principal part; interest as given, or on the balance."""
    rows: list[Row] = []
    balance, carried, last = terms.principal_minor, Fraction(0), len(terms.periods) - 1
    for index in range(len(terms.periods)):
        interest, carried = (
            (interests[index], carried)
            if interests is not None
            else _interest(terms, index, balance, carried)
        )
        part = 0 if index < terms.grace_principal else min(principal_minor, balance)
        part = balance if index == last else part
        balance -= part
        rows.append(_row(terms, index, part, interest, balance))
    return rows


def _annuity_each_row(terms: Plan) -> list[Row]:
    """Start each row from the unrounded annuity of its balance over the rows left."""
    rows: list[Row] = []
    balance, count = terms.principal_minor, len(terms.periods)
    rate = _rate_for_annuity(terms)
    for index in range(count):
        interest, _ = _interest(terms, index, balance, Fraction(0))
        if index < terms.grace_principal:
            principal = 0
        else:
            exact = annuity_of_rate(Fraction(balance), rate, count - index) - interest
            principal = round_to(exact, terms.conventions.rounding)
        principal = balance if index == count - 1 else principal
        balance -= principal
        rows.append(_row(terms, index, principal, interest, balance))
    return rows


def _iterated(terms: Plan, instalment_minor: int) -> list[Row]:
    """Try once to bring the last row nearer to the others, where the bundle says so."""
    rows = instalment_rows(terms, instalment_minor)
    if terms.conventions.last_row is not LastRow.ITERATED:
        return rows
    gap = iteration_gap(rows, instalment_minor)
    tried = iterated_instalment(instalment_minor, gap, terms.rows_repaying)
    if tried is None:
        return rows
    other = instalment_rows(terms, tried)
    return other if abs(iteration_gap(other, tried)) < abs(gap) else rows


def _with_broken_part(terms: Plan, rows: list[Row], broken: tuple[date, date] | None) -> list[Row]:
    """Add the interest of the broken first part where the bundle puts it."""
    treatment = terms.conventions.first_period
    if broken is None or treatment is FirstPeriod.DEDUCTED_UP_FRONT:
        return rows
    interest = broken_interest(terms.principal_minor, terms.rate_annual, broken, terms.conventions)
    if treatment is FirstPeriod.ADDED_TO_FIRST:
        parts = [interest] + [0] * (len(rows) - 1)
    else:
        parts = spread(interest, len(rows), terms.conventions)
    return [
        replace(row, interest_minor=row.interest_minor + part)
        for row, part in zip(rows, parts, strict=True)
    ]


def broken_interest(
    principal_minor: int,
    rate_annual: Fraction,
    broken: tuple[date, date],
    conventions: Conventions,
) -> int:
    """Return the interest of a broken part before the first regular period."""
    start, end = broken
    span = Period(start=start, due=end, months=None, by_days=False, pay_on=end)
    exact = principal_minor * period_factor(conventions, rate_annual, span)
    return round_to(exact, conventions.rounding)


def spread(amount_minor: int, rows: int, conventions: Conventions) -> list[int]:
    """Share an amount over rows; the last takes the rounding."""
    each = round_to(Fraction(amount_minor, rows), conventions.rounding)
    return [each] * (rows - 1) + [amount_minor - each * (rows - 1)]


def _with_down_payment(rows: list[Row], down_minor: int, start: date) -> list[Row]:
    """Put the down payment of day 0 before the rows, where there is one."""
    if down_minor == 0:
        return rows
    first = Row(
        nr=1,
        start_date=start,
        due_date=start,
        pay_on=start,
        principal_minor=down_minor,
        interest_minor=0,
        balance_minor=sum(row.principal_minor for row in rows),
    )
    return [first, *(replace(row, nr=row.nr + 1) for row in rows)]


def _row(
    terms: Plan, index: int, principal_minor: int, interest_minor: int, balance_minor: int
) -> Row:
    """Return one row of the plan."""
    period = terms.periods[index]
    return Row(
        nr=index + 1,
        start_date=period.start,
        due_date=period.due,
        pay_on=period.pay_on,
        principal_minor=principal_minor,
        interest_minor=interest_minor,
        balance_minor=balance_minor,
    )


def frequency_of(text: str) -> Frequency:
    """Return the frequency written as a count and a unit, such as `2 WEEKS`."""
    count, unit = text.split()
    return Frequency(int(count), Every(unit))
