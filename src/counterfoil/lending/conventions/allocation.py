"""The order in which a payment extinguishes what is owed, cell by cell.

Invariant   What the cells take and what is left over sum to the payment; no cell takes more than
            it owes; a charge counts as due from its own due date on.
Units       Minor units.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import assert_never

from counterfoil.lending.conventions.book import BookRow, Part
from counterfoil.lending.conventions.settings import AllocationOrder, NotCovered, Prepayment

#: Per instalment, oldest first.
ROW_ORDER = (Part.PENALTY, Part.FEE, Part.INTEREST, Part.PRINCIPAL)
#: What is paid before it is due goes to principal first.
ADVANCE_ORDER = (Part.PRINCIPAL, Part.PENALTY, Part.FEE, Part.INTEREST)


@dataclass(slots=True)
class Allocation:
    """How much of one payment went to each part, and what no cell could take."""

    left_minor: int
    parts: dict[Part, int] = field(default_factory=lambda: dict.fromkeys(Part, 0))

    def take(self, row: BookRow, part: Part, on: date, *, charges_due_only: bool = False) -> None:
        """Let one cell take what it can."""
        taken = row.pay(part, self.left_minor, on, charges_due_only=charges_due_only)
        self.parts[part] += taken
        self.left_minor -= taken


def allocate(
    rows: Sequence[BookRow],
    amount_minor: int,
    *,
    on: date,
    order: AllocationOrder,
    excess: Prepayment,
) -> Allocation:
    """Pay an amount on the rows by the order and return where it went."""
    allocation = Allocation(amount_minor)
    match order:
        case AllocationOrder.PENALTY_FEE_INTEREST_PRINCIPAL:
            _row_by_row(allocation, rows, on)
        case AllocationOrder.DUE_FIRST:
            _due_first(allocation, rows, on)
        case AllocationOrder.ADVANCED:
            _advanced(allocation, rows, on, excess)
        case AllocationOrder.COMMISSION_PENALTY_THEN_ROWS:
            _penalties_then_rows(allocation, rows, on)
        case AllocationOrder.INTEREST_FIRST_LINE:
            _interest_then_principal(allocation, rows, on)
        case _:
            assert_never(order)
    assert sum(allocation.parts.values()) + allocation.left_minor == amount_minor
    return allocation


def _row_by_row(allocation: Allocation, rows: Iterable[BookRow], on: date) -> None:
    """Pay each row's penalty, fee, interest and principal before the next row."""
    for row in rows:
        if allocation.left_minor and any(
            c.due_date > on and c.outstanding_minor for c in row.charges
        ):
            raise NotCovered("a charge not yet due, under an order that does not ask for due dates")
        for part in ROW_ORDER:
            allocation.take(row, part, on)


def _due_first(allocation: Allocation, rows: Sequence[BookRow], on: date) -> None:
    """Pay all that is due, row by row; then in advance, principal first."""
    for row in rows:
        if row.due_date <= on:
            for part in ROW_ORDER:
                allocation.take(row, part, on)
        else:
            allocation.take(row, Part.PENALTY, on, charges_due_only=True)
            allocation.take(row, Part.FEE, on, charges_due_only=True)
    for row in rows:
        for part in ADVANCE_ORDER:
            allocation.take(row, part, on)


def _advanced(
    allocation: Allocation, rows: Sequence[BookRow], on: date, excess: Prepayment
) -> None:
    """Pay what is due; the excess goes to the next or to the last rows."""
    for row in rows:
        if row.due_date <= on:
            _pay_due_row(allocation, row, on)
    coming = [row for row in rows if row.due_date > on]
    if not allocation.left_minor or not coming:
        return
    if excess is Prepayment.REAMORTISE:
        _spread_in_advance(allocation, coming, on)
        return
    if excess is Prepayment.LAST_INSTALMENT:
        coming.reverse()
    elif excess is not Prepayment.NEXT_INSTALMENT:
        raise NotCovered(f"an excess under the rule {excess}")
    for row in coming:
        if allocation.left_minor and row.charges:
            raise NotCovered("an excess paid in advance on a row with charges")
        for part in (Part.PENALTY, Part.FEE, Part.PRINCIPAL, Part.INTEREST):
            allocation.take(row, part, on)


def _spread_in_advance(allocation: Allocation, coming: Sequence[BookRow], on: date) -> None:
    """Pay the same part of an excess on the principal of every coming row."""
    each, odd = divmod(allocation.left_minor, len(coming))
    too_much = any(row.outstanding_of(Part.PRINCIPAL) < each for row in coming)
    if odd or too_much or any(row.charges or row.interest_minor for row in coming):
        raise NotCovered("an excess that does not spread evenly over rows of principal alone")
    for row in coming:
        taken = row.pay(Part.PRINCIPAL, each, on, charges_due_only=False)
        allocation.parts[Part.PRINCIPAL] += taken
        allocation.left_minor -= taken


def _pay_due_row(allocation: Allocation, row: BookRow, on: date) -> None:
    """Pay a due row; between its interest and its principal the order has to be stated."""
    allocation.take(row, Part.PENALTY, on)
    allocation.take(row, Part.FEE, on)
    interest, principal = row.outstanding_of(Part.INTEREST), row.outstanding_of(Part.PRINCIPAL)
    if interest and principal and 0 < allocation.left_minor < interest + principal:
        raise NotCovered("part of an instalment paid: interest or principal first is not stated")
    allocation.take(row, Part.INTEREST, on)
    allocation.take(row, Part.PRINCIPAL, on)


def _penalties_then_rows(allocation: Allocation, rows: Sequence[BookRow], on: date) -> None:
    """Pay commission, then accrued penalties, then interest and principal row by row."""
    for part in (Part.FEE, Part.PENALTY):
        for row in rows:
            allocation.take(row, part, on)
    for row in rows:
        allocation.take(row, Part.INTEREST, on)
        allocation.take(row, Part.PRINCIPAL, on)


def _interest_then_principal(allocation: Allocation, rows: Sequence[BookRow], on: date) -> None:
    """Pay the accrued interest of every draw, then principal of the oldest draw."""
    for part in ROW_ORDER:
        for row in rows:
            allocation.take(row, part, on)
