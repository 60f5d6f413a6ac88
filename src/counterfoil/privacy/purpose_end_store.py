"""Finds the customers whose purposes ended, and notes up to where was looked."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

_QUERIES: Final = Queries.load("counterfoil.privacy", "purpose_end_store.sql")

#: Longest that an application stays open; what ended today was received within so many days.
APPLICATION_LIFE_DAYS: Final = 120


class Looked(NamedTuple):
    """Up to where ends were looked for; the order is that of the query."""

    business_date: date
    through_at: datetime
    #: By the real clock, POSIX seconds.
    through_real: int


class ConsentsEnded(NamedTuple):
    """One customer of whom a consent ended; the order is that of the query."""

    customer_id: int
    is_marketing_over: bool
    #: No consent runs, and nothing else is going on.
    is_everything_over: bool


async def last_looked(connection: Connection) -> Looked | None:
    """Return up to where ends were looked for; None before the first day."""
    row = await _QUERIES.last_looked.fetchrow(connection)
    return (
        None
        if row is None
        else Looked(row["business_date"], row["through_at"], row["through_real"])
    )


async def note_looked(connection: Connection, looked: Looked, *, ended: int) -> None:
    """Note that a day was looked through."""
    await _QUERIES.note_looked.execute(connection, **looked._asdict(), ended=ended)


async def relationships_ended(
    connection: Connection, *, business_date: date, since: datetime
) -> list[int]:
    """Return with whom nothing is going on any more, of those to whom something happened."""
    rows = await _QUERIES.relationships_ended.fetch(
        connection, business_date=business_date, since=since, life_days=APPLICATION_LIFE_DAYS
    )
    return [row["customer_id"] for row in rows]


async def consents_ended(connection: Connection, *, since: int, until: int) -> list[ConsentsEnded]:
    """Return of whom a consent ended in a span of POSIX seconds, after `since`."""
    rows = await _QUERIES.consents_ended.fetch(connection, since=since, until=until)
    return [
        ConsentsEnded(row["customer_id"], row["marketing_ended"], row["all_ended"]) for row in rows
    ]


async def without_consent(connection: Connection, customer_ids: Sequence[int]) -> list[int]:
    """Return which of some customers have no running consent."""
    rows = await _QUERIES.without_consent.fetch(connection, customer_ids=list(customer_ids))
    return [row["customer_id"] for row in rows]


async def reports_over(connection: Connection, *, now: int) -> list[int]:
    """Return of whom the last report is past its data life; before it is taken away."""
    return [row["customer_id"] for row in await _QUERIES.reports_over.fetch(connection, now=now)]


async def resume_returned(
    connection: Connection, classes: Sequence[str], *, since: datetime
) -> int:
    """Take back the ends of customers who applied since; return how many classes of customers."""
    return len(await _QUERIES.resume_returned.fetch(connection, classes=list(classes), since=since))


async def resume_asked_again(connection: Connection, *, since: int) -> int:
    """Take back the ends of reports and of marketing where new ones came; return how many."""
    return len(await _QUERIES.resume_asked_again.fetch(connection, since=since))


async def over_already(
    connection: Connection, data_class: str, customer_ids: Sequence[int]
) -> frozenset[int]:
    """Return of which customers a class is over already."""
    rows = await _QUERIES.over_already.fetch(
        connection, customer_ids=list(customer_ids), data_class=data_class
    )
    return frozenset(row["customer_id"] for row in rows)
