"""Reads which facts decisions have read."""

from datetime import datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

_QUERIES: Final = Queries.load("counterfoil.decisioning", "usage_store.sql")


async def features_read(connection: Connection, *, since: datetime) -> frozenset[str]:
    """Return the facts of which decisions since an instant held a value."""
    rows = await _QUERIES.features_read.fetch(connection, since=since)
    return frozenset(row["name"] for row in rows)
