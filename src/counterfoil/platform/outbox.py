"""The consumers' side of the outbox: cursors that cannot skip an event that commits late.

Order       By (transaction, event). Two writers may commit in another order than they wrote, so
            "greater than the last one seen" would skip the slower one. Only events of transactions
            below the oldest that still runs are read; whatever commits later lies behind them.
Invariant   The cursor moves in the transaction that records what the page caused: an effect
            recorded there happens once however often it is attempted.
Lease       Keeps idle workers from polling; the row lock, not the lease, keeps two apart.
Limits      A transaction that writes and stays open anywhere on the server holds every consumer
            back until it ends. Transaction numbers do not survive a logical restore; a cursor that
            is ahead of the server says so instead of waiting for ever.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.platform.database import Connection, Database, Queries

QUERIES: Final = Queries.load("counterfoil.platform", "outbox.sql")

#: Events of one page: large enough to write in sets, small enough to hold no lock for long.
PAGE_EVENTS: Final = 500

#: Events behind a cursor are counted so far; more is as bad.
LAG_EVENTS_MAX: Final = 10_000

#: A worker that dies keeps others waiting for at most this long.
LEASE_SECONDS: Final = 6


class CursorAheadError(Exception):
    """A consumer's cursor is ahead of the server's transactions.

    The database was restored from a dump: transaction numbers began anew. Set the consumer's
    cursor back; effects that were recorded already are recognised.
    """


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened and that others must hear."""

    event_id: int
    customer_id: int
    kind: str
    subject_id: int
    #: JSON text as it was written.
    payload: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a consumer is behind."""

    consumer: str
    #: Events behind its cursor, at most `LAG_EVENTS_MAX`.
    events: int
    #: When the oldest of them was written, by the clock of who wrote it; None where nothing waits.
    oldest_at: datetime | None


Handler = Callable[[Connection, Sequence[Event]], Awaitable[None]]


class Consumer:
    """Reads the outbox once, in order, for one purpose."""

    def __init__(
        self,
        database: Database,
        *,
        name: str,
        kinds: Sequence[str],
        page_events: int = PAGE_EVENTS,
    ) -> None:
        """Take the consumer's lasting name and the kinds of events it wants."""
        self._database = database
        self._name = name
        self._kinds = list(kinds)
        self._page_events = page_events

    async def register(self) -> None:
        """Give the consumer its cursor, at the beginning, unless it has one."""
        async with self._database.connection() as connection:
            await QUERIES.add_consumer.execute(connection, consumer=self._name)

    async def take(self, handle: Handler) -> int:
        """Hand over the next page and move the cursor, in one transaction.

        Returns how many events were passed, wanted or not; 0 also while another worker is at it.
        """
        async with self._database.transaction() as connection:
            cursor = await QUERIES.lock_cursor.fetchrow(connection, consumer=self._name)
            if cursor is None:
                return 0
            if cursor["is_ahead"]:
                raise CursorAheadError(self._name)
            rows = await QUERIES.page.fetch(
                connection,
                xid=cursor["xid"],
                event_id=cursor["event_id"],
                kinds=self._kinds,
                page=self._page_events,
            )
            if not rows:
                return 0
            wanted = [
                Event(
                    row["event_id"],
                    row["customer_id"],
                    row["kind"],
                    row["subject_id"],
                    row["payload"],
                    row["created_at"],
                )
                for row in rows
                if row["payload"] is not None
            ]
            if wanted:
                await handle(connection, wanted)
            await QUERIES.move_cursor.execute(
                connection,
                xid=rows[-1]["xid"],
                event_id=rows[-1]["event_id"],
                consumer=self._name,
            )
            return len(rows)

    async def lease(self, holder: str, *, seconds: int = LEASE_SECONDS) -> bool:
        """Take or renew the lease; False while another worker has it."""
        async with self._database.connection() as connection:
            taken = await QUERIES.take_lease.fetchrow(
                connection, consumer=self._name, holder=holder, seconds=seconds
            )
        return taken is not None

    async def give_back(self, holder: str) -> None:
        """End the lease, so that another worker need not wait for its end."""
        async with self._database.connection() as connection:
            await QUERIES.give_back_lease.execute(connection, consumer=self._name, holder=holder)

    async def waiting(self, *, bound: int = 100_000) -> int:
        """Return how many events lie behind the cursor, counted up to a bound."""
        async with self._database.connection() as connection:
            return int(await QUERIES.waiting.fetchval(connection, consumer=self._name, bound=bound))


async def lags(connection: Connection) -> list[Lag]:
    """Return how far every consumer is behind, by name."""
    rows = await QUERIES.lags.fetch(connection, bound=LAG_EVENTS_MAX)
    return [Lag(row["consumer"], row["events"], row["oldest_at"]) for row in rows]
