"""Reads the records of a data set, and keeps what has left the house."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

_QUERIES: Final = Queries.load("counterfoil.privacy", "export_store.sql")

#: Records read at once.
PAGE: Final = 5_000
_NUMBER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What left, for whom, why, and by whose hands."""

    export_id: int
    dataset: str
    recipient: str
    purpose: str
    #: Reference of the impact assessment under which it left.
    assessment: str
    #: Records from this day, and before that one; None is without a bound.
    since: date | None
    until: date | None
    exported_by: str
    approval_id: int
    approved_by: str
    #: Least number of persons in a group that was asked for.
    group_min: int
    row_count: int
    person_count: int
    #: Rows that stayed behind, being of groups under the least size.
    left_out_count: int
    smallest_group: int
    unique_ppm: int
    #: Texts in which a number was hidden.
    texts_hidden: int
    #: Of the file.
    sha256: bytes
    exported_at: datetime


async def read_dataset(
    connection: Connection, dataset: str, *, since: date | None, until: date | None
) -> AsyncIterator[list[dict[str, Any]]]:
    """Give the records of a data set, page by page, by customer and record."""
    query = getattr(_QUERIES, f"rows_of_{dataset}")
    after_customer = after_record = 0
    while True:
        rows = await query.fetch(
            connection,
            after_customer=after_customer,
            after_record=after_record,
            since=since,
            until=until,
            page=PAGE,
        )
        if not rows:
            return
        yield [dict(row) for row in rows]
        after_customer, after_record = rows[-1]["customer_id"], rows[-1]["record_id"]


async def add_export(connection: Connection, export: Export) -> None:
    """Write down an export before it leaves."""
    await _QUERIES.add_export.execute(
        connection, **{name: getattr(export, name) for name in Export.__slots__}
    )


async def list_exports(
    connection: Connection, *, before: int = _NUMBER_MAX, page: int = 100
) -> list[Export]:
    """Return what has left, newest first."""
    rows = await _QUERIES.exports.fetch(connection, before=before, page=page)
    return [Export(**{name: row[name] for name in Export.__slots__}) for row in rows]
