"""Dates of a plan: months end where they end, and nobody's day is lost for good."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.calendar import (
    add_months,
    days_between,
    first_due_date,
    nth_due_date,
    on_day_of_month,
    read_day,
)

DATES = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 1), -1, date(2025, 12, 1)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_months_are_added_to_the_same_day_or_the_last(start: date, months: int, end: date) -> None:
    assert add_months(start, months) == end


def test_a_day_that_a_month_lacks_returns_in_the_next_that_has_it() -> None:
    first = date(2028, 1, 31)
    dues = [nth_due_date(first, 31, n) for n in range(1, 6)]
    assert dues == [
        date(2028, 1, 31), date(2028, 2, 29), date(2028, 3, 31), date(2028, 4, 30),
        date(2028, 5, 31),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "day", "due"),
    [
        (date(2026, 1, 5), 15, date(2026, 1, 15)),  # exactly ten days
        (date(2026, 1, 6), 15, date(2026, 2, 15)),  # nine are too few
        (date(2026, 12, 20), 28, date(2027, 1, 28)),
        (date(2026, 12, 25), 4, date(2027, 1, 4)),
        (date(2028, 2, 19), 29, date(2028, 2, 29)),
        (date(2026, 2, 19), 30, date(2026, 3, 30)),  # 1 March is the earliest
    ],
)
def test_the_first_due_date_is_far_enough_from_the_start(start: date, day: int, due: date) -> None:
    assert first_due_date(start, day, gap_days_min=10) == due


@given(DATES, st.integers(1, 31), st.integers(0, 40))
def test_due_dates_follow_each_other_a_month_apart(start: date, day: int, gap: int) -> None:
    first = first_due_date(start, day, gap_days_min=gap)
    assert days_between(start, first) >= gap
    assert first == on_day_of_month(first.year, first.month, day)
    dues = [nth_due_date(first, day, number) for number in range(1, 25)]
    assert dues[0] == first
    assert all(28 <= days_between(a, b) <= 31 for a, b in itertools.pairwise(dues))


@given(DATES, st.integers(-500, 500))
def test_days_are_counted_half_open(start: date, days: int) -> None:
    assert days_between(start, start + timedelta(days=days)) == days


def test_a_day_that_is_named_has_a_century_on_either_side() -> None:
    century = timedelta(days=36_525)
    for day in (date(2026, 1, 31), date.min + century, date.max - century):
        assert read_day(day.isoformat()) == day
    beyond = (date.min + century - timedelta(days=1), date.max - century + timedelta(days=1))
    for text in ("2026-02-30", "2026", "", *map(str, (date.min, date.max, *beyond))):
        with pytest.raises(ValueError, match=r"isoformat|calendar|day"):
            read_day(text)
