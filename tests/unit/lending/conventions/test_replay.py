"""A loan is the fold of its events: order of entry, reversal, restructuring and sold loans."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.book import Book, Part, TransactionKind
from counterfoil.lending.conventions.due_dates import MONTHLY
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.replay import replay
from counterfoil.lending.conventions.settings import (
    AllocationOrder,
    Conventions,
    Instalment,
    NotCovered,
    Prepayment,
)
from counterfoil.lending.conventions.terms import (
    ChargeAdded,
    ChargedOff,
    ChargeKind,
    DayClosed,
    Draw,
    Event,
    LateFee,
    LoanTerms,
    Paused,
    ReAged,
    ReAmortised,
    Repayment,
    Rescheduled,
    Rest,
    Reversal,
)
from counterfoil.lending.conventions.transfer import Account, Transfer, TransferKind, journals_of

START = date(2025, 5, 1)
CUMULATIVE = replace(
    preset("FINERACT_CUMULATIVE"),
    instalment=Instalment.ANNUITY_OF_30_365,
    instalment_unit_minor=1,
)


def terms(
    bundle: Conventions, rate: str = "0", principal_minor: int = 900_00, count: int = 3
) -> LoanTerms:
    return LoanTerms(
        principal_minor=principal_minor,
        rate_annual=Fraction(rate),
        periods=count,
        start=START,
        conventions=bundle,
    )


def on(day: int, month: int = 5) -> date:
    return date(2025, month, day)


def drawn(amount_minor: int = 900_00) -> Draw:
    return Draw(entered_on=START, value_date=START, amount_minor=amount_minor)


def paid(amount_minor: int, day: date, entered: date | None = None) -> Repayment:
    return Repayment(entered_on=entered or day, value_date=day, amount_minor=amount_minor)


def closed(day: date) -> DayClosed:
    return DayClosed(entered_on=day, value_date=day)


def state(book: Book) -> object:
    """Return everything of a book but the audit trail."""
    standing = [t for t in book.transactions if not t.reversed]
    trail = [(t.kind, t.on, t.amount_minor, t.parts, t.balance_minor) for t in standing]
    return book.rows, book.draws, book.overpaid_minor, trail


def test_a_reversal_restores_the_state_before() -> None:
    events: list[Event] = [drawn(), paid(250_00, on(20)), paid(100_00, on(25))]
    loan = terms(preset("ZERO_RATE"))
    taken_back = [*events, Reversal(entered_on=on(26), value_date=on(26), nth=2)]
    assert state(replay(loan, taken_back)) == state(replay(loan, events[:2]))
    reversed_ones = [t for t in replay(loan, taken_back).transactions if t.reversed]
    assert [t.amount_minor for t in reversed_ones] == [100_00]


def test_a_payment_entered_late_shifts_those_after_it_and_marks_them() -> None:
    loan = terms(preset("ZERO_RATE"), principal_minor=300_00, count=1)
    events = [drawn(300_00), paid(200_00, on(20)), paid(150_00, on(10), entered=on(21))]
    book = replay(loan, events)
    repaid = [t for t in book.transactions if t.kind is TransactionKind.REPAYMENT]
    assert [(t.on, t.parts[Part.PRINCIPAL]) for t in repaid] == [
        (on(10), 150_00),
        (on(20), 150_00),
    ]
    assert [t.replayed for t in repaid] == [False, True]
    assert book.overpaid_minor == 50_00


payments = st.lists(
    st.tuples(st.integers(0, 100), st.integers(1, 400_00)),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
)


@given(payments, st.randoms(use_true_random=False), st.sampled_from(["FLAT", "ZERO_RATE"]))
def test_the_order_of_entry_does_not_matter(
    pairs: list[tuple[int, int]], chance: object, name: str
) -> None:
    loan = terms(preset(name), rate="0.12")
    made: list[Event] = [
        paid(amount, START + timedelta(days=days), entered=START + timedelta(days=200))
        for days, amount in pairs
    ]
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert state(replay(loan, [drawn(), *made])) == state(replay(loan, [drawn(), *shuffled]))


@given(payments)
def test_what_is_paid_is_either_in_a_row_or_kept_for_the_customer(
    pairs: list[tuple[int, int]],
) -> None:
    loan = terms(preset("FLAT"), rate="0.12")
    made = [paid(amount, START + timedelta(days=days)) for days, amount in pairs]
    book = replay(loan, [drawn(), *made])
    in_rows = sum(row.paid_minor for row in book.rows)
    assert in_rows + book.overpaid_minor == sum(amount for _, amount in pairs)
    assert all(row.in_advance_minor + row.late_minor <= row.paid_minor for row in book.rows)


def recalculated(
    events: Sequence[Event], rest: Rest = Rest.DAILY, bundle: Conventions = CUMULATIVE
) -> Book:
    loan = replace(terms(bundle, rate="0.12", principal_minor=3_000_00, count=4), rest=rest)
    return replay(loan, [drawn(3_000_00), *events])


def test_without_payments_recalculation_changes_nothing() -> None:
    fixed = recalculated([], rest=Rest.FIXED)
    assert recalculated([]).rows == fixed.rows
    assert recalculated([], rest=Rest.PERIOD).rows == fixed.rows


def test_an_early_payment_lowers_interest_from_its_day_or_from_the_end_of_its_period() -> None:
    plain = recalculated([]).rows
    early = [paid(100_00, on(21))]
    by_day = recalculated(early).rows
    days_left, cents = 11, Fraction(100_00) * Fraction(12, 100) / 365
    saved = plain[0].interest_minor - by_day[0].interest_minor
    assert abs(saved - days_left * cents) <= 1
    assert recalculated(early, rest=Rest.PERIOD).rows[0].interest_minor == plain[0].interest_minor


def test_more_than_the_instalment_lowers_the_instalments_or_their_number() -> None:
    plain = recalculated([]).rows
    more = [paid(plain[0].due_minor + 1_000_00, plain[0].due_date)]
    lowered = recalculated(more).rows
    assert len(lowered) == len(plain)
    assert lowered[1].due_minor < plain[1].due_minor
    fewer = recalculated(more, bundle=replace(CUMULATIVE, prepayment=Prepayment.REDUCE_TERM)).rows
    assert len(fewer) == len(plain) - 1
    assert fewer[1].due_minor == plain[1].due_minor


def test_more_than_an_instalment_before_its_due_date_is_refused() -> None:
    with pytest.raises(NotCovered):
        recalculated([paid(2_000_00, on(20))])


def test_delay_costs_interest_in_the_period_of_the_calculation() -> None:
    plain = recalculated([]).rows
    late = recalculated([paid(plain[0].due_minor, on(11, 6))]).rows
    cents = Fraction(plain[0].principal_minor) * Fraction(12, 100) / 365
    assert abs(late[1].interest_minor - plain[1].interest_minor - 10 * cents) <= 1
    assert late[0].late_minor == plain[0].due_minor


def test_late_fees_come_once_per_overdue_row_on_its_own_date() -> None:
    fee = LateFee(share=Fraction(2, 100), on_interest_too=True)
    loan = replace(terms(preset("FLAT"), rate="0.12"), late_fee=fee)
    book = replay(loan, [drawn(), closed(on(15, 7)), closed(on(16, 7))])
    assert [(c.due_date, c.amount_minor) for c in book.charges] == [
        (on(1, 6), 6_18),
        (on(1, 7), 6_18),
    ]


def test_accruals_of_daily_interest_sum_to_the_interest_of_the_days() -> None:
    loan = terms(CUMULATIVE, rate="0.12", principal_minor=1_000_00, count=1)
    closes = [closed(on(day)) for day in (2, 3, 4)]
    book = replay(loan, [drawn(1_000_00), *closes])
    accrued = [t for t in book.transactions if t.kind is TransactionKind.ACCRUAL]
    assert [(t.on, t.amount_minor) for t in accrued] == [(on(2), 33), (on(3), 33)]


def test_a_charge_off_records_what_is_owed_and_ends_accrual() -> None:
    loan = terms(CUMULATIVE, rate="0.12", principal_minor=1_000_00, count=1)
    off = ChargedOff(entered_on=on(3), value_date=on(3))
    book = replay(loan, [drawn(1_000_00), off, closed(on(9))])
    kinds = [t.kind for t in book.transactions]
    assert kinds == [TransactionKind.DISBURSEMENT, TransactionKind.CHARGE_OFF]
    assert book.transactions[-1].amount_minor == book.outstanding_minor


def test_re_ageing_keeps_what_is_outstanding_and_clears_the_delay() -> None:
    event = ReAged(
        entered_on=on(20, 8),
        value_date=on(20, 8),
        first_due=on(1, 9),
        frequency=MONTHLY,
        rows=4,
    )
    book = replay(terms(preset("ZERO_RATE")), [drawn(), paid(250_00, on(20)), event])
    assert book.outstanding_minor == 650_00
    assert [row.principal_minor for row in book.rows[3:]] == [162_50] * 4
    assert not [r for r in book.rows if r.outstanding_minor and r.due_date < on(20, 8)]


def test_re_amortising_spreads_what_is_overdue_over_the_rows_to_come() -> None:
    event = ReAmortised(entered_on=on(10, 6), value_date=on(10, 6))
    book = replay(terms(preset("ZERO_RATE")), [drawn(), event])
    assert [row.principal_minor for row in book.rows] == [0, 450_00, 450_00]


def test_money_dated_before_a_restructuring_is_refused() -> None:
    event = ReAmortised(entered_on=on(10, 6), value_date=on(10, 6))
    backdated = paid(100_00, on(20), entered=on(11, 6))
    with pytest.raises(NotCovered):
        replay(terms(preset("ZERO_RATE")), [drawn(), event, backdated])


@pytest.mark.parametrize(
    ("change", "due", "principal_minor"),
    [
        ({"to_due": on(20, 7)}, [on(1, 6), on(20, 7), on(20, 8)], [300_00] * 3),
        (
            {"rows_added": 1},
            [on(1, 6), on(1, 7), on(1, 8), on(1, 9)],
            [300_00, 200_00, 200_00, 200_00],
        ),
    ],
)
def test_a_reschedule_moves_dates_or_adds_rows(
    change: dict[str, object], due: list[date], principal_minor: list[int]
) -> None:
    event = Rescheduled(entered_on=on(5), value_date=on(5), from_due=on(1, 7), **change)  # type: ignore[arg-type]
    book = replay(terms(preset("ZERO_RATE")), [drawn(), event])
    assert [row.due_date for row in book.rows] == due
    assert [row.principal_minor for row in book.rows] == principal_minor
    assert all(a.due_date == b.start_date for a, b in pairwise(book.rows))


def test_a_charge_outside_the_loan_is_refused() -> None:
    charge = ChargeAdded(
        entered_on=on(5),
        value_date=on(5),
        kind=ChargeKind.FEE,
        due_date=on(1, 12),
        amount_minor=5_00,
    )
    with pytest.raises(NotCovered):
        replay(terms(preset("ZERO_RATE")), [drawn(), charge])


def test_a_pause_by_day_is_refused_under_fixed_rows_but_not_where_nothing_is_charged() -> None:
    flat = replace(preset("FLAT"), allocation=AllocationOrder.DUE_FIRST)
    pause = Paused(entered_on=on(5), value_date=on(5), first=on(5), last=on(9))
    with pytest.raises(NotCovered):
        replay(terms(flat, rate="0.12"), [drawn(), pause])
    assert replay(terms(flat), [drawn(), pause]).rows == replay(terms(flat), [drawn()]).rows


def test_a_sold_loan_comes_back_by_what_is_still_owed() -> None:
    loan = terms(preset("ZERO_RATE"), count=1)
    sale = Transfer(
        entered_on=on(2), value_date=on(2), kind=TransferKind.SALE, settlement_date=on(8)
    )
    back = replace(sale, kind=TransferKind.BUYBACK, settlement_date=on(14))
    events = [drawn(), sale, closed(on(8)), closed(on(9)), paid(200_00, on(10)), back]
    journals = journals_of(loan, [*events, closed(on(15))])
    assert [(e.account, e.amount_minor) for e in journals.owner] == [
        (Account.LOANS, 900_00),
        (Account.LOANS, -200_00),
        (Account.SUSPENSE, 200_00),
        (Account.LOANS, -700_00),
    ]
    assert sum(entry.amount_minor for entry in journals.transfer) == 0


def test_a_day_count_without_its_own_rule_is_named_in_the_refusal() -> None:
    bundle = replace(CUMULATIVE, day_count=DayCount.MONTH_12)
    with pytest.raises(NotCovered, match="between due dates"):
        recalculated([paid(100_00, on(21))], bundle=bundle)
