"""The outbox's consumers: order, late commits, one reader at a time, leases."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.store.payments_desk import emit

from counterfoil.platform.database import Connection, Database
from counterfoil.platform.outbox import Consumer, CursorAheadError, Event, Lag, lags


class Reader:
    """A consumer that keeps what it was handed."""

    def __init__(self, database: Database, *, name: str = "reader", page_events: int = 500) -> None:
        self.consumer = Consumer(database, name=name, kinds=["wanted"], page_events=page_events)
        self.subjects: list[int] = []

    async def handle(self, _: Connection, events: Sequence[Event]) -> None:
        self.subjects += [event.subject_id for event in events]

    async def read(self) -> int:
        """Read a page; wait where a transaction of a neighbouring test still hides it."""
        async with asyncio.timeout(180):
            while True:
                passed = await self.read_now()
                if passed or not await self.consumer.waiting():
                    return passed
                await asyncio.sleep(0.005)

    async def read_now(self) -> int:
        return await self.consumer.take(self.handle)


async def ready(database: Database, page_events: int = 500) -> Reader:
    reader = Reader(database, page_events=page_events)
    await reader.consumer.register()
    return reader


async def test_pages_follow_each_other_without_gap_or_repetition(database: Database) -> None:
    reader = await ready(database, page_events=10)
    async with database.transaction() as connection:
        for subject in range(1, 36):
            await emit(connection, subject, "{}", kind="wanted")
    assert [await reader.read() for _ in range(5)] == [10, 10, 10, 5, 0]
    assert reader.subjects == list(range(1, 36))


async def test_unwanted_kinds_are_passed_and_not_handed_over(database: Database) -> None:
    reader = await ready(database)
    async with database.transaction() as connection:
        await emit(connection, 1, "{}", kind="other")
        await emit(connection, 2, "{}", kind="wanted")
        await emit(connection, 3, "{}", kind="other")
    assert await reader.read() == 3
    assert reader.subjects == [2]
    assert await reader.read() == 0


async def test_a_commit_that_comes_late_is_not_skipped(database: Database) -> None:
    reader = await ready(database)
    async with database.transaction() as slow:
        await emit(slow, 1, "{}", kind="wanted")
        async with database.transaction() as quick:
            await emit(quick, 2, "{}", kind="wanted")
        # The quick one is committed and has the greater number; reading it now would lose the
        # slow one for ever.
        assert await reader.read_now() == 0
    await reader.read()
    assert reader.subjects == [1, 2]


async def test_an_event_that_was_rolled_back_is_never_seen(database: Database) -> None:
    reader = await ready(database)

    async def write_and_fail() -> None:
        async with database.transaction() as connection:
            await emit(connection, 1, "{}", kind="wanted")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()
    async with database.transaction() as connection:
        await emit(connection, 2, "{}", kind="wanted")
    await reader.read()
    assert reader.subjects == [2]


async def test_a_handler_that_fails_leaves_the_cursor_where_it_was(database: Database) -> None:
    reader = await ready(database)
    async with database.transaction() as connection:
        await emit(connection, 1, "{}", kind="wanted")

    async def fail(_: Connection, __: Sequence[Event]) -> None:
        raise RuntimeError

    async def fail_as_soon_as_there_is_an_event() -> None:
        while True:
            await reader.consumer.take(fail)

    with pytest.raises(RuntimeError):
        await fail_as_soon_as_there_is_an_event()
    assert await reader.consumer.waiting() == 1
    await reader.read()
    assert reader.subjects == [1]
    assert await reader.consumer.waiting() == 0


async def test_many_writers_and_two_readers_see_every_event_once(database: Database) -> None:
    readers = [await ready(database, page_events=7) for _ in range(2)]
    is_over = asyncio.Event()

    async def write(first: int) -> None:
        for subject in range(first, first + 60):
            async with database.transaction() as connection:
                await emit(connection, subject, "{}", kind="wanted")
                if subject % 3 == 0:
                    await asyncio.sleep(0)

    async def read(reader: Reader) -> None:
        while not is_over.is_set() or await reader.consumer.waiting():
            await reader.read_now()

    reading = [asyncio.create_task(read(reader)) for reader in readers]
    await asyncio.gather(*(write(first) for first in (1, 101, 201, 301)))
    is_over.set()
    await asyncio.gather(*reading)
    seen = readers[0].subjects + readers[1].subjects
    assert sorted(seen) == [f + n for f in (1, 101, 201, 301) for n in range(60)]


async def test_consumers_read_independently(database: Database) -> None:
    one = await ready(database)
    two = Reader(database, name="other")
    await two.consumer.register()
    async with database.transaction() as connection:
        await emit(connection, 1, "{}", kind="wanted")
    await one.read()
    await two.read()
    assert one.subjects == two.subjects == [1]


async def test_registering_again_does_not_move_the_cursor(database: Database) -> None:
    reader = await ready(database)
    async with database.transaction() as connection:
        await emit(connection, 1, "{}", kind="wanted")
    await reader.read()
    await reader.consumer.register()
    assert await reader.read() == 0


async def test_a_lease_keeps_others_out_until_it_is_given_back_or_ends(
    database: Database,
) -> None:
    consumer = (await ready(database)).consumer
    assert await consumer.lease("ann")
    assert await consumer.lease("ann"), "a holder renews"
    assert not await consumer.lease("bob")
    await consumer.give_back("bob")
    assert not await consumer.lease("bob"), "nobody gives back what another holds"
    await consumer.give_back("ann")
    assert await consumer.lease("bob")
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE platform.outbox_cursor SET leased_until = clock_timestamp() - interval '1 s'"
        )
    assert await consumer.lease("ann")


async def test_a_cursor_of_another_cluster_says_so(database: Database) -> None:
    reader = await ready(database)
    async with database.connection() as connection:
        await connection.execute("UPDATE platform.outbox_cursor SET xid = '99999999999'")
    with pytest.raises(CursorAheadError):
        await reader.read()


async def test_the_lag_of_each_consumer_is_counted_and_dated(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await ready(database)
    await Reader(database, name="sleeper").consumer.register()
    async with database.connection() as connection:
        assert await lags(connection) == [Lag("reader", 0, None), Lag("sleeper", 0, None)]
    async with database.transaction() as connection:
        for subject in (1, 2, 3):
            await emit(connection, subject, "{}", kind="other")
    async with database.connection() as connection:
        written = await connection.fetchval("SELECT min(created_at) FROM platform.outbox")
        assert await lags(connection) == [Lag("reader", 3, written), Lag("sleeper", 3, written)]
    await reader.read()
    monkeypatch.setattr("counterfoil.platform.outbox.LAG_EVENTS_MAX", 2)
    async with database.connection() as connection:
        assert await lags(connection) == [Lag("reader", 0, None), Lag("sleeper", 2, written)]
