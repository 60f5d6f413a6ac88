"""Migrations: once, in order, by one process at a time, and never edited."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from counterfoil.platform import migrate
from counterfoil.platform.database import Database
from counterfoil.platform.migrate import Migration, MigrationError, Phase

ONE = ("0001_pre_shop_base.sql", "CREATE TABLE goods (goods_id bigint PRIMARY KEY);")
TWO = ("0002_post_shop_names.sql", "ALTER TABLE goods ADD COLUMN name text;")
THREE = ("0003_pre_shop_price.sql", "ALTER TABLE goods ADD COLUMN price_minor bigint;")


def files(*pairs: tuple[str, str]) -> tuple[Migration, ...]:
    return migrate.ordered(pairs)


async def values(url: str, query: str) -> list[object]:
    async with Database(url, connections_max=1) as database, database.connection() as connection:
        return [row[0] for row in await connection.fetch(query)]


async def applied(url: str) -> list[object]:
    return await values(url, "SELECT name FROM platform.migration ORDER BY number")


async def test_the_products_migrations_apply_and_then_there_is_nothing_to_do(
    empty_database_url: str,
) -> None:
    names = await migrate.apply(empty_database_url)
    assert names == tuple(migration.name for migration in migrate.shipped())
    assert names[0] == "0001_pre_platform_base.sql"
    assert await migrate.apply(empty_database_url) == ()
    assert await migrate.plan(empty_database_url) == ()


async def test_every_table_of_the_product_is_in_a_room(empty_database_url: str) -> None:
    await migrate.apply(empty_database_url)
    found = await values(
        empty_database_url,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    )
    assert found == []


async def test_files_run_in_the_order_of_their_numbers(empty_database_url: str) -> None:
    assert await migrate.apply(empty_database_url, migrations=files(TWO, ONE)) == (ONE[0], TWO[0])
    assert await applied(empty_database_url) == [ONE[0], TWO[0]]


async def test_a_server_that_is_too_old_is_named_and_left_alone(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "SERVER_MIN", 1_000)
    for attempt in (migrate.apply(empty_database_url), migrate.plan(empty_database_url)):
        with pytest.raises(MigrationError, match="needs 1000 or newer"):
            await attempt
    monkeypatch.undo()
    assert len(await migrate.plan(empty_database_url)) == len(migrate.shipped())


async def test_an_edited_file_stops_everything(empty_database_url: str) -> None:
    await migrate.apply(empty_database_url, migrations=files(ONE))
    edited = files((ONE[0], ONE[1] + " -- harmless"), TWO)
    with pytest.raises(MigrationError, match=r"0001_pre_shop_base\.sql was edited"):
        await migrate.apply(empty_database_url, migrations=edited)
    with pytest.raises(MigrationError, match="was edited"):
        await migrate.plan(empty_database_url, migrations=edited)
    assert await applied(empty_database_url) == [ONE[0]]


async def test_a_file_that_is_gone_stops_everything(empty_database_url: str) -> None:
    await migrate.apply(empty_database_url, migrations=files(ONE))
    with pytest.raises(MigrationError, match=r"0001_pre_shop_base\.sql was applied, but"):
        await migrate.apply(empty_database_url, migrations=files(TWO))


async def test_old_code_leaves_the_migrations_of_a_newer_release_alone(
    empty_database_url: str,
) -> None:
    await migrate.apply(empty_database_url, migrations=files(ONE, TWO))
    assert await migrate.apply(empty_database_url, migrations=files(ONE)) == ()


async def test_a_file_that_fails_leaves_nothing_and_the_ones_before_it_stay(
    empty_database_url: str,
) -> None:
    broken = ("0002_pre_shop_broken.sql", "CREATE TABLE half (a int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError) as failed:
        await migrate.apply(empty_database_url, migrations=files(ONE, broken))
    assert failed.value.__notes__ == ["while applying 0002_pre_shop_broken.sql"]
    assert await applied(empty_database_url) == [ONE[0]]
    assert await values(empty_database_url, "SELECT to_regclass('half') IS NULL") == [True]


async def test_two_processes_at_once_apply_everything_once(empty_database_url: str) -> None:
    done = await asyncio.gather(
        *[migrate.apply(empty_database_url, migrations=files(ONE, TWO)) for _ in range(3)]
    )
    assert sorted(done, key=len) == [(), (), (ONE[0], TWO[0])]


async def test_an_index_is_built_without_a_transaction(empty_database_url: str) -> None:
    index = (
        "0002_pre_shop_index.sql",
        "-- transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS by_id ON goods (goods_id);",
    )
    await migrate.apply(empty_database_url, migrations=files(ONE, index))
    assert await values(
        empty_database_url,
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_id'::regclass",
    ) == [True]


async def test_a_phase_takes_its_own_files_and_none_out_of_order(empty_database_url: str) -> None:
    url, all_files = empty_database_url, files(ONE, TWO, THREE)
    assert await migrate.apply(url, migrations=files(ONE, TWO), phase=Phase.PRE) == (ONE[0],)
    with pytest.raises(MigrationError, match=r"0002_post_shop_names\.sql must be applied before"):
        await migrate.apply(url, migrations=all_files, phase=Phase.PRE)
    assert await migrate.apply(url, migrations=all_files, phase=Phase.POST) == (TWO[0],)
    assert await migrate.apply(url, migrations=all_files, phase=Phase.PRE) == (THREE[0],)


async def test_a_plan_names_locks_and_sizes_and_changes_nothing(empty_database_url: str) -> None:
    await migrate.apply(empty_database_url, migrations=files(ONE))
    await values(empty_database_url, "INSERT INTO goods SELECT generate_series(1, 500)")
    await values(empty_database_url, "ANALYZE goods")
    (step,) = await migrate.plan(empty_database_url, migrations=files(ONE, TWO))
    (lock,) = step.locks
    assert (lock.table, lock.mode, lock.row_count) == ("goods", "ACCESS EXCLUSIVE", 500)
    assert await applied(empty_database_url) == [ONE[0]]


async def test_a_plan_for_a_new_database_is_everything(empty_database_url: str) -> None:
    steps = await migrate.plan(empty_database_url)
    assert len(steps) == len(migrate.shipped())
    assert await values(empty_database_url, "SELECT to_regclass('platform.migration')") == [None]


@pytest.mark.parametrize(
    ("sql", "modes"),
    [
        ("ALTER TABLE a.b ADD c int", {"a.b": "ACCESS EXCLUSIVE"}),
        ("CREATE INDEX i ON a.b (c)", {"a.b": "SHARE"}),
        ("CREATE UNIQUE INDEX i ON a.b (c)", {"a.b": "SHARE"}),
        ("CREATE INDEX CONCURRENTLY i ON a.b (c)", {"a.b": "SHARE UPDATE EXCLUSIVE"}),
        ("INSERT INTO a.b VALUES (1)", {"a.b": "ROW EXCLUSIVE"}),
        ("UPDATE a.b SET c = 1", {"a.b": "ROW EXCLUSIVE"}),
        ("CREATE INDEX i ON a.b (c);\nDROP TABLE a.b", {"a.b": "ACCESS EXCLUSIVE"}),
        ("-- ALTER TABLE a.b\nSELECT 1", {}),
        ("CREATE FUNCTION f() RETURNS int AS $$ UPDATE a.b SET c = 1 $$", {}),
    ],
)
def test_locks_are_read_from_the_statements(sql: str, modes: dict[str, str]) -> None:
    assert migrate.lock_modes(sql) == modes


@pytest.mark.parametrize(
    "names",
    [
        ["1_pre_x.sql"],
        ["0001_x.sql"],
        ["0001_pre_x.txt"],
        ["0001_pre_x.sql", "0001_post_y.sql"],
    ],
)
def test_odd_names_and_doubled_numbers_are_refused(names: Sequence[str]) -> None:
    with pytest.raises(MigrationError):
        migrate.ordered([(name, "SELECT 1") for name in names])
