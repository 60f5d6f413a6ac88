"""Three sides side by side: every disagreement has a cause, everything else is matched."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.payments.order import reference_of
from counterfoil.payments.rail import PaymentStatus
from counterfoil.payments.reconciliation import (
    DifferenceCause,
    LedgerSide,
    OrderSide,
    ages,
    reconcile,
)
from counterfoil.payments.statement import LineKind, StatementLine

DAY = date(2026, 3, 1)
C = DifferenceCause


def order(status: PaymentStatus = PaymentStatus.SUCCEEDED, amount_minor: int = 500) -> OrderSide:
    return OrderSide(70, 7, amount_minor, "CNY", status)


def line(
    amount_minor: int = 500, kind: LineKind = LineKind.PAID, payment_id: int = 7
) -> StatementLine:
    return StatementLine(reference_of(payment_id), kind, amount_minor, "CNY", DAY, "B1")


BOOKED = LedgerSide(70, 7, 500)
BACK = line(kind=LineKind.RETURNED)


@pytest.mark.parametrize(
    ("orders", "lines", "bookings", "causes"),
    [
        ([order()], [line()], [BOOKED], []),
        ([order(PaymentStatus.FAILED)], [], [], []),
        ([order(PaymentStatus.FAILED)], [line(), BACK], [], []),
        ([order(PaymentStatus.UNKNOWN)], [], [], []),
        ([order()], [], [BOOKED], [C.MISSING_ON_STATEMENT]),
        ([order()], [line()], [], [C.MISSING_IN_LEDGER]),
        ([order()], [line(501)], [BOOKED], [C.STATEMENT_AMOUNT_DIFFERS]),
        ([order()], [line()], [LedgerSide(70, 7, 499)], [C.LEDGER_AMOUNT_DIFFERS]),
        ([order()], [line(), line()], [BOOKED], [C.TWICE_ON_STATEMENT]),
        ([order()], [line(), BACK], [BOOKED], [C.RETURNED_BY_RAIL]),
        ([order(PaymentStatus.FAILED)], [line()], [], [C.PAID_THOUGH_FAILED]),
        ([order(PaymentStatus.UNKNOWN)], [line()], [], [C.PAID_THOUGH_OPEN]),
        ([order(PaymentStatus.FAILED)], [], [BOOKED], [C.LEDGER_WITHOUT_ORDER]),
        ([], [line()], [], [C.UNKNOWN_ON_STATEMENT]),
        ([], [], [BOOKED], [C.LEDGER_WITHOUT_ORDER]),
        ([order()], [], [], [C.MISSING_IN_LEDGER, C.MISSING_ON_STATEMENT]),
    ],
)
def test_each_disagreement_is_named_by_its_cause(
    orders: Sequence[OrderSide],
    lines: Sequence[StatementLine],
    bookings: Sequence[LedgerSide],
    causes: Sequence[DifferenceCause],
) -> None:
    found = reconcile(orders, lines, bookings)
    assert [difference.cause for difference in found.differences] == causes
    agreed = not causes and orders[0].status is PaymentStatus.SUCCEEDED
    assert (found.matched_count, found.matched_minor) == ((1, 500) if agreed else (0, 0))


def test_a_difference_says_what_each_side_says() -> None:
    (found,) = reconcile([order()], [line(501)], [BOOKED]).differences
    assert (found.customer_id, found.reference) == (70, reference_of(7))
    assert (found.order_minor, found.statement_minor, found.ledger_minor) == (500, 501, 500)
    (stranger,) = reconcile([], [line()], []).differences
    assert (stranger.customer_id, stranger.order_minor, stranger.statement_minor) == (0, None, 500)


@given(
    st.dictionaries(st.integers(1, 50), st.integers(1, 10**9), max_size=20),
    st.dictionaries(st.integers(1, 50), st.integers(1, 10**9), max_size=20),
    st.dictionaries(st.integers(1, 50), st.integers(1, 10**9), max_size=20),
)
def test_every_payment_is_matched_or_named(
    ordered: dict[int, int], stated: dict[int, int], booked: dict[int, int]
) -> None:
    found = reconcile(
        [OrderSide(n, n, a, "CNY", PaymentStatus.SUCCEEDED) for n, a in ordered.items()],
        [line(a, payment_id=n) for n, a in stated.items()],
        [LedgerSide(n, n, a) for n, a in booked.items()],
    )
    named = {difference.reference for difference in found.differences}
    everything = {reference_of(n) for n in ordered.keys() | stated.keys() | booked.keys()}
    agreeing = {n for n, a in ordered.items() if stated.get(n) == a == booked.get(n)}
    assert named == everything - {reference_of(n) for n in agreeing}
    assert found.matched_count == len(agreeing)
    assert found.matched_minor == sum(ordered[n] for n in agreeing)


def test_differences_age_by_days() -> None:
    seen = [DAY - timedelta(days=days) for days in (0, 1, 2, 3, 4, 7, 8, 30, 31, 400)]
    assert list(ages(seen, DAY).items()) == [
        ("up to 1", 2),
        ("up to 3", 2),
        ("up to 7", 2),
        ("up to 30", 2),
        ("over 30", 2),
    ]
