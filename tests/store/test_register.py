"""A person becomes a number: once, with nothing left behind where it fails."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from tests.store.application_desk import (
    ID_NUMBER,
    code_of,
    count,
    open_counter,
    register,
    registered,
)

from counterfoil.customers import store as customers
from counterfoil.journeys.applying.register import ApplicantView
from counterfoil.journeys.house import House


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_counter(database_url, tmp_path) as opened:
        yield opened


async def test_a_person_becomes_a_number(house: House) -> None:
    customer_id = await registered(house)
    async with house.database.connection() as connection:
        customer = await customers.read_customer(connection, customer_id)
        assert customer is not None
        assert customer.status == "active"
        assert await customers.read_customers(connection, page=10) == [customer]


async def test_the_same_key_registers_once(house: House) -> None:
    first = await register(house)
    second = await register(house, phone="+86 138 0013 8000")
    assert isinstance(first, ApplicantView)
    assert isinstance(second, ApplicantView)
    assert first.customer_id == second.customer_id
    assert (first.is_replay, second.is_replay) == (False, True)
    assert await count(house, "customers.customer") == 1


async def test_a_key_is_for_one_request(house: House) -> None:
    await registered(house)
    assert code_of(await register(house, name="王晓明")) == "idempotency_key_reused"


async def test_a_second_registration_of_a_number_needs_a_person(house: House) -> None:
    await registered(house)
    assert code_of(await register(house, key="r2")) == "identity_needs_check"
    assert code_of(await register(house, key="r3", name="李雷")) == "identity_needs_check"
    assert await count(house, "customers.customer") == 1
    assert await count(house, "platform.command") == 1


async def test_twins_at_the_same_moment_register_once(house: House) -> None:
    same_key = await asyncio.gather(*(register(house) for _ in range(5)))
    numbers = {view.customer_id for view in same_key if isinstance(view, ApplicantView)}
    assert len(numbers) == 1
    other_keys = await asyncio.gather(*(register(house, key=f"x{n}") for n in range(3)))
    assert {code_of(answer) for answer in other_keys} == {"identity_needs_check"}
    assert await count(house, "privacy.data_key") == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "name_invalid"),
        ({"id_number": "119900199003077871"}, "id_number_invalid"),
        ({"phone": "12345"}, "phone_invalid"),
    ],
)
async def test_malformed_particulars_leave_nothing_behind(
    house: House, changes: dict[str, str], code: str
) -> None:
    assert code_of(await register(house, **changes)) == code
    assert await count(house, "customers.customer") == 0
    assert await count(house, "platform.command") == 0


async def test_without_keys_registration_waits_and_nothing_is_lost(
    house: House, tmp_path: Path
) -> None:
    key = tmp_path / "keys" / "wrapping-0001.key"
    key.rename(key.with_suffix(".away"))
    assert code_of(await register(house)) == "key_service_unavailable"
    assert await count(house, "customers.customer") == 0
    key.with_suffix(".away").rename(key)
    assert isinstance(await register(house), ApplicantView)


async def test_a_recorded_request_does_not_give_the_person_away(house: House) -> None:
    await registered(house)
    async with house.database.connection() as connection:
        row = await connection.fetchrow("SELECT request_hash, answer FROM platform.command")
    # The hash is taken of a keyed digest: nobody can try out identity numbers against it.
    guess = sha256(ID_NUMBER.encode()).digest()
    assert row["request_hash"] != guess[:16]
    assert set(orjson.loads(row["answer"])) == {"customer_id"}
