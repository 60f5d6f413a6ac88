"""What earlier rows still owe when payments are pooled and settle the oldest row first.

Units       Minor units.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from counterfoil.lending.conventions.schedule import Row
from counterfoil.lending.conventions.settings import AllocationOrder, NotCovered


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment with its value date."""

    on: date
    amount_minor: int


def paid_until(payments: Iterable[Paid], on: date) -> int:
    """Return the payments with value date up to and including the day."""
    return sum(one.amount_minor for one in payments if one.on <= on)


def advance_after(rows: Sequence[Row], pool_minor: int) -> int:
    """Return the payments beyond everything the rows ask for."""
    return max(0, pool_minor - sum(row.instalment_minor for row in rows))


def owed_after(rows: Sequence[Row], pool_minor: int) -> int:
    """Return principal and interest the rows still owe after a pool of payments."""
    return max(0, sum(row.instalment_minor for row in rows) - pool_minor)


def principal_owed_after(rows: Sequence[Row], pool_minor: int, order: AllocationOrder) -> int:
    """Return the principal the rows still owe after a pool of payments, oldest row first."""
    unpaid = 0
    for row in rows:
        settled = min(pool_minor, row.instalment_minor)
        pool_minor -= settled
        unpaid += row.principal_minor - _principal_part(row, settled, order)
    return unpaid


def _principal_part(row: Row, settled_minor: int, order: AllocationOrder) -> int:
    """Return how much of a payment on a row is principal."""
    if settled_minor in {0, row.instalment_minor}:
        return row.principal_minor if settled_minor else 0
    if order is AllocationOrder.ADVANCED and row.interest_minor:
        raise NotCovered("part of an instalment paid: interest or principal first is not stated")
    return max(0, settled_minor - row.interest_minor)
