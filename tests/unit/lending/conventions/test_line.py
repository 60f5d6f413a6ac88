"""Worked figures of a revolving line, of penal interest and of days past due: own arithmetic."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.lending.conventions.book import BookRow
from counterfoil.lending.conventions.delinquency import (
    Bucket,
    amounts_by_bucket,
    days_late_of_loan,
    days_past_due,
)
from counterfoil.lending.conventions.line import Line, accrual_dates
from counterfoil.lending.conventions.penalty import penalty_until
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.settings import Rounding

DAY_0 = date(2025, 3, 1)


def line(limit_minor: int = 50_000_00) -> Line:
    return Line(
        limit_minor=limit_minor,
        rate_annual=Fraction("0.162"),
        conventions=preset("FRAPPE_LINE"),
    )


def test_a_repayment_pays_six_days_of_rounded_interest_then_principal() -> None:
    one = line()
    one.draw(23_450_00, on=DAY_0)
    paid = one.repay(1_000_00, on=DAY_0 + timedelta(days=6))
    assert (paid.interest_minor, paid.principal_minor) == (62_46, 937_54)
    assert one.utilised_minor == 22_512_46
    assert one.available_minor == 50_000_00 - 22_512_46
    one.accrue(DAY_0 + timedelta(days=7))
    assert one.draws[0].interest_minor == 9_99


def test_accruals_run_from_the_draw_to_the_posting_both_inclusive() -> None:
    dates = accrual_dates(date(2025, 6, 28), date(2025, 7, 2))
    assert (dates[0], dates[-1], len(dates)) == (date(2025, 6, 28), date(2025, 7, 2), 5)


@given(
    st.lists(st.integers(1, 10_000_00), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5_000_00)), max_size=5),
)
def test_used_and_available_always_make_the_limit(
    draws: list[int], repayments: list[tuple[int, int]]
) -> None:
    one = line()
    on = DAY_0
    for amount in draws:
        one.draw(amount, on=on)
    for days, amount in repayments:
        on += timedelta(days=days)
        before = one.available_minor
        paid = one.repay(amount, on=on)
        assert paid.interest_minor + paid.principal_minor + paid.left_minor == amount
        assert one.available_minor == before + paid.principal_minor
        assert one.utilised_minor + one.available_minor == one.limit_minor


def test_penal_interest_rounds_each_day_for_itself() -> None:
    due = date(2025, 3, 1)
    penalty = penalty_until(
        [(due, 12_340_00)],
        Fraction("0.24"),
        due + timedelta(days=17),
        rounding=Rounding.HALF_UP,
    )
    assert penalty == 137_87


def test_an_instalment_not_yet_due_earns_no_penalty() -> None:
    future = [(date(2025, 4, 1), 100_00)]
    rate = Fraction("0.24")
    assert penalty_until(future, rate, date(2025, 3, 1), rounding=Rounding.HALF_UP) == 0


def test_the_due_date_itself_is_day_zero_or_day_one() -> None:
    due = date(2025, 3, 10)
    assert days_past_due(due, due, first_day=0) == 0
    assert days_past_due(due, due, first_day=1) == 1
    assert days_past_due(due, date(2025, 3, 14), first_day=0) == 4
    assert days_past_due(due, date(2025, 3, 9), first_day=1) == 0


def test_buckets_hold_what_is_unpaid_by_days() -> None:
    rows = [
        BookRow(start_date=due, due_date=due, principal_minor=100_00, interest_minor=0)
        for due in (date(2025, 1, 1), date(2025, 2, 25), date(2025, 3, 10))
    ]
    rows[0].principal_paid_minor = 40_00
    buckets = [Bucket("M1", 1, 30), Bucket("M2", 31, 60), Bucket("M3", 61, None)]
    amounts = amounts_by_bucket(rows, date(2025, 3, 10), buckets, first_day=0)
    assert [(bucket.name, amount) for bucket, amount in amounts] == [("M1", 100_00), ("M3", 60_00)]
    assert days_late_of_loan(rows, date(2025, 3, 10), first_day=0) == 68
