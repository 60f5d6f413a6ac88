"""API keys and operators on a real database: what comes in, what no longer does."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from counterfoil.kernel.clock import TestClock
from counterfoil.platform import access
from counterfoil.platform.access import KeyRing, Role, Scope
from counterfoil.platform.database import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def make_key(
    database: Database, api_key_id: int = 1, expires_at: datetime | None = None
) -> str:
    async with database.transaction() as connection:
        return await access.create_api_key(
            connection,
            api_key_id=api_key_id,
            client="shop",
            scopes=[Scope.LINES_READ, Scope.LOANS_READ],
            now=NOW,
            expires_at=expires_at,
        )


def make_stale(ring: KeyRing) -> None:
    ring._loaded_at -= access.FRESH_SECONDS


async def test_a_key_comes_in_with_its_client_and_scopes(database: Database) -> None:
    secret = await make_key(database)
    key = await KeyRing(database, TestClock(NOW)).verify(secret)
    assert key is not None
    assert key.client == "shop"
    assert key.scopes == {Scope.LINES_READ, Scope.LOANS_READ}


async def test_the_secret_is_nowhere_in_the_database(database: Database) -> None:
    secret = await make_key(database)
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT k::text AS text FROM platform.api_key AS k")
    assert secret[4 + access.LOOKUP_LENGTH :] not in row["text"]


async def test_a_wrong_secret_with_a_known_lookup_stays_out(database: Database) -> None:
    secret = await make_key(database)
    ring = KeyRing(database, TestClock(NOW))
    forged = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    assert await ring.verify(forged) is None
    assert await ring.verify("cfk_short") is None
    assert await ring.verify("") is None
    assert await ring.verify(secret) is not None


async def test_a_revoked_key_stays_out_as_soon_as_the_cache_is_fresh(database: Database) -> None:
    secret = await make_key(database)
    ring = KeyRing(database, TestClock(NOW))
    assert await ring.verify(secret) is not None
    async with database.transaction() as connection:
        assert await access.revoke_api_key(connection, 1, now=NOW)
        assert not await access.revoke_api_key(connection, 1, now=NOW)
    make_stale(ring)
    assert await ring.verify(secret) is None


async def test_a_key_ends_at_its_own_time_without_asking_the_database(database: Database) -> None:
    clock = TestClock(NOW)
    secret = await make_key(database, expires_at=NOW + timedelta(hours=1))
    ring = KeyRing(database, clock)
    clock.advance(timedelta(minutes=59, seconds=59))
    assert await ring.verify(secret) is not None
    clock.advance(timedelta(seconds=1))
    assert await ring.verify(secret) is None


async def test_a_key_made_elsewhere_is_found_soon(database: Database) -> None:
    ring = KeyRing(database, TestClock(NOW))
    await ring.verify(access.new_secret())
    secret = await make_key(database)
    assert await ring.verify(secret) is None, "strangers must not make us ask at will"
    ring._loaded_at -= access.UNKNOWN_SECONDS_MIN
    assert await ring.verify(secret) is not None


async def test_many_at_once_load_the_keys_once(database: Database) -> None:
    secret = await make_key(database)
    ring = KeyRing(database, TestClock(NOW))
    loads = 0
    load = ring._load

    async def counted(connection: object) -> None:
        nonlocal loads
        loads += 1
        await load(connection)  # type: ignore[arg-type]

    ring._load = counted  # type: ignore[method-assign]
    found = await asyncio.gather(*[ring.verify(secret) for _ in range(50)])
    assert all(found)
    assert loads == 1


async def test_the_day_of_last_use_is_kept(database: Database) -> None:
    secret = await make_key(database)
    ring = KeyRing(database, TestClock(NOW))
    await ring.verify(secret)
    make_stale(ring)
    await ring.verify(secret)
    async with database.connection() as connection:
        (key,) = await access.list_api_keys(connection)
    assert key.last_used_on == NOW.date()


async def test_a_key_without_a_scope_is_refused_by_the_table(database: Database) -> None:
    async with database.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="api_key_has_scopes"):
            await access.create_api_key(connection, api_key_id=1, client="shop", scopes=[], now=NOW)


async def test_an_operator_signs_in_until_disabled(database: Database) -> None:
    async with database.connection() as connection:
        await access.set_operator(
            connection,
            operator_id=1,
            name="li.na",
            role=Role.OPERATIONS,
            password="open sesame",
            now=NOW,
        )
        operator = await access.verify_operator(connection, "li.na", "open sesame")
        assert operator is not None
        assert operator.role is Role.OPERATIONS
        assert await access.verify_operator(connection, "li.na", "open sesamo") is None
        assert await access.verify_operator(connection, "nobody", "open sesame") is None
        assert await access.disable_operator(connection, "li.na", now=NOW)
        assert await access.verify_operator(connection, "li.na", "open sesame") is None
        assert await access.find_operator(connection, "li.na") is None
