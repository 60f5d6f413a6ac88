"""Reads and writes how long cost sheets were read before drawdowns; over named queries."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "reading_store.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetReading:
    """A cost sheet and its loan note as a customer read them."""

    customer_id: int
    reading_id: int
    line_id: int
    cost_sheet_hash: bytes
    note_sha256: bytes
    language: str
    shown_at: datetime
    confirmed_at: datetime
    idempotency_key: str


async def add_reading(connection: Connection, reading: SheetReading) -> None:
    """Write a reading; a repeated request keeps its first."""
    await QUERIES.add_reading.execute(connection, **asdict(reading))


async def read_reading(
    connection: Connection, customer_id: int, cost_sheet_hash: bytes
) -> SheetReading | None:
    """Return the latest reading of a sheet, None where it was not read here."""
    row = await QUERIES.reading_of_sheet.fetchrow(
        connection, customer_id=customer_id, cost_sheet_hash=cost_sheet_hash
    )
    return None if row is None else SheetReading(**{n: row[n] for n in SheetReading.__slots__})
