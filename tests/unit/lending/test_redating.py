"""Another repayment day: to which date the next instalment moves, and what the fold makes of it."""

from datetime import date

import pytest
from tests.properties.terms_for_tests import Bench
from tests.unit.lending.test_loan import DRAWN, KEEP, lent

from counterfoil.lending.fold import Input, fold, origin_of
from counterfoil.lending.loan import advance, plan
from counterfoil.lending.redating import REDATING, day_of, moved_due_date, reason_of, redate
from counterfoil.lending.terms import Method

TERMS = Bench().terms
START = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("due", "day", "on", "moved"),
    [
        # The nearest date with the new day, before or after.
        (date(2026, 3, 15), 20, date(2026, 3, 1), date(2026, 3, 20)),
        (date(2026, 3, 15), 12, date(2026, 3, 1), date(2026, 3, 12)),
        (date(2026, 3, 2), 28, date(2026, 2, 10), date(2026, 2, 28)),
        (date(2026, 3, 28), 2, date(2026, 3, 1), date(2026, 4, 2)),
        # Nothing moves nearer than three days.
        (date(2026, 3, 15), 12, date(2026, 3, 10), date(2026, 4, 12)),
        (date(2026, 3, 15), 12, date(2026, 3, 9), date(2026, 3, 12)),
        # As near before as after: the later one.
        (date(2026, 2, 15), 1, date(2026, 1, 20), date(2026, 3, 1)),
    ],
)
def test_the_next_instalment_moves_to_the_nearest_date(
    due: date, day: int, on: date, moved: date
) -> None:
    assert moved_due_date(due, day, on=on, start=START, terms=TERMS) == moved


def test_nothing_moves_into_the_products_first_period() -> None:
    start = date(2026, 3, 1)
    moved = moved_due_date(date(2026, 4, 2), 5, on=start, start=start, terms=TERMS)
    assert (moved - start).days >= TERMS.first_period_days_min


@pytest.mark.parametrize("method", list(Method))
def test_folding_gives_what_redating_in_time_gave(method: Method) -> None:
    loan, terms = lent(300_000, method)
    origin, on, due_on = origin_of(loan), date(2026, 2, 20), date(2026, 2, 15)
    count = len(plan(loan))
    advance(loan, on)
    fallen_due = [due for due in loan.dues if due.due_date == due_on]
    redate(loan, 28, on, terms)
    rows = plan(loan)
    assert [row.due_date.day for row in rows] == [28] * len(rows)
    unpaid = sum(due.principal_left_minor for due in fallen_due)
    assert sum(row.principal_minor for row in rows) + unpaid == loan.original_minor
    assert len(rows) + len(fallen_due) == count
    assert rows[-1].due_date == loan.maturity_date
    inputs = [
        Input("disbursement", DRAWN, 0, KEEP, 1),
        Input(REDATING, on, 0, KEEP, 2, repayment_day=28),
    ]
    folded, _ = fold(origin, inputs, through=on, terms=terms)
    assert plan(folded) == rows
    assert folded.accrued_interest_e8 == loan.accrued_interest_e8
    assert folded.next_event_on == loan.next_event_on


def test_a_level_instalment_stays_level_over_the_new_days() -> None:
    loan, terms = lent(300_000, Method.LEVEL_INSTALMENT, months=6)
    redate(loan, 28, date(2026, 1, 25), terms)
    amounts = [row.due_minor for row in plan(loan)]
    assert len(set(amounts[:-1])) == 1
    # The last one takes what rounding left, not what the longer first period cost.
    assert abs(amounts[-1] - amounts[0]) <= len(amounts)


def test_the_day_stands_in_the_reason() -> None:
    assert [day_of(reason_of(day)) for day in (1, 15, 28)] == [1, 15, 28]
