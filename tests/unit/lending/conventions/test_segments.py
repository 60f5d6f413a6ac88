"""Worked figures of accruing interest: own arithmetic; and additivity under exact accrual."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.segments import Segment, exact_interest, interest_of
from counterfoil.lending.conventions.settings import Accrual, NotCovered

RATE = Fraction("0.149")
LINE = [
    Segment(start=date(2025, 3, 1), end=date(2025, 3, 9), balance_minor=1_234_50, rate_annual=RATE),
    Segment(
        start=date(2025, 3, 9), end=date(2025, 3, 15), balance_minor=2_124_70, rate_annual=RATE
    ),
    Segment(
        start=date(2025, 3, 15), end=date(2025, 4, 1), balance_minor=1_714_35, rate_annual=RATE
    ),
]


@pytest.mark.parametrize(
    ("accrual", "expected_minor"),
    [(Accrual.EXACT, 21_13), (Accrual.PER_DAY, 21_12), (Accrual.PER_SEGMENT, 21_13)],
)
def test_a_line_costs_a_cent_more_or_less_by_its_accrual(
    accrual: Accrual, expected_minor: int
) -> None:
    bundle = replace(preset("EXACT_DAILY"), accrual=accrual)
    assert interest_of(LINE, bundle) == expected_minor


def test_one_days_rounding_wins_three_cents_in_twenty_three_days() -> None:
    stretch = Segment(
        start=date(2025, 5, 1),
        end=date(2025, 5, 24),
        balance_minor=12_345_67,
        rate_annual=Fraction("0.154"),
    )
    exact = preset("EXACT_DAILY")
    assert interest_of([stretch], exact) == 119_80
    assert interest_of([stretch], replace(exact, accrual=Accrual.PER_DAY)) == 119_83


def test_a_split_period_is_rounded_once_or_segment_by_segment() -> None:
    rate = Fraction("0.099")
    cut = [
        Segment(
            start=date(2025, 4, 1), end=date(2025, 4, 12), balance_minor=612_40, rate_annual=rate
        ),
        Segment(
            start=date(2025, 4, 12), end=date(2025, 5, 1), balance_minor=397_15, rate_annual=rate
        ),
    ]
    once = replace(preset("EXACT_DAILY"), accrual=Accrual.PER_PERIOD)
    assert interest_of(cut, once) == 3_87
    assert interest_of(cut, replace(once, accrual=Accrual.PER_SEGMENT)) == 3_88


def test_days_of_a_changing_year_are_not_rounded_day_by_day() -> None:
    bundle = replace(preset("FRAPPE_LINE"), day_count=DayCount.ACT_ACT_31DEC)
    with pytest.raises(NotCovered):
        interest_of(LINE, bundle)


@given(
    st.integers(0, 10**10),
    st.integers(0, 3600),
    st.integers(0, 400),
    st.integers(0, 400),
)
def test_exact_interest_adds_up_over_any_cut(
    balance_minor: int, rate_e4: int, first_days: int, more_days: int
) -> None:
    start = date(2025, 1, 1)
    middle = start + timedelta(days=first_days)
    end = middle + timedelta(days=more_days)
    rate = Fraction(rate_e4, 10_000)

    def interest(a: date, b: date) -> Fraction:
        segment = Segment(start=a, end=b, balance_minor=balance_minor, rate_annual=rate)
        return exact_interest(segment, DayCount.ACT_365)

    assert interest(start, middle) + interest(middle, end) == interest(start, end)
