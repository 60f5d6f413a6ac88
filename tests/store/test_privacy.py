"""The vault's tables: sealed on arrival, found by digest, one owner for each identity number."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection, Database
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.file_key import FileIndexSecret, FileKeyWrapper, create_keys
from counterfoil.privacy.person_store import MaskedPerson, PersonRecord
from counterfoil.privacy.vault import Vault

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
WANG = PersonRecord(
    customer_id=1, name="王小明", id_number="11010519491231002X", phone="+8613800131234"
)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_keys(tmp_path)
    return Vault(FileKeyWrapper(tmp_path), FileIndexSecret(tmp_path))


async def keep(database: Database, vault: Vault, *people: PersonRecord) -> None:
    sealed = await persons.seal_persons(vault, people)
    async with database.transaction() as connection:
        await persons.store_persons(connection, sealed, at=NOW)


def code_of(shown: object) -> str:
    assert isinstance(shown, Refused), shown
    return shown.code


async def masked(connection: Any, vault: Vault, customer_id: int) -> str:
    """Return the name that is shown of a customer, or why there is none."""
    found = await persons.read_masked(connection, vault, [customer_id], reading("person_export"))
    shown = found[customer_id]
    return shown.name if isinstance(shown, MaskedPerson) else code_of(shown)


async def test_a_person_is_shown_masked(database: Database, vault: Vault) -> None:
    await keep(database, vault, WANG)
    async with database.connection() as connection:
        shown = await persons.read_masked(connection, vault, [1, 2], reading("person_export"))
    assert code_of(shown.pop(2)) == "personal_data_not_found"
    assert shown == {
        1: MaskedPerson(
            customer_id=1, name="王*明", id_number="110***********002X", phone="138****1234"
        )
    }


async def test_a_page_of_people_is_read_by_as_many_statements_as_one(
    database: Database, vault: Vault
) -> None:
    people = [
        PersonRecord(
            customer_id=n, name=f"王{n}明", id_number=f"1101051949123100{n}", phone=WANG.phone
        )
        for n in range(10, 30)
    ]
    await keep(database, vault, *people)
    counted = {}
    async with database.connection() as connection:
        for wanted in (people[:1], people):
            asked = Counting(connection)
            ids = [person.customer_id for person in wanted]
            shown = await persons.read_masked(asked, vault, ids, reading("person_export"))  # type: ignore[arg-type]
            assert len(shown) == len(wanted)
            counted[len(wanted)] = asked.statements
    # Records with their keys, and whose data is kept for legal purposes alone.
    assert counted == {1: 2, 20: 2}


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, inner: Connection) -> None:
        self.inner = inner
        self.statements = 0

    async def fetch(self, query: str, *args: object) -> list[Any]:
        self.statements += 1
        return await self.inner.fetch(query, *args)


async def test_a_person_is_found_by_number(database: Database, vault: Vault) -> None:
    twin = PersonRecord(
        customer_id=2, name="李雷", id_number="440524198001010013", phone=WANG.phone
    )
    await keep(database, vault, WANG, twin)
    async with database.connection() as connection:
        by_number = await persons.find_persons(
            connection, vault, IndexKind.ID_NUMBER, WANG.id_number
        )
        by_phone = await persons.find_persons(connection, vault, IndexKind.PHONE, WANG.phone)
        nobody = await persons.find_persons(connection, vault, IndexKind.PHONE, "+8613900000000")
    assert (by_number, by_phone, nobody) == ([1], [1, 2], [])


async def test_an_identity_number_has_one_owner(database: Database, vault: Vault) -> None:
    await keep(database, vault, WANG)
    other = PersonRecord(
        customer_id=2, name="王晓明", id_number=WANG.id_number, phone="+8613900131234"
    )
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await keep(database, vault, other)
    assert caught.value.constraint_name == "identity_needs_check"
    async with database.connection() as connection:
        assert await masked(connection, vault, 2) == "personal_data_not_found"


async def test_nothing_in_the_database_shows_the_person(
    database: Database, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await keep(database, vault, WANG)
    async with database.connection() as connection:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
            "WHERE schemaname IN ('privacy', 'customers', 'platform')"
        )
        dump = ""
        for table in tables:
            rows = await connection.fetch(
                f"SELECT row_to_json(t)::text AS row FROM {table['name']} t"
            )
            dump += "".join(row["row"] for row in rows)
    assert '"customer_id":1' in dump
    for marker in (WANG.name, WANG.id_number, "13800131234", WANG.id_number.encode().hex()):
        assert marker not in dump
        assert marker not in caplog.text


async def test_without_keys_nothing_is_served_and_nothing_is_lost(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    await keep(database, vault, WANG)
    (tmp_path / "wrapping-0001.key").rename(tmp_path / "away")
    async with database.connection() as connection:
        assert await masked(connection, vault, 1) == "key_service_unavailable"
        (tmp_path / "away").rename(tmp_path / "wrapping-0001.key")
        assert await masked(connection, vault, 1) == "王*明"


async def test_records_sealed_before_a_rotation_stay_readable(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    await keep(database, vault, WANG)
    await FileKeyWrapper(tmp_path).rotate()
    second = PersonRecord(
        customer_id=2, name="李雷", id_number="440524198001010013", phone="+8613900131234"
    )
    await keep(database, vault, second)
    async with database.connection() as connection:
        assert [await masked(connection, vault, number) for number in (1, 2)] == ["王*明", "李*"]
        wrapped_by = await connection.fetch(
            "SELECT DISTINCT wrapped_by FROM privacy.data_key ORDER BY 1"
        )
    assert [row["wrapped_by"] for row in wrapped_by] == [
        "file:wrapping-0001",
        "file:wrapping-0002",
    ]


async def test_a_record_moved_to_another_customer_does_not_open(
    database: Database, vault: Vault
) -> None:
    await keep(database, vault, WANG)
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO privacy.data_key SELECT 2, purpose, wrapped_by, wrapped_key, created_at "
            "FROM privacy.data_key"
        )
        await connection.execute(
            "INSERT INTO privacy.sealed_record SELECT 2, purpose, field_set, ciphertext, sealed_at "
            "FROM privacy.sealed_record"
        )
    async with database.connection() as connection:
        shown = await persons.read_masked(connection, vault, [1, 2], reading("person_export"))
    assert code_of(shown[2]) == "ciphertext_rejected"
    assert isinstance(shown[1], MaskedPerson), "nobody's trouble is another's"


async def test_whoever_destroys_the_key_destroys_the_record(
    database: Database, vault: Vault
) -> None:
    await keep(database, vault, WANG)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM privacy.data_key WHERE purpose = 'identity'")
        assert await masked(connection, vault, 1) == "personal_data_not_found"
