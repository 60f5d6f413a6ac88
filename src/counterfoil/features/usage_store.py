"""Reads what was collected, by kind of event."""

from datetime import datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

_QUERIES: Final = Queries.load("counterfoil.features", "usage_store.sql")


async def events_collected(connection: Connection, *, since: datetime) -> dict[str, int]:
    """Return how many events of each kind became known since an instant."""
    rows = await _QUERIES.events_collected.fetch(connection, since=since)
    return {row["kind"]: row["events"] for row in rows}
