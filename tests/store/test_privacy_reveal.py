"""Looking in clear: for a purpose of one's role, with ticket and reason, and always on record."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
    staff,
)

from counterfoil.journeys.guarding import erase
from counterfoil.journeys.guarding.recipient_keys import made_by
from counterfoil.journeys.guarding.reveal import (
    Revealed,
    RevealRequest,
    bulk_payload,
    check_grant,
    look_again,
    record_opening,
    reveal,
)
from counterfoil.journeys.guarding.show_persons import shown_persons
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payee_names import BorrowerNames
from counterfoil.journeys.paying.payers import is_own
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import Actor, Reading, reading
from counterfoil.platform.trail import Wanted
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.grant_store import Grant
from counterfoil.privacy.person_store import MaskedPerson, fill_regions, kept_of, read_masked
from counterfoil.privacy.vault import Purpose


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path) as opened:
        await keep(opened, WANG, LI)
        yield opened


def a_look(
    *customer_ids: int,
    purpose: str = "customer_request",
    data: tuple[str, ...] = ("identity", "contact"),
    ticket: str = "T-1",
    reason: str = "asks which number we have",
    minutes: int | None = None,
) -> RevealRequest:
    return RevealRequest(
        customer_ids=customer_ids or (1,),
        purpose=purpose,
        data=data,
        ticket=ticket,
        reason=reason,
        minutes=minutes,
    )


async def seen(house: House, actor: Actor, request: RevealRequest) -> Revealed:
    outcome = await reveal(house, actor, request)
    assert isinstance(outcome, list), outcome
    return outcome[0]


async def test_a_look_shows_the_fields_of_its_purpose_and_is_on_record(house: House) -> None:
    shown = await seen(house, CLERK, a_look())
    assert shown.data == {
        "identity": {"name": WANG.name, "id_number": WANG.id_number},
        "contact": {"phone": WANG.phone},
    }
    assert WANG.name not in repr(shown)
    assert shown.expires_at == house.clock.now() + timedelta(minutes=15)
    looks = await rows(house, "SELECT * FROM privacy.reveal ORDER BY purpose")
    assert [(look["purpose"], look["revealed_to"]) for look in looks] == [
        ("contact", "clerk.a"),
        ("identity", "clerk.a"),
    ]
    assert {look["grant_id"] for look in looks} == {shown.grant_id}
    [leaf] = await rows(house, "SELECT * FROM evidence.leaf_staged WHERE leaf_type = 5")
    body = orjson.loads(leaf["body"])
    assert (leaf["customer_id"], leaf["subject_id"]) == (1, shown.grant_id)
    assert (body["who"], body["ticket"], body["purpose"]) == ("clerk.a", "T-1", "customer_request")
    [entry] = await find_trail(house, Wanted(customer_id=1))
    assert (entry.act, entry.outcome, entry.reason) == (
        "reveal",
        "done",
        "asks which number we have",
    )


async def test_a_collector_sees_no_identity_number(house: House) -> None:
    shown = await seen(house, staff("collector"), a_look(purpose="collection"))
    assert shown.data["identity"] == {"name": WANG.name}


@pytest.mark.parametrize(
    ("actor", "request_", "code"),
    [
        (CLERK, a_look(purpose="legal_request"), "purpose_not_allowed"),
        (CLERK, a_look(purpose="nothing"), "purpose_not_allowed"),
        (CLERK, a_look(data=("report",)), "purpose_not_allowed"),
        (CLERK, a_look(data=()), "purpose_not_allowed"),
        (staff("finance"), a_look(), "purpose_not_allowed"),
        (staff("administrator"), a_look(), "purpose_not_allowed"),
        (staff("stranger"), a_look(), "purpose_not_allowed"),
        (CLERK, a_look(reason="  "), "reveal_reason_missing"),
        (CLERK, a_look(ticket=""), "ticket_invalid"),
        (CLERK, a_look(ticket="call 13800131234"), "ticket_invalid"),
        (CLERK, a_look(99), "personal_data_not_found"),
    ],
)
async def test_what_may_not_be_seen_is_refused_and_recorded(
    house: House, actor: Actor, request_: RevealRequest, code: str
) -> None:
    assert code_of(await reveal(house, actor, request_)) == code
    [entry] = await find_trail(house, Wanted())
    assert (entry.act, entry.outcome, entry.actor) == ("reveal", code, actor.name)
    assert await rows(house, "SELECT 1 FROM privacy.reveal") == []
    assert await rows(house, "SELECT 1 FROM privacy.access_grant") == []


async def test_a_grant_lets_its_owner_look_again_until_it_ends(house: House) -> None:
    first = await seen(house, CLERK, a_look(minutes=5))
    again = await look_again(house, CLERK, customer_id=1, grant_id=first.grant_id)
    assert isinstance(again, Revealed)
    assert again.data == first.data
    stranger = staff("operations", "clerk.b")
    refused = await look_again(house, stranger, customer_id=1, grant_id=first.grant_id)
    assert code_of(refused) == "grant_not_valid"
    refused = await look_again(house, CLERK, customer_id=2, grant_id=first.grant_id)
    assert code_of(refused) == "grant_not_valid"
    house.clock.advance(timedelta(minutes=5))  # type: ignore[attr-defined]
    refused = await look_again(house, CLERK, customer_id=1, grant_id=first.grant_id)
    assert code_of(refused) == "grant_not_valid"
    counted = await rows(house, "SELECT count(*) FROM evidence.leaf_staged WHERE leaf_type = 5")
    assert counted[0][0] == 2


async def test_no_grant_lasts_longer_than_its_purpose_says(house: House) -> None:
    shown = await seen(house, CLERK, a_look(minutes=10_000))
    assert shown.expires_at == house.clock.now() + timedelta(minutes=15)


async def test_a_role_that_lost_its_purpose_looks_no_more(house: House) -> None:
    first = await seen(house, CLERK, a_look())
    moved = Actor(name=CLERK.name, role="finance", source="test")
    refused = await look_again(house, moved, customer_id=1, grant_id=first.grant_id)
    assert code_of(refused) == "purpose_not_allowed"


async def test_many_persons_need_a_second_person(house: House) -> None:
    everybody = a_look(1, 2, 3, 4, purpose="legal_request")
    assert code_of(await reveal(house, OFFICER, everybody)) == "personal_data_not_found"
    for number in (3, 4):
        await keep(
            house,
            type(WANG)(
                customer_id=number,
                name="韩梅",
                id_number=f"11010519491231{number:04d}",
                phone="+8613700137000",
            ),
        )
    assert code_of(await reveal(house, OFFICER, everybody)) == "approval_missing"
    for number in (1, 2, 3):
        await seen(house, OFFICER, a_look(number, purpose="legal_request"))
    # One after the other is many as well; the same person again is not one more.
    one_more = a_look(4, purpose="legal_request")
    assert code_of(await reveal(house, OFFICER, one_more)) == "approval_missing"
    await seen(house, OFFICER, a_look(3, purpose="legal_request"))
    await approve(house, "bulk_reveal", bulk_payload(everybody))
    outcome = await reveal(house, OFFICER, everybody)
    assert isinstance(outcome, list)
    assert len(outcome) == 4
    assert code_of(await reveal(house, OFFICER, everybody)) == "approval_missing"
    house.clock.advance(timedelta(minutes=61))  # type: ignore[attr-defined]
    await seen(house, OFFICER, one_more)


async def test_restricted_data_is_opened_for_legal_purposes_only(house: House) -> None:
    today = await house.business_date()
    await erase.end_purpose(house, "identity", {1: today})
    assert await erase.apply_retention(house, on=today) == 1
    assert code_of(await reveal(house, CLERK, a_look())) == "data_restricted"
    await seen(house, CLERK, a_look(2))
    async with house.database.connection() as connection:
        masked = kept_of(
            await read_masked(connection, house.vault, [1, 2], reading("person_export"))
        )
    assert {masked[1].name, masked[1].id_number, masked[1].phone} == {"****"}
    assert masked[2].name != "****"
    shown = await seen(house, OFFICER, a_look(purpose="legal_request"))
    assert shown.data["identity"]["name"] == WANG.name


async def test_a_masked_read_outside_the_purposes_is_refused_and_recorded(house: House) -> None:
    hours_kept = Actor(name="clock.a", role="operations", source="test 127.0.0.1")
    curious = Reading(act="view", purpose="operation", actor=hours_kept)
    with pytest.raises(RefusedError) as caught:
        async with house.database.transaction() as connection:
            await read_masked(connection, house.vault, [1, 2], curious)
    assert caught.value.refused.code == "read_outside_purpose"
    [line] = await find_trail(house, Wanted(act="open"))
    assert (line.actor, line.outcome, line.purpose) == (
        "clock.a", "read_outside_purpose", "operation",
    )  # fmt: skip
    assert (line.customer_ids, line.subject, line.after) == ((1, 2), "view", "identity")


async def test_of_many_the_damaged_one_is_named_and_the_others_are_seen(house: House) -> None:
    async with house.database.connection() as connection:
        await connection.execute(
            "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00'"
            " WHERE customer_id = 1 AND purpose = 'identity'"
        )
    outcome = await reveal(house, CLERK, a_look(1, 2))
    assert isinstance(outcome, list), outcome
    first, second = outcome
    assert (first.damaged, set(first.data)) == (("identity",), {"contact"})
    assert (second.damaged, set(second.data)) == ((), {"identity", "contact"})
    alone = await reveal(house, CLERK, a_look(1, data=("identity",)))
    assert code_of(alone) == "ciphertext_rejected"


async def test_of_many_payees_and_payers_the_damaged_one_is_unknown(house: House) -> None:
    digest = await house.vault.index_key(IndexKind.PAYER)
    both: Any = [
        SimpleNamespace(customer_id=number, payment_id=number, payee_ref="x", loan_id=None)
        for number in (1, 2)
    ]
    async with house.database.transaction() as connection:
        await connection.execute(
            "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00' WHERE customer_id = 1"
        )
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM privacy.customer_region")
    async with house.database.transaction() as connection:
        assert await is_own(house, connection, 1, digest) is None
        assert await is_own(house, connection, 2, digest) is False
        _, filled = await fill_regions(connection, house.vault, reading("region"), after=0, page=10)
        assert filled == [2]
    names = BorrowerNames(house)
    assert (await names.names_of(both[1:]))[2].name == LI.name
    with pytest.raises(RefusedError):
        await names.names_of(both[:1])


async def people(house: House, actor: Actor, customer_ids: list[int]) -> dict[int, MaskedPerson]:
    return kept_of(await shown_persons(house, actor, customer_ids))


async def test_a_page_shows_what_the_role_reads_for_and_nothing_else(house: House) -> None:
    shown = {
        role: (await people(house, staff(role), [1]))[1]
        for role in ("operations", "collector", "finance", "risk_analyst", "support")
    }
    assert (shown["operations"].name, shown["operations"].id_number) == (
        "王*明", "110***********002X",
    )  # fmt: skip
    collector, finance = shown["collector"], shown["finance"]
    assert (collector.name, collector.id_number) == ("王*明", "****")
    assert collector.phone == "138****1234"
    assert (finance.name, finance.phone) == ("王*明", "****")
    analyst, support = shown["risk_analyst"], shown["support"]
    assert (analyst.id_number, analyst.phone) == ("****", "****")
    assert len({analyst.name, support.name}) == 2
    for person in (analyst, support):
        assert len(person.name) == 20
        assert "王" not in person.name
    again = await people(house, staff("risk_analyst", "another"), [1, 2])
    assert again[1] == analyst, "colleagues of a role can speak of the same customer"
    assert again[2].name != analyst.name
    agencies = [(await people(house, staff("agency", name), [1]))[1].name for name in ("a", "b")]
    assert len({analyst.name, *agencies}) == 3, "two agencies cannot compare what they see"
    keys = {path.name for path in (house.settings.home / "keys" / "exports").iterdir()}
    assert {"role.risk_analyst.key", "role.agency.a.key", "role.agency.b.key"} <= keys
    leaked = made_by(house, [[analyst.name, "x"], [again[2].name]])
    assert leaked == {"role.risk_analyst": 2}
    # Without the key service pseudonyms are shown as ever: nothing of a person is opened.
    key = house.settings.home / "keys" / "wrapping-0001.key"
    key.rename(key.with_suffix(".away"))
    assert (await shown_persons(house, staff("risk_analyst"), [1]))[1] == analyst
    assert code_of((await shown_persons(house, staff("operations"), [1]))[1]) == (
        "key_service_unavailable"
    )


async def test_while_the_key_service_is_away_nothing_is_shown_or_recorded_as_shown(
    house: House,
) -> None:
    key = house.settings.home / "keys" / "wrapping-0001.key"
    key.rename(key.with_suffix(".away"))
    assert code_of(await reveal(house, CLERK, a_look())) == "key_service_unavailable"
    key.with_suffix(".away").rename(key)
    assert await rows(house, "SELECT 1 FROM privacy.access_grant") == []
    await seen(house, CLERK, a_look())


async def test_a_grant_opens_what_another_room_keeps(house: House) -> None:
    analyst = staff("risk_analyst")
    shown = await seen(house, analyst, a_look(purpose="credit_review", data=("report",)))
    assert shown.data == {"report": {}}
    granted = await check_grant(
        house, analyst, customer_id=1, grant_id=shown.grant_id, data=Purpose.REPORT
    )
    assert isinstance(granted, Grant)
    async with house.database.transaction() as connection:
        await record_opening(house, connection, analyst, granted)
    leaves = await rows(house, "SELECT 1 FROM evidence.leaf_staged WHERE leaf_type = 5")
    assert len(leaves) == 2
    refused = await check_grant(
        house, analyst, customer_id=1, grant_id=shown.grant_id, data=Purpose.IDENTITY
    )
    assert code_of(refused) == "grant_not_valid"
