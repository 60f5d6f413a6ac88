"""Days past due: nothing within grace, all of them after it."""

from datetime import date, timedelta

import pytest

from counterfoil.lending.delinquency import (
    BUCKETS,
    bucket,
    days_of,
    days_past_due,
    next_boundary,
)

DUE = date(2026, 2, 15)
GRACE = 3


def on(days: int) -> date:
    return DUE + timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "past_due", "name"),
    [
        (-1, 0, "C"), (0, 0, "C"), (1, 0, "C"), (3, 0, "C"), (4, 4, "M1"), (30, 30, "M1"),
        (31, 31, "M2"), (60, 60, "M2"), (61, 61, "M3"), (180, 180, "M6"), (181, 181, "M7+"),
        (5_000, 5_000, "M7+"),
    ],
)  # fmt: skip
def test_days_and_buckets_by_the_calendar(days: int, past_due: int, name: str) -> None:
    assert days_past_due(DUE, GRACE, on(days)) == past_due
    assert BUCKETS[bucket(DUE, GRACE, on(days))] == name


def test_without_a_debt_nothing_is_past_due() -> None:
    assert days_past_due(None, 0, DUE) == 0
    assert bucket(None, 0, DUE) == 0
    assert next_boundary(None, 3) is None


def test_without_grace_the_first_day_counts() -> None:
    assert days_past_due(DUE, 0, on(1)) == 1
    assert days_past_due(DUE, 0, on(0)) == 0


def test_the_next_boundary_is_the_day_on_which_the_bucket_changes() -> None:
    for present in range(1, len(BUCKETS) - 1):
        day = next_boundary(DUE, present)
        assert day is not None
        assert bucket(DUE, GRACE, day - timedelta(days=1)) == present
        assert bucket(DUE, GRACE, day) == present + 1
    assert next_boundary(DUE, 0) is None
    assert next_boundary(DUE, len(BUCKETS) - 1) is None


def test_the_days_of_buckets_join_without_a_gap() -> None:
    spans = [days_of(number) for number in range(len(BUCKETS))]
    assert spans[:3] == [(0, 0), (1, 30), (31, 60)]
    assert spans[-1] == (181, None)
    for number in range(1, len(BUCKETS)):
        due = date(2026, 1, 1)
        assert bucket(due, 0, due + timedelta(days=spans[number][0])) == number
