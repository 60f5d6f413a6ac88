"""What auto-debits brought, as the loans have it, for reconciliation."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "debit_booking_store.sql")


class DebitBooking(NamedTuple):
    """One transaction of a debit."""

    customer_id: int
    #: The key under which the books heard of the debit.
    idempotency_key: str
    transaction_id: int


async def debit_bookings(
    connection: Connection, *, book_date: date, keys: Sequence[tuple[int, str]]
) -> list[DebitBooking]:
    """Return the transactions of debits booked on a day, and of those that are named."""
    rows = await QUERIES.debit_bookings.fetch(
        connection,
        book_date=book_date,
        customer_ids=[customer_id for customer_id, _ in keys],
        keys=[key for _, key in keys],
    )
    return [
        DebitBooking(row["customer_id"], row["idempotency_key"], row["transaction_id"])
        for row in rows
    ]


async def repayment_of_debit(connection: Connection, customer_id: int, key: str) -> int | None:
    """Return the repayment that a debit was booked as; None where it was not booked."""
    number: int | None = await QUERIES.repayment_of_debit.fetchval(
        connection, customer_id=customer_id, key=key
    )
    return number
