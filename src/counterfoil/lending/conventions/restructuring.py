"""Moved dates, added rows and a new rate on schedules without interest or with flat interest.

Units       Minor units.
Invariant   The principal of the rows stays the principal of the loan.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from counterfoil.lending.conventions.due_dates import Frequency, Period, nth_date
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import Row
from counterfoil.lending.conventions.settings import Accrual, Conventions, NotCovered
from counterfoil.lending.conventions.terms import Rescheduled


def rescheduled_rows(
    rows: Sequence[Row],
    change: Rescheduled,
    *,
    rate_annual: Fraction,
    principal_minor: int,
    frequency: Frequency,
    conventions: Conventions,
) -> list[Row]:
    """Return the rows after one change from the row due on a date."""
    index = _index_of(rows, change.from_due)
    if rate_annual and (change.to_due or change.rows_added):
        raise NotCovered("moved dates or added rows where interest is charged")
    changed = list(rows)
    if change.rows_added:
        changed = _with_rows_added(changed, index, change.rows_added, frequency, conventions)
    if change.to_due is not None:
        changed = _with_dates_moved(changed, index, change.to_due, frequency, conventions)
    if change.rate_annual is not None:
        changed = _with_rate(changed, index, change.rate_annual, principal_minor, conventions)
    return changed


def moved_periods(
    periods: Sequence[Period],
    change: Rescheduled,
    frequency: Frequency,
    conventions: Conventions,
) -> list[Period]:
    """Return the periods with one due date moved; the later ones follow from it."""
    assert change.to_due is not None
    index = next((k for k, p in enumerate(periods) if p.due == change.from_due), None)
    if index is None:
        raise NotCovered("a reschedule from a date that is no due date")
    moved = list(periods[:index])
    start = periods[index].start
    for later, period in enumerate(periods[index:]):
        due = nth_date(change.to_due, frequency, later, conventions.month_end)
        odd = later == 0
        months = None if odd else frequency.months
        moved.append(replace(period, start=start, due=due, pay_on=due, months=months))
        start = due
    return moved


def _index_of(rows: Sequence[Row], due: date) -> int:
    """Return the position of the row due on a date."""
    for index, row in enumerate(rows):
        if row.due_date == due:
            return index
    raise NotCovered("a reschedule from a date that is no due date")


def _with_rows_added(
    rows: list[Row], index: int, added: int, frequency: Frequency, conventions: Conventions
) -> list[Row]:
    """Share the principal of the rows from the index over more rows."""
    left = sum(row.principal_minor for row in rows[index:])
    count = len(rows) - index + added
    each = round_to(
        Fraction(left, count),
        conventions.instalment_rounding,
        unit_minor=conventions.instalment_unit_minor,
    )
    first = rows[index]
    made, start = rows[:index], first.start_date
    for later in range(count):
        due = nth_date(first.due_date, frequency, later, conventions.month_end)
        principal = left if later == count - 1 else min(each, left)
        left -= principal
        made.append(
            Row(
                nr=index + later + 1,
                start_date=start,
                due_date=due,
                pay_on=due,
                principal_minor=principal,
                interest_minor=0,
                balance_minor=left,
            )
        )
        start = due
    return made


def _with_dates_moved(
    rows: list[Row], index: int, to_due: date, frequency: Frequency, conventions: Conventions
) -> list[Row]:
    """Move one row's date; the later ones follow at the frequency."""
    start = rows[index].start_date
    for later in range(index, len(rows)):
        due = nth_date(to_due, frequency, later - index, conventions.month_end)
        rows[later] = replace(rows[later], start_date=start, due_date=due, pay_on=due)
        start = due
    return rows


def _with_rate(
    rows: list[Row],
    index: int,
    rate_annual: Fraction,
    principal_minor: int,
    conventions: Conventions,
) -> list[Row]:
    """Charge flat interest at a new rate from the index on."""
    if conventions.accrual is not Accrual.FLAT:
        raise NotCovered("a new rate by reschedule where interest is not flat")
    exact = principal_minor * rate_annual / 12
    interest = round_to(exact, conventions.rounding)
    changed = [replace(row, interest_minor=interest) for row in rows[index:]]
    unit = conventions.instalment_unit_minor
    if interest != exact or any(row.instalment_minor % unit for row in changed):
        raise NotCovered("a new rate on a schedule whose instalment would be rounded again")
    return rows[:index] + changed
