"""Connections: bounded waits, transactions that end, rows by name."""

import asyncio

import asyncpg
import pytest

from counterfoil.platform.database import Database, Queries

QUERIES = Queries.parse(
    """
    -- What the tests ask for.
-- name: make_table
-- A table to write to.
CREATE TABLE public.note (note_id bigint PRIMARY KEY, text text NOT NULL);

-- name: add_notes
-- Many rows in one statement.
INSERT INTO public.note (note_id, text)
SELECT note_id, text FROM unnest(:note_ids::bigint[], :texts::text[]) AS n (note_id, text);

-- name: notes
-- All rows.
SELECT note_id, text FROM public.note ORDER BY note_id;

-- name: note
-- One row.
SELECT note_id, text FROM public.note WHERE note_id = :note_id;

-- name: count
-- How many there are.
SELECT count(*) FROM public.note;

-- name: lock_note
-- One row, held.
SELECT note_id FROM public.note WHERE note_id = :note_id FOR UPDATE;

-- name: setting
-- A setting of the session.
SELECT current_setting(:name);
"""
)


@pytest.fixture(autouse=True)
async def _table(database: Database) -> None:
    async with database.connection() as connection:
        await QUERIES.make_table.execute(connection)
        assert await QUERIES.add_notes.execute(connection, note_ids=[1, 2], texts=["a", "b"]) == 2


async def test_rows_come_by_name_and_counts_as_numbers(database: Database) -> None:
    async with database.connection() as connection:
        rows = await QUERIES.fetch(connection, "notes")
        assert [dict(row) for row in rows] == [
            {"note_id": 1, "text": "a"},
            {"note_id": 2, "text": "b"},
        ]
        assert await QUERIES.fetchval(connection, "count") == 2
        assert await QUERIES.fetchrow(connection, "note", note_id=3) is None
        row = await QUERIES.note.fetchrow(connection, note_id=2)
        assert row is not None
        assert row["text"] == "b"


async def test_a_transaction_commits_unless_an_exception_leaves_it(database: Database) -> None:
    async def add_and_fail() -> None:
        async with database.transaction() as connection:
            await QUERIES.add_notes.execute(connection, note_ids=[3], texts=["c"])
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await add_and_fail()
    async with database.transaction() as connection:
        await QUERIES.add_notes.execute(connection, note_ids=[4], texts=["d"])
    async with database.connection() as connection:
        rows = await QUERIES.notes.fetch(connection)
    assert [row["note_id"] for row in rows] == [1, 2, 4]


async def test_waiting_for_a_lock_has_a_bound(database_url: str, database: Database) -> None:
    async with (
        Database(database_url, connections_max=1, lock_timeout_ms=50) as hurried,
        database.transaction() as holder,
    ):
        await QUERIES.lock_note.fetch(holder, note_id=1)
        with pytest.raises(asyncpg.LockNotAvailableError):
            async with hurried.transaction() as waiting:
                await QUERIES.lock_note.fetch(waiting, note_id=1)


async def test_the_session_has_the_limits_and_the_name_it_was_given(database_url: str) -> None:
    async with (
        Database(
            database_url, application_name="probe", lock_timeout_ms=70, statement_timeout_ms=8_000
        ) as database,
        database.connection() as connection,
    ):
        expected = {
            "application_name": "probe",
            "lock_timeout": "70ms",
            "statement_timeout": "8s",
            "idle_in_transaction_session_timeout": "1min",
            "TimeZone": "UTC",
            "transaction_isolation": "read committed",
        }
        for name, value in expected.items():
            assert await QUERIES.setting.fetchval(connection, name=name) == value


async def test_a_wrong_address_shows_when_it_is_opened(database_url: str) -> None:
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        async with Database(database_url.replace("/clone_", "/nothing_")):
            pass


async def test_a_transaction_left_open_ends_when_its_connection_comes_back(
    database_url: str,
) -> None:
    async with Database(database_url, connections_max=1) as database:
        async with database.connection() as connection:
            await connection.execute("BEGIN")
            await QUERIES.add_notes.execute(connection, note_ids=[3], texts=["c"])
        async with database.connection() as connection:
            assert await QUERIES.count.fetchval(connection) == 2


async def test_those_who_hold_every_connection_still_get_another_one(database_url: str) -> None:
    everybody_holds = asyncio.Barrier(3)

    async def reader(database: Database) -> int:
        async with database.connection():
            await everybody_holds.wait()
            async with database.connection() as inner:
                return int(await QUERIES.count.fetchval(inner))

    async with asyncio.timeout(180), Database(database_url, connections_max=3) as database:
        assert await asyncio.gather(*(reader(database) for _ in range(3))) == [2, 2, 2]
        async with database.connection(), database.connection(), database.connection():
            with pytest.raises(AssertionError, match="hand one on"):
                await database.connection().__aenter__()
        async with database.connection() as again:
            assert await QUERIES.count.fetchval(again) == 2
