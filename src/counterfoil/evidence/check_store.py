"""Staged leaves as they are, for whoever checks the books."""

from typing import Any, Final

from counterfoil.evidence.checking import Leaf
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.evidence", "check_store.sql")


async def leaves_of_range(connection: Connection, after: int, *, through: int) -> list[Leaf]:
    """Return the leaves of customers after one and up to another, in the order of numbers."""
    rows: list[Any] = await QUERIES.leaves_of_range.fetch(connection, after=after, through=through)
    return [Leaf(*row) for row in rows]
