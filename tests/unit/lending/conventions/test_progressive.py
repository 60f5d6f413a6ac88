"""Worked figures of cut periods: own arithmetic; and what draws, pauses and delay must keep."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.due_dates import MONTHLY, date_list, periods_of
from counterfoil.lending.conventions.dues import Paid
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.progressive import Course, payable, rows_under
from counterfoil.lending.conventions.schedule import Row, plan
from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.lending.conventions.terms import Rest

START = date(2025, 5, 1)
PRINCIPAL = 5_000_00
RATE = Fraction("0.12")


def course(
    *,
    start: date = START,
    count: int = 6,
    day_count: DayCount = DayCount.MONTH_12,
    rate: Fraction = RATE,
    draws: tuple[tuple[date, int], ...] | None = None,
    rates: tuple[tuple[date, Fraction], ...] = (),
    pauses: tuple[tuple[date, date], ...] = (),
    payments: tuple[Paid, ...] = (),
    late_until: date | None = None,
    paid_off_on: date | None = None,
    rest: Rest = Rest.FIXED,
) -> Course:
    bundle = replace(preset("FINERACT_PROGRESSIVE"), day_count=day_count)
    periods = periods_of(start, date_list(start, count), MONTHLY)
    return Course(
        conventions=bundle,
        periods=periods,
        periods_agreed=periods,
        rate_annual=rate,
        draws=draws or ((start, PRINCIPAL),),
        rates=rates,
        pauses=pauses,
        payments=payments,
        rest=rest,
        late_until=late_until,
        paid_off_on=paid_off_on,
    )


def test_a_pause_takes_out_the_days_named_from_first_to_last() -> None:
    rows = rows_under(course(pauses=((date(2025, 5, 12), date(2025, 5, 20)),)))
    assert rows[0].interest_minor == 35_48


def test_a_pause_keeps_the_instalment() -> None:
    plain = rows_under(course())
    paused = rows_under(course(pauses=((date(2025, 5, 12), date(2025, 6, 20)),)))
    assert [r.instalment_minor for r in paused[:-1]] == [r.instalment_minor for r in plain[:-1]]
    assert paused[-1].instalment_minor < plain[-1].instalment_minor


def test_a_new_rate_counts_for_the_days_named_on_or_after_its_date() -> None:
    changed = course(
        start=date(2025, 6, 1),
        day_count=DayCount.ACT_365,
        rates=((date(2025, 6, 11), Fraction("0.09")),),
    )
    assert rows_under(changed)[0].interest_minor == 40_68


def test_unpaid_principal_earns_interest_for_the_late_days_alone() -> None:
    late = course(rest=Rest.DAILY, late_until=date(2025, 6, 11))
    plain = rows_under(course())
    rows = rows_under(late)
    more = Fraction(plain[0].principal_minor) * Fraction(12, 1200) * Fraction(10, 30)
    assert rows[1].interest_minor - plain[1].interest_minor in {int(more), int(more) + 1}
    assert rows[1].instalment_minor == plain[1].instalment_minor


def test_a_payment_on_the_due_date_changes_no_row() -> None:
    plain = rows_under(course())
    first = plain[0]
    paid = (Paid(first.due_date, first.instalment_minor),)
    on_time = course(rest=Rest.DAILY, payments=paid, late_until=date(2025, 6, 20))
    assert rows_under(on_time) == plain


def test_a_payment_before_its_due_date_is_refused_where_it_would_change_interest() -> None:
    early = course(rest=Rest.DAILY, payments=(Paid(date(2025, 5, 20), 100_00),))
    with pytest.raises(NotCovered, match="before its due date"):
        rows_under(early)
    assert rows_under(course(payments=(Paid(date(2025, 5, 20), 100_00),))) == rows_under(course())


def test_a_pay_off_pays_interest_to_the_day_and_none_after_it() -> None:
    plain = rows_under(course())
    off = course(
        rest=Rest.DAILY,
        payments=(Paid(plain[0].due_date, plain[0].instalment_minor),),
        paid_off_on=date(2025, 6, 16),
    )
    rows = rows_under(off)
    half = plain[0].balance_minor * Fraction(12, 1200) / 2
    assert rows[1].interest_minor == round(half)
    assert [row.interest_minor for row in rows[2:]] == [0, 0, 0, 0]
    assert sum(row.principal_minor for row in rows) == PRINCIPAL


def test_what_is_payable_grows_from_nothing_to_the_rows_interest() -> None:
    plain = rows_under(course())
    due = plain[0].due_date
    assert payable(course(), due, START) == (PRINCIPAL, plain[0].instalment_minor, 0)
    interests = [payable(course(), due, START + timedelta(days=d))[2] for d in range(32)]
    assert interests == sorted(interests)
    assert interests[-1] == plain[0].interest_minor


def test_a_second_draw_makes_the_instalments_larger_from_its_period_on() -> None:
    plain = rows_under(course())
    drawn = rows_under(course(draws=((START, PRINCIPAL), (date(2025, 6, 10), 1_000_00))))
    assert drawn[0] == plain[0]
    assert drawn[1].instalment_minor > plain[1].instalment_minor
    assert sum(row.principal_minor for row in drawn) == PRINCIPAL + 1_000_00


def test_a_pause_together_with_a_later_draw_is_refused() -> None:
    both = course(
        draws=((START, PRINCIPAL), (date(2025, 6, 10), 1_000_00)),
        pauses=((date(2025, 5, 12), date(2025, 5, 20)),),
    )
    with pytest.raises(NotCovered, match="pause"):
        rows_under(both)


@given(
    principal_minor=st.integers(100_00, 10**8),
    rate_e4=st.integers(1, 3600),
    count=st.integers(1, 36),
    day_count=st.sampled_from([DayCount.MONTH_12, DayCount.ACT_365, DayCount.ACT_ACT_31DEC]),
    start=st.dates(date(2022, 1, 1), date(2028, 12, 31)),
)
def test_without_events_the_rows_are_those_of_the_plan(
    principal_minor: int, rate_e4: int, count: int, day_count: DayCount, start: date
) -> None:
    rate = Fraction(rate_e4, 10_000)
    shaped = course(
        start=start,
        count=count,
        day_count=day_count,
        rate=rate,
        draws=((start, principal_minor),),
    )
    planned: list[Row] = plan(principal_minor, rate, count, start, None, shaped.conventions)
    assert rows_under(shaped) == planned


@given(
    rate_e4=st.integers(1, 3600),
    second=st.integers(1, 150),
    amount_minor=st.integers(1, 10**7),
)
def test_draws_are_always_repaid_in_full(rate_e4: int, second: int, amount_minor: int) -> None:
    on = START + timedelta(days=second)
    shaped = course(rate=Fraction(rate_e4, 10_000), draws=((START, PRINCIPAL), (on, amount_minor)))
    rows = rows_under(shaped)
    assert sum(row.principal_minor for row in rows) == PRINCIPAL + amount_minor
    assert all(row.principal_minor >= 0 and row.interest_minor >= 0 for row in rows)
