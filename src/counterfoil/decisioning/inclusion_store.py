"""Reads how kinds of customers fare; counts only."""

from datetime import datetime
from typing import Any, Final

from counterfoil.decisioning.inclusion import (
    ELDERLY_YEARS_MIN,
    KINDS,
    SEASONED_DAYS,
    THIN_MONTHS_MAX,
    YOUNG_YEARS,
    KindCount,
    SegmentCount,
)
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "inclusion_store.sql")


async def count_kinds(
    connection: Connection, *, received_from: datetime, received_before: datetime
) -> list[KindCount]:
    """Return what became of the applications of a span, by kind, in the order of a report."""
    rows: list[Any] = await QUERIES.inclusion.fetch(
        connection,
        received_from=received_from,
        received_before=received_before,
        thin_months_max=THIN_MONTHS_MAX,
        young_years_min=YOUNG_YEARS[0],
        young_years_max=YOUNG_YEARS[1],
        elderly_years_min=ELDERLY_YEARS_MIN,
    )
    found = {row["code"]: KindCount(**row) for row in rows}
    return [found[code] for code in KINDS if code in found]


async def count_segments(
    connection: Connection, *, received_from: datetime, received_before: datetime
) -> list[SegmentCount]:
    """Return what became of the applications of a span, by version and segment of its policy."""
    rows: list[Any] = await QUERIES.inclusion_segments.fetch(
        connection,
        received_from=received_from,
        received_before=received_before,
        seasoned_days=SEASONED_DAYS,
    )
    return [SegmentCount(**row) for row in rows]


async def last_segment(connection: Connection, customer_id: int) -> tuple[str, str] | None:
    """Return version and segment of a customer's latest case; None where there was none."""
    row = await QUERIES.last_segment.fetchrow(connection, customer_id=customer_id)
    return None if row is None else (row["policy_hash"], row["segment"])
