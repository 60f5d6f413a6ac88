"""Data keys for whoever seals records of its own: one per customer and purpose, for everybody."""

import asyncio
from pathlib import Path

import pytest

from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Database
from counterfoil.privacy import envelope
from counterfoil.privacy.data_keys import existing_key, key_of, keys_of_each
from counterfoil.privacy.file_key import FileIndexSecret, FileKeyWrapper, create_keys
from counterfoil.privacy.vault import HOUSE, Purpose, Vault


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_keys(tmp_path)
    return Vault(FileKeyWrapper(tmp_path), FileIndexSecret(tmp_path))


async def keys(
    database: Database, vault: Vault, customer_ids: list[int], purpose: Purpose
) -> dict[int, bytes]:
    async with database.transaction() as connection:
        found = await keys_of_each(connection, vault, customer_ids, purpose, reading("evidence"))
    assert not found.damaged
    return found.found


async def test_a_key_is_made_once_for_each_customer_and_purpose(
    database: Database, vault: Vault
) -> None:
    first = await keys(database, vault, [3, HOUSE, 1, 3], Purpose.EVIDENCE)
    again = await keys(database, vault, [1, 2, 3, HOUSE], Purpose.EVIDENCE)
    other = await keys(database, vault, [1], Purpose.REPORT)
    assert sorted(first) == [0, 1, 3]
    assert {number: again[number] for number in first} == first
    assert len({*again.values(), *other.values()}) == 5
    assert {len(key) for key in again.values()} == {envelope.KEY_LENGTH}


async def test_two_who_need_new_keys_at_once_get_the_same(database: Database, vault: Vault) -> None:
    wanted = [list(range(1, 200)), list(range(199, 0, -1)), list(range(100, 300))]
    found = await asyncio.gather(
        *(keys(database, vault, numbers, Purpose.EVIDENCE) for numbers in wanted)
    )
    assert found[0] == found[1]
    assert {number: found[2][number] for number in range(100, 200)} == {
        number: found[0][number] for number in range(100, 200)
    }


async def test_whoever_lost_the_race_takes_the_key_of_the_winner(
    database: Database, vault: Vault
) -> None:
    async with database.transaction() as slow:
        mine = await key_of(slow, vault, 7, Purpose.REPORT, reading("evidence"))
        other = asyncio.create_task(keys(database, vault, [6, 7], Purpose.REPORT))
        await someone_waits(database)
        assert not other.done()
    assert (await other)[7] == mine


async def someone_waits(database: Database) -> None:
    """Return as soon as a transaction waits for another."""
    question = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    async with database.connection() as watcher:
        while await watcher.fetchval(question) == 0:
            pass


async def test_a_key_of_a_transaction_that_failed_is_not_there(
    database: Database, vault: Vault
) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await key_of(connection, vault, 5, Purpose.CONTRACT, reading("evidence"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.connection() as connection:
        assert (
            await existing_key(connection, vault, 5, Purpose.CONTRACT, reading("evidence")) is None
        )


async def test_without_the_key_service_no_key_is_made(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    kept = await keys(database, vault, [1], Purpose.EVIDENCE)
    (tmp_path / "wrapping-0001.key").rename(tmp_path / "away")
    with pytest.raises(RefusedError) as caught:
        await keys(database, vault, [1, 2], Purpose.EVIDENCE)
    assert caught.value.refused.code == "key_service_unavailable"
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM privacy.data_key") == 1
    (tmp_path / "away").rename(tmp_path / "wrapping-0001.key")
    assert (await keys(database, vault, [1, 2], Purpose.EVIDENCE))[1] == kept[1]


async def test_every_purpose_is_known_to_the_database(database: Database, vault: Vault) -> None:
    for purpose in Purpose:
        assert len(await keys(database, vault, [1], purpose)) == 1
