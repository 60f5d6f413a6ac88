"""Keeping and erasing: holds beat erasure, floors beat wishes, and what is gone stays gone."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest
from tests.store.privacy_desk import (
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

from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.journeys.books.destroyed import check_destroyed_texts
from counterfoil.journeys.books.findings import Result
from counterfoil.journeys.guarding import erase
from counterfoil.journeys.guarding.erase import erasure_payload
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.trail import Wanted
from counterfoil.privacy import envelope
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.data_keys import existing_key, key_of
from counterfoil.privacy.erasure_store import Erasure, Hold
from counterfoil.privacy.vault import Purpose

ENDED = date(2016, 1, 4)
TODAY = date(2026, 1, 5)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path) as opened:
        await keep(opened, WANG, LI)
        await erase.end_purpose(opened, "identity", {1: ENDED})
        yield opened


async def do(house: House, data_class: str = "identity", *, on: date = TODAY) -> object:
    return await erase.erase(
        house, OFFICER, customer_id=1, data_class=data_class, on=on, reason="schedule"
    )


async def test_an_erasure_destroys_keys_records_and_digests_and_leaves_a_leaf(
    house: House,
) -> None:
    backup = await rows(house, "SELECT * FROM privacy.sealed_record WHERE customer_id = 1")
    assert len(backup) == 2
    await approve(house, "erasure", erasure_payload(1, "identity"))
    outcome = await do(house)
    assert isinstance(outcome, Erasure)
    assert outcome.keys_destroyed == 2
    assert outcome.gone_by == house.clock.now().date() + timedelta(days=35)
    for table in ("data_key", "sealed_record", "blind_index"):
        assert await rows(house, f"SELECT 1 FROM privacy.{table} WHERE customer_id = 1") == []
        assert await rows(house, f"SELECT 1 FROM privacy.{table} WHERE customer_id = 2") != []
    async with house.database.connection() as connection:
        shown = await persons.read_masked(connection, house.vault, [1, 2], reading("person_export"))
        assert (code_of(shown[1]), set(persons.kept_of(shown))) == ("personal_data_not_found", {2})
        nobody = await persons.find_persons(
            connection, house.vault, IndexKind.ID_NUMBER, WANG.id_number
        )
    assert nobody == []
    [leaf] = await rows(house, "SELECT * FROM evidence.leaf_staged WHERE leaf_type = 6")
    body = orjson.loads(leaf["body"])
    assert leaf["commitment"] == commitment(LeafType.ERASED, leaf["salt"], leaf["body"])
    assert (body["data_class"], body["rule"], body["keys"]) == ("identity", "R034", 2)
    assert WANG.name not in leaf["body"].decode()
    privacy = await erase.read_privacy(house, 1)
    assert [item.data_class for item in privacy.erasures] == ["identity"]
    assert privacy.standings[0].state == "erased"
    assert code_of(await do(house)) == "data_erased"


async def test_what_was_sealed_under_a_shredded_key_opens_for_nobody(house: House) -> None:
    place = envelope.place("bureau.report", "sealed", 5, 1, "report")
    async with house.database.transaction() as connection:
        key = await key_of(connection, house.vault, 1, Purpose.REPORT, reading("evidence"))
    sealed = envelope.encrypt(key, b"report", place)
    await erase.end_purpose(house, "report", {1: TODAY})
    await approve(house, "erasure", erasure_payload(1, "report"))
    assert isinstance(await do(house, "report"), Erasure)
    async with house.database.transaction() as connection:
        assert (
            await existing_key(connection, house.vault, 1, Purpose.REPORT, reading("evidence"))
            is None
        )
        again = await key_of(connection, house.vault, 1, Purpose.REPORT, reading("evidence"))
    with pytest.raises(envelope.CiphertextRejectedError, match="another_key"):
        envelope.decrypt(again, sealed, place)


async def test_sealed_texts_of_contracts_go_with_their_key_and_the_check_sees_what_is_left(
    house: House,
) -> None:
    async with house.database.transaction() as connection:
        # A text alone, without the contract that it belongs to.
        await connection.execute("SET LOCAL session_replication_role = replica")
        for customer_id in (1, 2):
            await connection.execute(
                "INSERT INTO contracts.sealed VALUES ($1, 9, 'text', $2)", customer_id, bytes(40)
            )
    await erase.end_purpose(house, "transactions", {1: ENDED})
    await approve(house, "erasure", erasure_payload(1, "transactions"))
    assert isinstance(await do(house, "transactions"), Erasure)
    left = "SELECT customer_id FROM contracts.sealed"
    assert [row["customer_id"] for row in await rows(house, left)] == [2]
    result = Result()
    async with house.database.transaction() as connection:
        await check_destroyed_texts(connection, result)
        assert (result.examined, result.ok) == (1, True)
        # A restore of old rows brings the text back.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE contracts.sealed SET customer_id = 1")
        await check_destroyed_texts(connection, result)
    assert not result.ok


async def test_a_hold_beats_erasure_and_is_shown(house: House) -> None:
    await approve(house, "erasure", erasure_payload(1, "identity"))
    hold = await erase.set_hold(house, OFFICER, customer_id=1, reason="court file", ticket="C-9")
    assert isinstance(hold, Hold)
    assert code_of(await do(house)) == "legal_hold_stands"
    assert await erase.find_erasable(house, on=TODAY) == []
    assert [item.reason for item in (await erase.read_privacy(house, 1)).holds] == ["court file"]
    lifted = await erase.lift_hold(
        house, OFFICER, customer_id=1, hold_id=hold.hold_id, reason="case closed"
    )
    assert lifted is None
    again = await erase.lift_hold(
        house, OFFICER, customer_id=1, hold_id=hold.hold_id, reason="case closed"
    )
    assert code_of(again) == "legal_hold_not_found"
    assert isinstance(await do(house), Erasure)


@pytest.mark.parametrize(
    ("on", "code"),
    [
        (date(2026, 1, 3), "retention_not_over"),
        (date(2026, 1, 4), "retention_not_over"),
        (date(2026, 1, 5), "approval_missing"),
    ],
)
async def test_the_floor_beats_a_wish_to_the_day(house: House, on: date, code: str) -> None:
    assert code_of(await do(house, on=on)) == code
    [entry] = await find_trail(house, Wanted(act="erasure"))
    assert entry.outcome == code


async def test_what_has_no_end_is_not_erased(house: House) -> None:
    assert code_of(await do(house, "transactions")) == "retention_not_over"
    assert code_of(await do(house, "nothing")) == "data_class_unknown"
    refused = await erase.end_purpose(house, "nothing", {1: TODAY})
    assert refused is not None


async def test_the_approval_of_one_customer_is_not_good_for_another(house: House) -> None:
    await approve(house, "erasure", erasure_payload(2, "identity"))
    assert code_of(await do(house)) == "approval_missing"
    async with house.database.connection() as connection:
        assert persons.kept_of(
            await persons.read_masked(connection, house.vault, [1], reading("person_export"))
        )


async def test_the_schedule_restricts_first_and_lists_what_may_go(house: House) -> None:
    await erase.end_purpose(house, "identity", {2: TODAY})
    await erase.end_purpose(house, "report", {2: TODAY})
    await erase.end_purpose(house, "transactions", {2: TODAY + timedelta(days=1)})
    assert await erase.apply_retention(house, on=TODAY) == 3
    assert await erase.apply_retention(house, on=TODAY) == 0
    lines = await find_trail(house, Wanted(actor="schedule"))
    assert {(line.act, line.subject, line.customer_ids) for line in lines} == {
        ("restriction", "identity", (1, 2)),
        ("restriction", "report", (2,)),
    }
    states = {
        (item.customer_id, item.data_class): item.state.value
        for number in (1, 2)
        for item in (await erase.read_privacy(house, number)).standings
    }
    assert states == {
        (1, "identity"): "restricted",
        (2, "identity"): "restricted",
        (2, "report"): "restricted",
        (2, "transactions"): "active",
    }
    erasable = await erase.find_erasable(house, on=TODAY)
    assert [(item.customer_id, item.data_class) for item in erasable] == [
        (2, "report"),
        (1, "identity"),
    ]


async def test_a_purpose_that_goes_on_makes_data_active_again(house: House) -> None:
    await erase.apply_retention(house, on=TODAY)
    await erase.end_purpose(house, "identity", {1: TODAY + timedelta(days=30)})
    [standing] = (await erase.read_privacy(house, 1)).standings
    assert (standing.state, standing.keep_until) == ("active", date(2036, 2, 4))


async def test_a_key_that_is_being_used_is_not_destroyed_under_the_user(house: House) -> None:
    await approve(house, "erasure", erasure_payload(1, "identity"))
    async with house.database.transaction() as user:
        assert await key_of(user, house.vault, 1, Purpose.IDENTITY, reading("evidence"))
        async with house.database.connection() as other:
            await other.execute("SET lock_timeout = '100ms'")
            free = await other.fetchval("SELECT pg_try_advisory_xact_lock(7205759403792843)")
            await other.execute("RESET lock_timeout")
        assert free is False
    assert isinstance(await do(house), Erasure)


async def test_erasing_needs_no_key_service(house: House) -> None:
    await approve(house, "erasure", erasure_payload(1, "identity"))
    keys = house.settings.home / "keys"
    (keys / "wrapping-0001.key").unlink()
    assert isinstance(await do(house), Erasure)
    async with house.database.connection() as connection:
        found = await persons.read_masked(connection, house.vault, [2], reading("person_export"))
    assert isinstance(found[2], Refused)
    assert found[2].code == "key_service_unavailable"
    await erase.set_hold(house, CLERK, customer_id=2, reason="x", ticket="")
