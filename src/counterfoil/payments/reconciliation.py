"""Three-way reconciliation: what we ordered, what the rail says it did, what the books hold.

Returns     Money that came back is a difference until two people have resolved it and the books
            have taken note; the rail's fee is one where it asks another than was booked.
Invariant   Every order, every line and every booking is either matched in all three or named in a
            difference; matched plus differing amounts sum to each side's total.
Units       Minor units, one currency per rail and ledger; a line's currency is part of the match.
Pure        The three sides are passed in as values; nothing here knows where the books are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from counterfoil.payments.order import reference_of
from counterfoil.payments.rail import PaymentStatus
from counterfoil.payments.statement import LineKind, StatementLine

#: Upper bounds of the ages, in days, by which open differences are shown.
AGE_DAYS: Final = (1, 3, 7, 30)


class DifferenceCause(StrEnum):
    """In which way the three sides disagree."""

    MISSING_ON_STATEMENT = "missing_on_statement"
    UNKNOWN_ON_STATEMENT = "unknown_on_statement"
    TWICE_ON_STATEMENT = "twice_on_statement"
    STATEMENT_AMOUNT_DIFFERS = "statement_amount_differs"
    PAID_THOUGH_FAILED = "paid_though_failed"
    PAID_THOUGH_OPEN = "paid_though_open"
    RETURNED_BY_RAIL = "returned_by_rail"
    MISSING_IN_LEDGER = "missing_in_ledger"
    LEDGER_WITHOUT_ORDER = "ledger_without_order"
    LEDGER_AMOUNT_DIFFERS = "ledger_amount_differs"
    FEE_DIFFERS = "fee_differs"


@dataclass(frozen=True, slots=True)
class OrderSide:
    """One payout as payments knows it."""

    customer_id: int
    payment_id: int
    amount_minor: int
    currency: str
    status: PaymentStatus
    #: What came back by two people's word, and the books have taken note of.
    returned_minor: int = 0
    #: What the rail's fee was booked with.
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class LedgerSide:
    """One payout as the books hold it; it bears the number of its loan or credit return."""

    customer_id: int
    payment_id: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One disagreement, with what each side says; None where a side says nothing."""

    #: 0 where the reference is not of an order of ours.
    customer_id: int
    reference: str
    cause: DifferenceCause
    order_minor: int | None = None
    statement_minor: int | None = None
    ledger_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one comparison found."""

    matched_count: int
    matched_minor: int
    #: In the order of their references.
    differences: Sequence[Difference]


@dataclass(slots=True)
class _Lines:
    """The statement's lines under one reference, kept apart by direction."""

    paid: list[StatementLine] = field(default_factory=list)
    returned: list[StatementLine] = field(default_factory=list)
    fees: list[StatementLine] = field(default_factory=list)

    def add(self, line: StatementLine) -> None:
        """Put a line where it belongs."""
        match line.kind:
            case LineKind.PAID:
                self.paid.append(line)
            case LineKind.RETURNED:
                self.returned.append(line)
            case LineKind.FEE:
                self.fees.append(line)
            case LineKind.RECEIVED | LineKind.RECALLED:
                raise AssertionError("money that came in is placed, not reconciled with orders")


def reconcile(
    orders: Iterable[OrderSide],
    lines: Iterable[StatementLine],
    bookings: Iterable[LedgerSide],
) -> Reconciliation:
    """Match the three sides by our reference and name every disagreement by its cause."""
    by_reference = _lines_by_reference(lines)
    booked = {reference_of(booking.payment_id): booking for booking in bookings}
    known: dict[str, OrderSide] = {reference_of(order.payment_id): order for order in orders}
    matched_count = matched_minor = 0
    differences: list[Difference] = []
    for reference, order in known.items():
        found = _compare(reference, order, by_reference.get(reference), booked.get(reference))
        differences += found
        if not found and order.status is PaymentStatus.SUCCEEDED:
            matched_count += 1
            matched_minor += order.amount_minor
    differences += _strangers(known, by_reference, booked)
    differences.sort(key=lambda difference: (difference.reference, difference.cause))
    return Reconciliation(matched_count, matched_minor, differences)


def ages(first_seen: Iterable[date], today: date) -> Mapping[str, int]:
    """Return how many open differences there are by age in days, youngest first."""
    labels = [f"up to {days}" for days in AGE_DAYS] + [f"over {AGE_DAYS[-1]}"]
    counts = dict.fromkeys(labels, 0)
    for seen in first_seen:
        age = (today - seen).days
        older_than = sum(age > days for days in AGE_DAYS)
        counts[labels[older_than]] += 1
    return counts


def _lines_by_reference(lines: Iterable[StatementLine]) -> dict[str, _Lines]:
    grouped: dict[str, _Lines] = {}
    for line in lines:
        grouped.setdefault(line.reference, _Lines()).add(line)
    return grouped


def _compare(
    reference: str, order: OrderSide, lines: _Lines | None, booking: LedgerSide | None
) -> list[Difference]:
    """Return what is wrong with one order; nothing for one that agrees on all three sides."""
    lines = lines or _Lines()
    causes = [*_statement_causes(order, lines), *_ledger_causes(order, booking)]
    if lines.paid and sum(line.amount_minor for line in lines.fees) != order.fee_minor:
        causes.append(DifferenceCause.FEE_DIFFERS)
    return [
        Difference(
            customer_id=order.customer_id,
            reference=reference,
            cause=cause,
            order_minor=order.amount_minor,
            statement_minor=_net_minor(lines),
            ledger_minor=None if booking is None else booking.amount_minor,
        )
        for cause in causes
    ]


def _statement_causes(order: OrderSide, lines: _Lines) -> Iterable[DifferenceCause]:
    if not lines.paid:
        if order.status is PaymentStatus.SUCCEEDED:
            yield DifferenceCause.MISSING_ON_STATEMENT
        return
    if len(lines.paid) > 1:
        yield DifferenceCause.TWICE_ON_STATEMENT
    line = lines.paid[0]
    if (line.amount_minor, line.currency) != (order.amount_minor, order.currency):
        yield DifferenceCause.STATEMENT_AMOUNT_DIFFERS
    if order.status is PaymentStatus.FAILED:
        # Out and back again on the same books is how a failure may look; out alone is not.
        if not lines.returned:
            yield DifferenceCause.PAID_THOUGH_FAILED
    elif order.status is not PaymentStatus.SUCCEEDED:
        yield DifferenceCause.PAID_THOUGH_OPEN
    elif sum(line.amount_minor for line in lines.returned) != order.returned_minor:
        yield DifferenceCause.RETURNED_BY_RAIL


def _ledger_causes(order: OrderSide, booking: LedgerSide | None) -> Iterable[DifferenceCause]:
    if order.status is PaymentStatus.SUCCEEDED:
        if booking is None:
            yield DifferenceCause.MISSING_IN_LEDGER
        elif booking.amount_minor != order.amount_minor:
            yield DifferenceCause.LEDGER_AMOUNT_DIFFERS
    elif booking is not None:
        yield DifferenceCause.LEDGER_WITHOUT_ORDER


def _strangers(
    known: Mapping[str, OrderSide],
    by_reference: Mapping[str, _Lines],
    booked: Mapping[str, LedgerSide],
) -> list[Difference]:
    """Return what the statement or the books hold and nobody ordered."""
    on_statement = [
        Difference(
            customer_id=0,
            reference=reference,
            cause=DifferenceCause.UNKNOWN_ON_STATEMENT,
            statement_minor=_net_minor(lines),
        )
        for reference, lines in by_reference.items()
        if reference not in known
    ]
    in_ledger = [
        Difference(
            customer_id=booking.customer_id,
            reference=reference,
            cause=DifferenceCause.LEDGER_WITHOUT_ORDER,
            ledger_minor=booking.amount_minor,
        )
        for reference, booking in booked.items()
        if reference not in known
    ]
    return on_statement + in_ledger


def _net_minor(lines: _Lines) -> int | None:
    """Return what left by the statement and did not come back; None where it says nothing."""
    if not lines.paid and not lines.returned:
        return None
    paid = sum(line.amount_minor for line in lines.paid)
    return paid - sum(line.amount_minor for line in lines.returned)
