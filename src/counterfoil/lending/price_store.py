"""Reads and writes prices of lines for new drawdowns; over named queries."""

from dataclasses import asdict
from typing import Final

from counterfoil.lending.repricing import LinePrice
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "price_store.sql")


async def hold_line(connection: Connection, customer_id: int, line_id: int) -> None:
    """Let the prices of a line be set one after the other."""
    await QUERIES.hold_line.execute(connection, customer_id=customer_id, line_id=line_id)


async def read_prices(connection: Connection, customer_id: int, line_id: int) -> list[LinePrice]:
    """Return every price that was announced for a line, in their order."""
    rows = await QUERIES.prices_of_line.fetch(connection, customer_id=customer_id, line_id=line_id)
    return [LinePrice(**dict(row)) for row in rows]


async def add_price(connection: Connection, price: LinePrice) -> None:
    """Keep a price that was announced."""
    await QUERIES.add_price.execute(connection, **asdict(price))
