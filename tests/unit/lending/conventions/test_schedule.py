"""Worked schedules of each preset: own arithmetic; and what holds for every schedule."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.due_dates import Every, Frequency
from counterfoil.lending.conventions.presets import PRESETS, preset
from counterfoil.lending.conventions.schedule import Row, plan
from counterfoil.lending.conventions.settings import (
    Conventions,
    FirstPeriod,
    Instalment,
    LastRow,
    MonthEnd,
    NotCovered,
    Weekend,
)


def parts(rows: list[Row]) -> list[tuple[int, int]]:
    return [(row.principal_minor, row.interest_minor) for row in rows]


def total_interest(rows: list[Row]) -> int:
    return sum(row.interest_minor for row in rows)


def rows_or_none(*terms: Any) -> list[Row] | None:
    try:
        return plan(*terms)
    except NotCovered:
        return None


def test_equal_instalments_by_calendar_month_are_iterated_once() -> None:
    bundle = preset("FINERACT_PROGRESSIVE")
    rows = plan(1_200_00, Fraction("0.113"), 4, date(2025, 11, 10), None, bundle)
    assert parts(rows) == [(295_79, 11_30), (298_58, 8_51), (301_39, 5_70), (304_24, 2_86)]
    assert [row.instalment_minor for row in rows] == [307_09, 307_09, 307_09, 307_10]
    assert total_interest(rows) == 28_37
    plain = replace(bundle, last_row=LastRow.DIFFERENCE)
    rows = plan(1_200_00, Fraction("0.113"), 4, date(2025, 11, 10), None, plain)
    assert [row.instalment_minor for row in rows] == [307_10, 307_10, 307_10, 307_07]


def test_equal_instalments_by_actual_days() -> None:
    bundle = replace(preset("FINERACT_PROGRESSIVE"), day_count=DayCount.ACT_365)
    rows = plan(1_200_00, Fraction("0.113"), 4, date(2025, 11, 10), None, bundle)
    assert parts(rows) == [(295_92, 11_15), (298_39, 8_68), (301_26, 5_81), (304_43, 2_64)]
    assert total_interest(rows) == 28_28


def test_a_leap_year_makes_the_second_row_a_cent_cheaper() -> None:
    leap = replace(preset("FINERACT_PROGRESSIVE"), day_count=DayCount.ACT_ACT_31DEC)
    plain = replace(leap, day_count=DayCount.ACT_365)
    terms = (1_200_00, Fraction("0.113"), 4, date(2027, 11, 10), None)
    assert plan(*terms, plain)[1].interest_minor == 8_68
    assert plan(*terms, leap)[1].interest_minor == 8_67


def test_whole_unit_instalments_with_daily_and_with_monthly_interest() -> None:
    daily = preset("FINERACT_CUMULATIVE")
    rows = plan(1_500_00, Fraction("0.14"), 5, date(2025, 3, 5), None, daily)
    assert [row.interest_minor for row in rows] == [17_84, 13_89, 10_82, 7_01, 3_63]
    assert [row.instalment_minor for row in rows] == [311_00] * 4 + [309_19]
    monthly = replace(daily, day_count=DayCount.MONTH_12)
    rows = plan(1_500_00, Fraction("0.14"), 5, date(2025, 3, 5), None, monthly)
    assert [row.interest_minor for row in rows] == [17_50, 14_08, 10_61, 7_11, 3_56]
    assert rows[-1].instalment_minor == 308_86


def test_flat_interest_in_whole_unit_instalments() -> None:
    bundle = replace(preset("FLAT"), instalment_unit_minor=100)
    rows = plan(1_300_00, Fraction("0.11"), 3, date(2025, 3, 5), None, bundle)
    assert [row.interest_minor for row in rows] == [11_92, 11_92, 11_91]
    assert [row.instalment_minor for row in rows] == [445_00, 445_00, 445_75]


def test_flat_interest_leaves_its_rounding_to_the_last_row() -> None:
    rows = plan(1_000_00, Fraction("0.10"), 3, date(2025, 3, 5), None, preset("FLAT"))
    assert [row.interest_minor for row in rows] == [8_33, 8_33, 8_34]


def test_instalments_rounded_up_with_daily_interest() -> None:
    bundle = preset("FRAPPE_TERM")
    rows = plan(75_000_00, Fraction("0.185"), 9, date(2025, 4, 7), None, bundle)
    assert parts(rows)[0] == (7_848_59, 1_140_41)
    assert rows[0].instalment_minor == 8_989_00
    assert rows[-1].instalment_minor == 9_006_50


def test_instalments_to_cents_at_a_twelfth_of_the_rate() -> None:
    rows = plan(8_000_00, Fraction("0.24"), 6, date(2025, 4, 7), None, preset("OPENCBS"))
    assert rows[0].instalment_minor == 1_428_21


def test_part_of_a_month_counts_its_days_over_360() -> None:
    bundle = replace(preset("OPENCBS"), instalment=Instalment.BULLET)
    rows = plan(8_000_00, Fraction("0.24"), 1, date(2025, 4, 7), date(2025, 4, 18), bundle)
    assert rows[0].interest_minor == 58_67


def test_two_weeks_count_their_days_over_360() -> None:
    rows = plan(
        500_00,
        Fraction("0.13"),
        1,
        date(2025, 4, 7),
        None,
        preset("FINERACT_PROGRESSIVE"),
        frequency=Frequency(2, Every.WEEKS),
    )
    assert rows[0].interest_minor == 2_53


def test_equal_principal_leaves_the_rest_to_the_last_row() -> None:
    rows = plan(1_000_00, Fraction(0), 7, date(2025, 3, 5), None, preset("EQUAL_PRINCIPAL"))
    assert [row.principal_minor for row in rows] == [142_86] * 6 + [142_84]


def test_a_bullet_pays_interest_alone_until_the_end() -> None:
    rows = plan(1_000_00, Fraction("0.30"), 3, date(2025, 3, 5), None, preset("BULLET"))
    assert parts(rows) == [(0, 25_00), (0, 25_00), (1_000_00, 25_00)]


def test_a_promotion_charges_nothing_in_its_first_rows() -> None:
    rows = plan(1_200_00, Fraction("0.12"), 6, date(2025, 3, 5), None, preset("PROMO"))
    assert [row.interest_minor for row in rows[:3]] == [0, 0, 0]
    assert all(row.interest_minor > 0 for row in rows[3:])


def test_a_down_payment_is_the_row_of_day_zero() -> None:
    start = date(2025, 3, 5)
    rows = plan(400_00, Fraction(0), 3, start, None, preset("DOWN_PAYMENT"))
    assert rows[0].due_date == start
    assert parts(rows) == [(100_00, 0)] * 4
    assert [row.nr for row in rows] == [1, 2, 3, 4]


def test_the_broken_part_is_added_spread_or_left_out() -> None:
    added = replace(preset("FRAPPE_TERM"), first_period=FirstPeriod.ADDED_TO_FIRST)
    terms = (50_000_00, Fraction("0.13"), 10, date(2025, 3, 1), date(2025, 4, 6))
    regular = plan(*terms, replace(added, first_period=FirstPeriod.DEDUCTED_UP_FRONT))
    first = plan(*terms, added)
    assert first[0].interest_minor - regular[0].interest_minor == 89_04
    shared = plan(*terms, replace(added, first_period=FirstPeriod.SPREAD))
    more = [s.interest_minor - r.interest_minor for s, r in zip(shared, regular, strict=True)]
    assert more == [8_90] * 9 + [8_94]


def test_a_fixed_instalment_runs_until_the_loan_is_cleared() -> None:
    bundle = replace(preset("FINERACT_PROGRESSIVE"), instalment=Instalment.FIXED)
    rows = plan(
        100_00,
        Fraction(0),
        12,
        date(2025, 3, 5),
        None,
        bundle,
        fixed_instalment_minor=30_00,
    )
    assert [row.principal_minor for row in rows] == [30_00, 30_00, 30_00, 10_00]


def test_each_row_may_start_from_the_annuity_of_its_own_balance() -> None:
    bundle = replace(preset("OPENCBS"), instalment=Instalment.ANNUITY_EACH_ROW)
    rows = plan(250_00, Fraction("0.24"), 4, date(2025, 3, 5), None, bundle)
    assert parts(rows) == [(60_66, 5_00), (61_86, 3_79), (63_11, 2_55), (64_37, 1_29)]


def test_a_weekend_moves_the_day_of_payment_with_or_without_its_interest() -> None:
    start, saturday = date(2025, 6, 30), date(2025, 8, 30)
    base = replace(preset("FINERACT_PROGRESSIVE"), day_count=DayCount.ACT_365)
    terms = (1_000_00, Fraction("0.10"), 2, start, None)
    unmoved = plan(*terms, replace(base, weekend=Weekend.FORWARD_INTEREST_UNMOVED))
    assert (unmoved[1].due_date, unmoved[1].pay_on) == (saturday, date(2025, 9, 1))
    moved = plan(*terms, replace(base, weekend=Weekend.FORWARD_WITH_INTEREST))
    assert moved[1].due_date == date(2025, 9, 1)
    assert moved[1].interest_minor > unmoved[1].interest_minor


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (MonthEnd.CLAMP, [(2, 28), (3, 28), (4, 28)]),
        (MonthEnd.CLAMP_AND_RETURN, [(2, 28), (3, 31), (4, 30)]),
        (MonthEnd.ROLL_FORWARD, [(3, 1), (3, 31), (5, 1)]),
    ],
)
def test_a_day_that_a_month_lacks(rule: MonthEnd, expected: list[tuple[int, int]]) -> None:
    bundle = replace(preset("ZERO_RATE"), month_end=rule)
    rows = plan(300_00, Fraction(0), 3, date(2025, 1, 31), None, bundle)
    assert [(row.due_date.month, row.due_date.day) for row in rows] == expected


def test_an_instalment_below_its_interest_is_refused() -> None:
    bundle = replace(preset("FINERACT_PROGRESSIVE"), instalment=Instalment.FIXED)
    with pytest.raises(NotCovered, match="does not cover the interest"):
        plan(
            1_000_00,
            Fraction("0.24"),
            12,
            date(2025, 3, 5),
            None,
            bundle,
            fixed_instalment_minor=10_00,
        )


def test_an_unknown_preset_has_no_bundle() -> None:
    with pytest.raises(KeyError):
        preset("ANYTHING")


@given(
    name=st.sampled_from(sorted(set(PRESETS) - {"FRAPPE_LINE"})),
    principal_minor=st.integers(500_00, 10**9),
    rate_e4=st.integers(0, 3600),
    periods=st.integers(1, 60),
    start=st.dates(date(2020, 1, 1), date(2032, 12, 31)),
    gap=st.integers(0, 20),
)
def test_every_schedule_repays_the_principal_and_no_part_is_negative(
    name: str, principal_minor: int, rate_e4: int, periods: int, start: date, gap: int
) -> None:
    bundle = preset(name)
    first_due = (
        start + timedelta(days=30 + gap) if bundle.instalment is not Instalment.FLAT else None
    )
    terms = (principal_minor, Fraction(rate_e4, 10_000), periods, start, first_due)
    rows = rows_or_none(*terms, bundle)
    assume(rows is not None)
    assert rows is not None
    assert sum(row.principal_minor for row in rows) == principal_minor
    assert rows[-1].balance_minor == 0
    assert all(row.principal_minor >= 0 and row.interest_minor >= 0 for row in rows)
    due = [row.due_date for row in rows]
    assert due == sorted(set(due))
    balances = [principal_minor, *(row.balance_minor for row in rows)]
    assert all(
        a - row.principal_minor == b
        for a, row, b in zip(balances, rows, balances[1:], strict=False)
    )


@given(
    principal_minor=st.integers(100_00, 10**9),
    rate_e4=st.integers(1, 3600),
    periods=st.integers(2, 60),
)
def test_the_iterated_last_row_is_within_half_a_cent_per_row_or_as_near_as_one_step_gets(
    principal_minor: int, rate_e4: int, periods: int
) -> None:
    terms = (principal_minor, Fraction(rate_e4, 10_000), periods, date(2025, 1, 10), None)
    bundle: Conventions = preset("FINERACT_PROGRESSIVE")
    gaps = []
    for rule in (LastRow.ITERATED, LastRow.DIFFERENCE):
        rows = plan(*terms, replace(bundle, last_row=rule))
        gaps.append(abs(rows[-1].instalment_minor - rows[0].instalment_minor))
    assert gaps[0] <= gaps[1]
