"""Worked figures of the day counts: own arithmetic, by hand and with decimals."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.daycount import DayCount, year_fraction
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.settings import Rounding

ADDITIVE = [DayCount.ACT_365, DayCount.ACT_360, DayCount.ACT_364, DayCount.ACT_ACT_31DEC]
dates = st.dates(date(2019, 1, 1), date(2033, 12, 31))


def interest_minor(
    count: DayCount, principal_minor: int, percent: str, start: date, end: date
) -> int:
    exact = principal_minor * Fraction(percent) / 100 * year_fraction(count, start, end)
    return round_to(exact, Rounding.HALF_UP)


@pytest.mark.parametrize(
    ("count", "expected_minor"),
    [
        (DayCount.ACT_365, 184_93),
        (DayCount.ACT_360, 187_50),
        (DayCount.ACT_364, 185_44),
        (DayCount.THIRTY_E_360, 187_50),
        (DayCount.THIRTY_U_360, 190_00),
        (DayCount.MONTH_12, 188_71),
        (DayCount.ACT_ACT_31DEC, 184_93),
    ],
)
def test_ten_thousand_at_nine_percent_from_mid_january_to_the_end_of_march(
    count: DayCount, expected_minor: int
) -> None:
    start, end = date(2025, 1, 15), date(2025, 3, 31)
    assert interest_minor(count, 10_000_00, "9", start, end) == expected_minor


@pytest.mark.parametrize(
    ("count", "expected_minor"),
    [(DayCount.MONTH_12, 15_00), (DayCount.THIRTY_E_360, 14_67), (DayCount.ACT_365, 14_79)],
)
def test_an_odd_first_period_costs_what_its_count_says(
    count: DayCount, expected_minor: int
) -> None:
    start, end = date(2025, 1, 10), date(2025, 2, 24)
    assert interest_minor(count, 1_000_00, "12", start, end) == expected_minor


def test_a_year_is_cut_at_the_thirty_first_of_december() -> None:
    part = year_fraction(DayCount.ACT_ACT_31DEC, date(2027, 12, 10), date(2028, 1, 10))
    assert part == Fraction(21, 365) + Fraction(10, 366)


def test_a_week_of_a_year_of_fifty_two_weeks_is_one_of_them() -> None:
    start = date(2025, 5, 5)
    assert year_fraction(DayCount.ACT_364, start, start + timedelta(days=7)) == Fraction(1, 52)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2024, 2, 29), date(2024, 3, 31), 30),
        (date(2023, 2, 28), date(2024, 2, 29), 360),
        (date(2024, 1, 31), date(2024, 3, 31), 60),
        (date(2024, 1, 30), date(2024, 2, 29), 29),
    ],
)
def test_the_american_count_treats_the_end_of_february_as_the_thirtieth(
    start: date, end: date, days: int
) -> None:
    assert year_fraction(DayCount.THIRTY_U_360, start, end) == Fraction(days, 360)


@pytest.mark.parametrize("count", list(DayCount))
def test_no_time_is_no_part_of_a_year(count: DayCount) -> None:
    day = date(2024, 2, 29)
    assert year_fraction(count, day, day) == 0


@given(st.sampled_from(ADDITIVE), st.tuples(dates, dates, dates).map(sorted))
def test_parts_of_a_year_add_up_over_any_cut(count: DayCount, cut: list[date]) -> None:
    start, middle, end = cut
    parts = year_fraction(count, start, middle) + year_fraction(count, middle, end)
    assert parts == year_fraction(count, start, end)


@given(st.sampled_from(list(DayCount)), dates, st.integers(0, 900), st.integers(0, 40))
def test_a_later_end_is_never_a_smaller_part(
    count: DayCount, start: date, days: int, more: int
) -> None:
    end = start + timedelta(days=days)
    later = end + timedelta(days=more)
    assert year_fraction(count, start, end) <= year_fraction(count, start, later)
