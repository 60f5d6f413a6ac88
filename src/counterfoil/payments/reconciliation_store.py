"""What a reconciliation has to know besides the sides themselves, and that it was done."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.payments", "reconciliation_store.sql")


class Run(NamedTuple):
    """That a day of a rail was reconciled, and what came of it."""

    rail: str
    business_date: date
    reconciled_at: datetime
    orders_count: int
    lines_count: int
    bookings_count: int
    matched_count: int
    matched_minor: int
    differences_count: int


async def has_statement(connection: Connection, *, rail: str, day: date) -> bool:
    """Return whether a rail's statement of a day was taken."""
    return bool(await QUERIES.has_statement.fetchval(connection, rail=rail, day=day))


async def payments_of_other_rails(
    connection: Connection, payment_ids: Sequence[int], *, rail: str
) -> set[int]:
    """Return which payments went out over another rail."""
    rows = await QUERIES.payments_of_other_rails.fetch(
        connection, payment_ids=list(payment_ids), rail=rail
    )
    return {row["payment_id"] for row in rows}


async def put_run(connection: Connection, run: Run) -> None:
    """Keep that a day was reconciled."""
    await QUERIES.put_reconciliation.execute(connection, **run._asdict())
