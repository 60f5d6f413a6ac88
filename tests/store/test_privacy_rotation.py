"""Changing keys while everybody reads: nothing is out of reach for a moment, nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import orjson
import pytest
from tests.store.privacy_desk import (
    ADMIN,
    CLERK,
    LI,
    OFFICER,
    WANG,
    a_house,
    approve,
    code_of,
    keep,
    rows,
)

from counterfoil.journeys.guarding import rotate_keys
from counterfoil.journeys.guarding.rotate_keys import resume, rotate, rotation_payload
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy import person_store as persons
from counterfoil.privacy import rotation_store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.data_keys import existing_keys_of_each, key_of, keys_of_each
from counterfoil.privacy.envelope import Suite
from counterfoil.privacy.person_store import PersonRecord
from counterfoil.privacy.rotation_store import Rotation, RotationKind
from counterfoil.privacy.vault import Purpose, Vault

WRAPPING, INDEX = RotationKind.WRAPPING, RotationKind.INDEX


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path) as opened:
        yield opened


def many(count: int, *, first: int = 100) -> list[PersonRecord]:
    return [
        PersonRecord(
            customer_id=first + n,
            name=f"王{n}",
            id_number=f"{110105_19491231_0000 + first + n}",
            phone=f"+8613{first + n:09d}",
        )
        for n in range(count)
    ]


async def rotated(house: House, kind: RotationKind) -> Rotation:
    await approve(house, rotate_keys.APPROVALS[kind], await rotation_payload(house, kind))
    outcome = await rotate(house, ADMIN, kind, reason="yearly")
    assert isinstance(outcome, Rotation), outcome
    return outcome


async def names(house: House, people: list[PersonRecord]) -> set[int]:
    async with house.database.connection() as connection:
        shown = await persons.read_masked(
            connection,
            house.vault,
            [person.customer_id for person in people],
            reading("person_export"),
        )
    return set(persons.kept_of(shown))


async def found(house: House, person: PersonRecord) -> list[int]:
    async with house.database.connection() as connection:
        by_number = await persons.find_persons(
            connection, house.vault, IndexKind.ID_NUMBER, person.id_number
        )
        by_phone = await persons.find_persons(
            connection, house.vault, IndexKind.PHONE, person.phone
        )
    assert by_number == by_phone
    return by_number


async def test_a_wrapping_key_is_changed_while_all_read_and_write(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "ROWS_AT_ONCE", 7)
    people = many(60)
    await keep(house, *people)
    stop, reads = asyncio.Event(), 0

    async def read_on() -> None:
        nonlocal reads
        while not stop.is_set():
            assert await names(house, people) == {person.customer_id for person in people}
            reads += 1

    async def write_on() -> None:
        for person in many(20, first=1_000):
            # What was sealed under the old key and comes late is repeated, once.
            await keep_again(house, person)

    reading = asyncio.create_task(read_on())
    writing = asyncio.create_task(write_on())
    before = await rows(house, "SELECT * FROM privacy.sealed_record WHERE customer_id < 1000")
    done = await rotated(house, WRAPPING)
    await writing
    stop.set()
    await reading
    assert reads > 0
    assert (done.old_key, done.new_key) == ("file:wrapping-0001", "file:wrapping-0002")
    wrapped = await rows(house, "SELECT DISTINCT wrapped_by FROM privacy.data_key")
    assert [row[0] for row in wrapped] == ["file:wrapping-0002"]
    after = await rows(house, "SELECT * FROM privacy.sealed_record WHERE customer_id < 1000")
    assert [tuple(row) for row in after] == [tuple(row) for row in before]
    everybody = [*people, *many(20, first=1_000)]
    assert await names(house, everybody) == {person.customer_id for person in everybody}
    keys = house.settings.home / "keys"
    assert not (keys / "wrapping-0001.key").exists()
    assert (keys / "retired" / "wrapping-0001.key").exists()
    [row] = await rows(house, "SELECT * FROM privacy.key_rotation")
    assert row["rows_moved"] >= 120
    assert row["finished_at"] is not None


async def test_a_rotation_needs_a_second_person_and_leaves_a_leaf(house: House) -> None:
    assert code_of(await rotate(house, ADMIN, WRAPPING, reason="x")) == "approval_missing"
    assert await house.vault.wrapper.current() == "file:wrapping-0001"
    await rotated(house, WRAPPING)
    [leaf] = await rows(house, "SELECT * FROM evidence.leaf_staged WHERE leaf_type = 7")
    body = orjson.loads(leaf["body"])
    assert (body["old"], body["new"]) == ("file:wrapping-0001", "file:wrapping-0002")
    # The approval was for the change away from the first key, and is used up.
    assert code_of(await rotate(house, ADMIN, WRAPPING, reason="x")) == "approval_missing"
    assert code_of(await resume(house, CLERK, WRAPPING)) == "key_rotation_not_under_way"


async def test_an_interrupted_rotation_is_resumed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "ROWS_AT_ONCE", 5)
    people = many(20)
    await keep(house, *people)
    rewrap, calls = house.vault.wrapper.rewrap, 0

    class KilledError(Exception):
        pass

    async def killed(keys: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KilledError
        return await rewrap(keys)  # type: ignore[arg-type]

    monkeypatch.setattr(house.vault.wrapper, "rewrap", killed)
    with pytest.raises(KilledError):
        await rotated(house, WRAPPING)
    counted = await rows(house, "SELECT count(*) FROM privacy.data_key GROUP BY wrapped_by")
    assert sorted(row[0] for row in counted) == [10, 30]
    assert await names(house, people) == {person.customer_id for person in people}
    payload = await rotation_payload(house, WRAPPING)
    await approve(house, "key_rotation", payload)
    outcome = await rotate(house, ADMIN, WRAPPING, reason="again")
    assert code_of(outcome) == "key_rotation_one_at_a_time"
    assert isinstance(await resume(house, ADMIN, WRAPPING), Rotation)
    assert await names(house, people) == {person.customer_id for person in people}


async def test_a_key_wrapped_before_the_rotation_is_not_stored_after_it(house: House) -> None:
    late = await persons.seal_persons(house.vault, [WANG])
    made = await house.vault.new_keys([(2, Purpose.EVIDENCE)])
    await rotated(house, WRAPPING)
    with pytest.raises(RefusedError) as caught:
        async with house.database.transaction() as connection:
            await persons.store_persons(connection, late, at=house.clock.now())
    assert caught.value.refused.code == "key_service_unavailable"

    async def same(_owners: object) -> object:
        return made

    stale = Vault(house.vault.wrapper, house.vault.index_secret)
    stale.new_keys = same  # type: ignore[method-assign, assignment]
    with pytest.raises(RefusedError):
        async with house.database.transaction() as connection:
            await key_of(connection, stale, 2, Purpose.EVIDENCE, reading("evidence"))
    await keep(house, WANG)
    assert await names(house, [WANG]) == {1}


async def test_a_row_destroyed_while_it_is_rewrapped_stays_destroyed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(house, WANG, LI)
    rewrap = house.vault.wrapper.rewrap

    async def slow(keys: object) -> object:
        async with house.database.transaction() as connection:
            await connection.execute("DELETE FROM privacy.data_key WHERE customer_id = 1")
        return await rewrap(keys)  # type: ignore[arg-type]

    monkeypatch.setattr(house.vault.wrapper, "rewrap", slow)
    await rotated(house, WRAPPING)
    assert await names(house, [WANG, LI]) == {2}


async def test_the_index_is_changed_while_all_search_and_register(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "ROWS_AT_ONCE", 4)
    people = many(30)
    await keep(house, *people)
    stop, searches = asyncio.Event(), 0

    async def search_on() -> None:
        nonlocal searches
        while not stop.is_set():
            person = people[searches % len(people)]
            assert await found(house, person) == [person.customer_id]
            searches += 1

    async def register_on() -> None:
        for person in many(15, first=1_000):
            await keep_again(house, person)

    searching = asyncio.create_task(search_on())
    registering = asyncio.create_task(register_on())
    done = await rotated(house, INDEX)
    await registering
    stop.set()
    await searching
    assert searches > 0
    assert (done.old_key, done.new_key) == ("index:1", "index:2")
    for person in [*people, *many(15, first=1_000)]:
        assert await found(house, person) == [person.customer_id]
    left = await rows(house, "SELECT DISTINCT generation FROM privacy.blind_index")
    assert [row[0] for row in left] == [2]
    assert list(await house.vault.index_secret.read()) == [2]


async def keep_again(house: House, person: PersonRecord) -> None:
    """Register; whoever was turned away because a key or secret changed meanwhile repeats."""
    for _ in range(100):
        with suppress(RefusedError):
            await keep(house, person)
            return
    raise AssertionError("nobody can register")


@pytest.mark.parametrize("step", ["add_generation", "fill_generation", "end_generation",
                                  "drop_generation", "finish_rotation", ""])  # fmt: skip
async def test_an_identity_number_has_one_owner_at_every_step_of_a_change(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await keep(house, WANG)
    twin = replace(WANG, customer_id=9, name="王晓明", phone="+8613700000000")
    tried: list[bool] = []

    async def try_twin() -> None:
        with pytest.raises((asyncpg.UniqueViolationError, RefusedError)) as caught:
            await keep(house, twin)
        tried.append("identity_needs_check" in str(caught.value))

    if step:
        inner = getattr(rotation_store, step)

        async def interrupted(*given: object, **more: object) -> object:
            if not tried:
                # Outside of the transaction at hand, as another process would.
                await asyncio.create_task(try_twin())
            return await inner(*given, **more)

        monkeypatch.setattr(rotation_store, step, interrupted)
    await rotated(house, INDEX)
    if not step:
        await try_twin()
    assert tried == [True]
    assert await found(house, WANG) == [1]


async def test_after_a_change_of_suite_old_records_open_and_new_ones_name_theirs(
    database_url: str, tmp_path: Path
) -> None:
    suites = {"aes-256-gcm": 1, "sm4-gcm": 2, "aes-256-gcm-siv": 3}
    people = many(3)
    for (name, number), person in zip(suites.items(), people, strict=True):
        async with a_house(database_url, tmp_path, cipher_suite=name) as house:
            assert house.vault.suite is Suite(number)
            await keep(house, person)
            kept = [item for item in people if item.customer_id <= person.customer_id]
            assert await names(house, kept) == {item.customer_id for item in kept}
            sealed = await rows(
                house,
                "SELECT get_byte(r.ciphertext, 1), get_byte(k.wrapped_key, 1) "
                "FROM privacy.sealed_record r JOIN privacy.data_key k USING (customer_id, purpose) "
                "WHERE customer_id = $1",
                person.customer_id,
            )
            assert {tuple(row) for row in sealed} == {(number, number)}


async def test_while_the_key_service_is_away_a_rotation_is_refused_and_can_be_resumed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(house, WANG)
    await approve(
        house, "key_rotation", await rotation_payload(house, WRAPPING), second=OFFICER, by=ADMIN
    )
    keys = house.settings.home / "keys"
    rewrap = house.vault.wrapper.rewrap

    async def away(given: object) -> object:
        (keys / "wrapping-0001.key").rename(keys / "away")
        return await rewrap(given)  # type: ignore[arg-type]

    monkeypatch.setattr(house.vault.wrapper, "rewrap", away)
    refused = await rotate(house, ADMIN, WRAPPING, reason="yearly")
    assert code_of(refused) == "key_service_unavailable"
    monkeypatch.setattr(house.vault.wrapper, "rewrap", rewrap)
    (keys / "away").rename(keys / "wrapping-0001.key")
    assert isinstance(await resume(house, ADMIN, WRAPPING), Rotation)
    assert await names(house, [WANG]) == {1}


@pytest.mark.parametrize("kind", list(RotationKind))
async def test_a_damaged_key_leaves_a_rotation_open_and_everybody_else_moved(
    house: House, kind: RotationKind
) -> None:
    """What cannot be moved keeps the old key: it can still be mended, and nobody is lost."""
    people = many(9)
    await keep(house, *people)
    spoilt = people[4].customer_id
    spoil = f"UPDATE privacy.data_key SET wrapped_key = %s WHERE customer_id = {spoilt}"
    async with house.database.connection() as connection:
        await connection.execute(spoil % "wrapped_key || '\\x00'")
    await approve(house, rotate_keys.APPROVALS[kind], await rotation_payload(house, kind))
    assert code_of(await rotate(house, ADMIN, kind, reason="yearly")) == "ciphertext_rejected"
    assert await names(house, people) == {one.customer_id for one in people} - {spoilt}
    assert await found(house, people[4]) == [spoilt]
    async with house.database.connection() as connection:
        await connection.execute(spoil % "substr(wrapped_key, 1, length(wrapped_key) - 1)")
    assert isinstance(await resume(house, ADMIN, kind), Rotation)
    assert len(await names(house, people)) == len(people)
    assert await found(house, people[4]) == [spoilt]


async def test_customers_keys_of_every_purpose_survive(house: House) -> None:
    async with house.database.transaction() as connection:
        before = {
            purpose: await keys_of_each(
                connection, house.vault, range(20), purpose, reading("evidence")
            )
            for purpose in (Purpose.EVIDENCE, Purpose.REPORT)
        }
    await rotated(house, WRAPPING)
    async with house.database.connection() as connection:
        for purpose, keys in before.items():
            assert (
                await existing_keys_of_each(
                    connection, house.vault, range(20), purpose, reading("evidence")
                )
                == keys
            )
