"""Reads and writes when lines are looked at again, and reads the record that a review is of."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from counterfoil.kernel.calendar import add_months
from counterfoil.lending.review_facts import (
    STATEMENTS_MAX,
    Flow,
    Instalment,
    LimitEvent,
    LineRecord,
)
from counterfoil.lending.store import LineKey, read_lines
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "review_store.sql")


class Due(NamedTuple):
    """A line whose review is due, and why."""

    customer_id: int
    line_id: int
    cause: str

    @property
    def key(self) -> LineKey:
        """Return customer and line."""
        return self.customer_id, self.line_id


class NextReview(NamedTuple):
    """When a line is looked at again."""

    customer_id: int
    line_id: int
    on: date
    cause: str
    #: Whether it is watched for being cured.
    is_watched: bool


async def lines_due(connection: Connection, *, business_date: date, page: int) -> list[Due]:
    """Return a page of lines whose review is due."""
    rows = await QUERIES.lines_due.fetch(connection, business_date=business_date, page=page)
    return [Due(**dict(row)) for row in rows]


async def lines_brought_forward(
    connection: Connection, *, business_date: date, page: int
) -> list[Due]:
    """Return a page of lines whose review an event has brought forward to a date, or before."""
    rows = await QUERIES.lines_brought_forward.fetch(
        connection, business_date=business_date, page=page
    )
    return [Due(**dict(row)) for row in rows]


async def hold_due(
    connection: Connection, keys: Sequence[LineKey], *, business_date: date | None
) -> list[Due]:
    """Take lines in hand that nobody else has; with a date only those that are still due."""
    rows = await QUERIES.hold_due.fetch(connection, keys=list(keys))
    return [
        Due(row["customer_id"], row["line_id"], row["cause"])
        for row in rows
        if business_date is None or row["next_review_on"] <= business_date
    ]


async def plan_reviews(connection: Connection, planned: Sequence[NextReview]) -> None:
    """Write when lines are looked at again."""
    await QUERIES.plan_reviews.execute(
        connection,
        customer_ids=[item.customer_id for item in planned],
        line_ids=[item.line_id for item in planned],
        next_review_on=[item.on for item in planned],
        causes=[item.cause for item in planned],
        are_watched=[item.is_watched for item in planned],
    )


async def bring_forward(connection: Connection, key: LineKey, *, on: date, cause: str) -> None:
    """Let a line be looked at on a date for a cause; one that is due already keeps its cause."""
    await QUERIES.bring_forward.execute(
        connection, customer_id=key[0], line_id=key[1], business_date=on, cause=cause
    )


async def drop_reviews(connection: Connection, keys: Sequence[LineKey]) -> None:
    """Look at lines no more that are closed."""
    await QUERIES.drop_reviews.execute(connection, keys=list(keys))


async def mark_late(connection: Connection, keys: Sequence[LineKey], on: date) -> int:
    """Bring forward lines on which something is newly late; return how many."""
    return len(await QUERIES.mark_late.fetch(connection, keys=list(keys), business_date=on))


async def mark_cured(connection: Connection, on: date) -> int:
    """Bring forward suspended lines on which nothing is unpaid; return how many."""
    return len(await QUERIES.mark_cured.fetch(connection, business_date=on))


async def read_records(
    connection: Connection, keys: Sequence[LineKey], on: date
) -> dict[LineKey, LineRecord]:
    """Return the records of lines; a key without a line has none."""
    lines = await read_lines(connection, keys)
    held = list(lines)
    instalments: defaultdict[LineKey, list[Instalment]] = defaultdict(list)
    limits: defaultdict[LineKey, list[LimitEvent]] = defaultdict(list)
    flows: defaultdict[LineKey, list[Flow]] = defaultdict(list)
    repaid: dict[LineKey, int] = {}
    for row in await QUERIES.instalments_of_reviewed.fetch(connection, keys=held):
        instalments[row["customer_id"], row["line_id"]].append(
            Instalment(
                row["due_date"], row["settled_on"], row["grace_days"], row["principal_minor"]
            )
        )
    for row in await QUERIES.repaid_of_reviewed.fetch(connection, keys=held):
        repaid[row["customer_id"], row["line_id"]] = row["loans"]
    for row in await QUERIES.limits_of_reviewed.fetch(connection, keys=held):
        before = row["before_value"]
        limits[row["customer_id"], row["line_id"]].append(
            LimitEvent(
                row["book_date"],
                row["kind"],
                None if before is None else int(before),
                int(row["after_value"]),
                row["reason"],
            )
        )
    since = add_months(on, -STATEMENTS_MAX)
    for row in await QUERIES.flows_of_reviewed.fetch(connection, keys=held, since=since):
        flows[row["customer_id"], row["line_id"]].append(
            Flow(row["book_date"], row["principal_minor"])
        )
    return {
        key: LineRecord(
            line=line,
            instalments=instalments[key],
            loans_repaid=repaid.get(key, 0),
            limits=limits[key],
            flows=flows[key],
        )
        for key, line in lines.items()
    }
