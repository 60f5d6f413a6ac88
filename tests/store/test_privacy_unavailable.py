"""The key service is away: nothing personal is served, money goes on, nothing is lost."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.branch import Branch, an_opening
from tests.store.privacy_desk import (
    CLERK,
    LI,
    WANG,
    a_house,
    code_of,
    keep,
    rows,
)
from tests.unit.privacy.transit_server import TOKEN, Transit, running

from counterfoil.journeys.guarding.reveal import RevealRequest, reveal
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.trail import Wanted
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.vault import Purpose

LOOK = RevealRequest(
    customer_ids=(1,),
    purpose="customer_request",
    data=("identity",),
    ticket="T-1",
    reason="asks",
)


@pytest.fixture
async def transit() -> AsyncIterator[Transit]:
    async with running("counterfoil", "counterfoil-index") as opened:
        yield opened


@pytest.fixture
async def house(database_url: str, tmp_path: Path, transit: Transit) -> AsyncIterator[House]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    async with a_house(
        database_url, tmp_path, key_service_url=transit.url, key_service_token_file=token
    ) as opened:
        await keep(opened, WANG)
        yield opened


async def test_data_keys_are_wrapped_by_the_vault(house: House) -> None:
    wrapped = await rows(house, "SELECT wrapped_by, wrapped_key FROM privacy.data_key")
    assert {row["wrapped_by"] for row in wrapped} == {"transit:counterfoil:v1"}
    assert all(row["wrapped_key"].startswith(b"vault:v1:") for row in wrapped)
    keys = {path.name for path in (house.settings.home / "keys").iterdir()}
    assert not {name for name in keys if re.fullmatch(r"(wrapping|blind-index).*\.key", name)}


@pytest.mark.parametrize("fault", ["sealed", "slow", "standby"])
async def test_money_goes_on_while_nothing_personal_is_served(
    house: House, transit: Transit, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.vault.wrapper._services["transit"]._client, "_timeout", 0.2)  # type: ignore[attr-defined]
    monkeypatch.setattr(house.vault.index_secret._client, "_timeout", 0.2)  # type: ignore[attr-defined]
    branch = Branch(house)
    await branch.get(an_opening(1, 11))
    before = await rows(house, "SELECT * FROM privacy.sealed_record")
    transit.fault = fault
    async with house.database.connection() as connection:
        for attempt in (
            persons.read_clear(
                connection, house.vault, 1, Purpose.CONTACT, reading("person_export")
            ),
            persons.find_persons(connection, house.vault, IndexKind.PHONE, WANG.phone),
            persons.read_id_number(connection, house.vault, 1, reading("person_export")),
        ):
            with pytest.raises(RefusedError) as caught:
                await attempt
            assert caught.value.refused.code == "key_service_unavailable"
        shown = await persons.read_masked(connection, house.vault, [1], reading("person_export"))
        assert code_of(shown[1]) == "key_service_unavailable"
    with pytest.raises(RefusedError):
        await keep(house, LI)
    assert code_of(await reveal(house, CLERK, LOOK)) == "key_service_unavailable"
    [entry] = await find_trail(house, Wanted(act="reveal"))
    assert entry.outcome == "key_service_unavailable"
    # Money asks for no key: a line, a drawdown, its payout, a repayment, and their leaves.
    await branch.get(an_opening(2, 12))
    loan_id = await branch.lend(1, 11, 100_000)
    await branch.repay(1, 11, 30_000, loan_id=loan_id)
    assert not any((await branch.faults()).values())
    staged = await rows(house, "SELECT count(*) FROM evidence.leaf_staged")
    assert staged[0][0] > 3
    transit.fault = ""
    transit.released.set()
    assert await rows(house, "SELECT * FROM privacy.sealed_record") == before
    async with house.database.connection() as connection:
        shown = await persons.read_masked(connection, house.vault, [1], reading("person_export"))
        found = await persons.find_persons(connection, house.vault, IndexKind.PHONE, WANG.phone)
    assert persons.kept_of(shown)[1].name == "王*明"
    assert found == [1]
    await keep(house, LI)
    assert isinstance(await reveal(house, CLERK, LOOK), list)


async def test_a_vault_whose_key_was_made_anew_is_told_apart_from_one_that_is_away(
    house: House, transit: Transit
) -> None:
    transit.make_key("counterfoil")
    async with house.database.connection() as connection:
        shown = await persons.read_masked(connection, house.vault, [1], reading("person_export"))
    assert code_of(shown[1]) == "ciphertext_rejected"
