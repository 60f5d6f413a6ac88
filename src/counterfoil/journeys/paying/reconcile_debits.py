"""Three-way reconciliation of auto-debits: presented, collected by the bank, and booked.

As for payouts: the same comparison, the same differences with their ages, by our reference. What
was collected stands on the bank's statement of debits; what was booked came in at the bank's
account by the transactions of the debit, less what took them back by hand. What the bank took back,
and the books have taken note of, is a return on all three sides.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.paying.collect_debits import booking_key, debit_of_key
from counterfoil.journeys.paying.reconcile import (
    DayReconciliation,
    Sides,
    open_rows,
    reconcile_sides,
)
from counterfoil.kernel.errors import Refused
from counterfoil.ledger import store as ledger
from counterfoil.lending.debit_booking_store import debit_bookings
from counterfoil.payments import debit_store, reconciliation_store
from counterfoil.payments.debit import DebitStatus
from counterfoil.payments.debit_relay import DebitRelay
from counterfoil.payments.order import payment_id_of, reference_of
from counterfoil.payments.rail import PaymentStatus
from counterfoil.payments.reconciliation import LedgerSide, OrderSide
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Row

#: Days made up for in one go.
DAYS_AT_ONCE: Final = 10


async def reconcile_debits(house: House, *, rail: str, on: date) -> DayReconciliation | Refused:
    """Reconcile one business date of debits; keep what differs, clear what no longer does."""
    return await reconcile_sides(house, _read_sides, rail=rail, on=on)


async def reconcile_closed_debits(house: House, relay: DebitRelay) -> int:
    """Fetch the statements of days that are over and reconcile them; return how many."""
    last, rail = await house.business_date() - timedelta(days=1), relay.rail_name
    async with house.database.connection() as connection:
        before = await reconciliation_store.last_reconciled(connection, rail=rail)
    day = last if before is None else before + timedelta(days=1)
    done = 0
    while day <= last and done < DAYS_AT_ONCE:
        taken = await relay.take_statement(day)
        if taken is None or isinstance(taken, Refused):
            break
        found = await reconcile_debits(house, rail=rail, on=day)
        assert isinstance(found, DayReconciliation), "its statement was just taken"
        done += 1
        day += timedelta(days=1)
    return done


async def _read_sides(connection: Connection, *, rail: str, on: date) -> Sides:
    """Read what concerns a day, with every debit and reference still in question."""
    in_question = [row for row in await open_rows(connection) if row["rail"] == rail]
    references = [row["reference"] for row in in_question]
    numbers = [number for name in references if (number := payment_id_of(name)) is not None]
    rows = await debit_store.debits_of_day(connection, rail=rail, day=on, debit_ids=numbers)
    orders = [
        OrderSide(
            row["customer_id"],
            row["debit_id"],
            row["amount_minor"],
            row["currency"],
            _status(DebitStatus(row["status"])),
            # On the statement of the day on which the bank took it back, and on none before.
            returned_minor=row["amount_minor"] if _is_back(row, on) else 0,
        )
        for row in rows
    ]
    named = [*references, *(reference_of(order.payment_id) for order in orders)]
    _, lines = await reconciliation_store.sides_of_day(
        connection, rail=rail, day=on, references=named
    )
    undone = {
        (row["customer_id"], row["debit_id"]): row["amount_minor"]
        for row in rows
        if row["bounce_booked_at"] is not None
    }
    bookings = await _bookings(connection, orders, undone, on)
    compared = {reference_of(order.payment_id) for order in orders}
    compared |= {reference_of(one.payment_id) for one in bookings}
    compared |= {line.reference for line in lines} | set(references)
    return Sides(orders, lines, bookings, compared)


def _is_back(row: Row, on: date) -> bool:
    return row["bounce_booked_at"] is not None and row["bounced_on"] <= on


async def _bookings(
    connection: Connection,
    orders: list[OrderSide],
    undone: Mapping[tuple[int, int], int],
    on: date,
) -> list[LedgerSide]:
    """Return what the books hold of debits, net of what people took back.

    `undone` is what was booked back because the bank took it: shown gross, as with payouts.
    """
    keys = [(order.customer_id, booking_key(order.payment_id)) for order in orders]
    found = await debit_bookings(connection, book_date=on, keys=keys)
    received = await ledger.receipts_of(
        connection, [(one.customer_id, one.transaction_id) for one in found]
    )
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for one in found:
        # Others report under the same channel what they collected themselves: no debit of ours.
        if (debit_id := debit_of_key(one.idempotency_key)) is not None:
            amount = received.get((one.customer_id, one.transaction_id), 0)
            sums[one.customer_id, debit_id] += amount
    for key, amount in undone.items():
        sums[key] += amount
    return [LedgerSide(*key, amount) for key, amount in sorted(sums.items()) if amount]


def _status(status: DebitStatus) -> PaymentStatus:
    """Return the state that the comparison knows; created there is held here."""
    return PaymentStatus.HELD if status is DebitStatus.CREATED else PaymentStatus(status.value)
