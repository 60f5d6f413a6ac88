"""What rails ask for payments: booked once a payment, and held against their statements."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from counterfoil.payments.store import columns_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments", "fee_store.sql")


async def payments_without_fee(
    connection: Connection, *, rails: Sequence[str], since: date, page: int
) -> list[Row]:
    """Lock and return payments carried out since a day whose fee is not booked."""
    return await QUERIES.payments_without_fee.fetch(
        connection, rails=list(rails), since=since, page=page
    )


async def add_fees(
    connection: Connection,
    fees: Sequence[tuple[Row, int]],
    *,
    booked_on: date,
    now: datetime,
) -> None:
    """Keep what each of these payments costs, minor units."""
    await QUERIES.add_fees.execute(
        connection,
        booked_on=booked_on,
        now=now,
        rails=[row["rail"] for row, _ in fees],
        fees_minor=[fee for _, fee in fees],
        currencies=[row["currency"] for row, _ in fees],
        **columns_of((row["customer_id"], row["payment_id"]) for row, _ in fees),
    )


async def fees_by_rail(connection: Connection, *, rails: Sequence[str], since: date) -> list[Row]:
    """Return what was booked for each rail since a day, and what its statements ask."""
    return await QUERIES.fees_by_rail.fetch(connection, rails=list(rails), since=since)
