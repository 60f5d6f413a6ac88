"""Addresses, statements and notices on their way: proven, sent, come back, given up, sent again."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from tests.store.branch import reversal
from tests.store.settings_desk import LINE, SettingsDesk, open_desk
from tests.store.test_papers import kept as keep_papers

from counterfoil.customers import contact_case_store, message_store
from counterfoil.customers.contact_case import ContactCase, ContactStep
from counterfoil.customers.http_messages import HttpCarrier
from counterfoil.customers.message import Message
from counterfoil.customers.setting import Channel, Setting, StatementForm
from counterfoil.journeys.borrowing.statement_papers import queue_statements, statement_file
from counterfoil.journeys.serving import change_address, reach_customers
from counterfoil.journeys.serving.carried_codes import CarriedCodes
from counterfoil.journeys.serving.change_setting import Asked
from counterfoil.journeys.serving.deliver_messages import send_again, send_due
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_working_days
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.trail import Wanted
from counterfoil.rules.shelf import working_days
from counterfoil.simulator.messages.server import make_app
from counterfoil.simulator.messages.service import Manner, MessageService

MAIL = "lin@example.org"
HOME = "北京市朝阳区建国路 1 号 100020"
_LAST = 2**63 - 1
REVIEWER = Actor(name="officer.li", role="operations", source="console")
NOBODY = Actor(name="eve", role="analyst", source="console")


@pytest.fixture
async def service() -> MessageService:
    return MessageService()


@pytest.fixture
async def desk(
    database_url: str, tmp_path: Path, service: MessageService
) -> AsyncIterator[SettingsDesk]:
    transport = httpx.ASGITransport(app=make_app(service, slow_seconds=0))
    async with (
        open_desk(database_url, tmp_path) as opened,
        HttpCarrier("http://carrier", transport=transport) as carrier,
    ):
        opened.branch.house = replace(opened.branch.house, messages=carrier)
        yield opened


async def prove(desk: SettingsDesk, channel: Channel, address: str) -> None:
    """Name an address and prove it."""
    house, customer_id = desk.branch.house, desk.customer_id
    asked = await change_address.name_address(
        house,
        customer_id=customer_id,
        channel=channel,
        address=address,
        by="portal",
        idempotency_key=f"name-{channel}",
    )
    assert isinstance(asked, Asked), asked
    assert asked.code is not None
    number = ids.from_text(ids.ADDRESS_REQUEST, orjson.loads(asked.answer.text)["id"])

    async def proven(given: str, code: str, key: str) -> Answer | Refused:
        return await change_address.prove_address(
            house,
            customer_id=customer_id,
            request_id=number,
            address=given,
            code=code,
            idempotency_key=key,
        )

    wrong = "000000" if asked.code != "000000" else "111111"
    other = "other@example.org" if channel is Channel.EMAIL else f"{address} 2"
    for given, code, key in ((address, wrong, "a"), (other, asked.code, "b")):
        refused = await proven(given, code, f"{channel}-{key}")
        assert isinstance(refused, Refused)
        assert refused.code == "one_time_code_wrong"
    done = await proven(address, asked.code, f"{channel}-c")
    assert isinstance(done, Answer), done
    again = await proven(address, asked.code, f"{channel}-d")
    assert isinstance(again, Refused)


async def messages(desk: SettingsDesk, kind: str) -> list[Any]:
    async with desk.branch.house.database.connection() as connection:
        rows = await message_store.read_messages(
            connection, desk.customer_id, before=_LAST, page=50
        )
    return [row for row in rows if row["kind"] == kind]


async def drain(desk: SettingsDesk) -> None:
    while await send_due(desk.branch.house):
        pass


async def test_an_address_is_proven_before_it_is_kept_and_used(
    desk: SettingsDesk, service: MessageService
) -> None:
    refused = await desk.try_to_ask(Setting.CHANNELS, channels=(Channel.SMS, Channel.EMAIL))
    assert isinstance(refused, Refused)
    assert refused.code == "channel_without_address"
    await prove(desk, Channel.EMAIL, MAIL)
    await prove(desk, Channel.LETTER, HOME)
    house = desk.branch.house
    known = await change_address.read_addresses(
        house, customer_id=desk.customer_id, reading=reading("own_addresses")
    )
    assert isinstance(known, dict)
    assert (known["email"], known["letter"]) == ("l****@example.org", "北京市****")
    for table in ("customers.address_request", "customers.message", "platform.command"):
        text = repr(await desk.branch.rows(f"SELECT * FROM {table}"))
        assert MAIL not in text
        assert HOME not in text
    await desk.change(Setting.CHANNELS, channels=(Channel.EMAIL,))
    await drain(desk)
    assert {channel for _, channel in service.taken} == {"sms", "email"}
    for given, code in ((Channel.EMAIL, "address_in_use"), (Channel.SMS, "address_channel")):
        kept = await change_address.remove_address(
            house, customer_id=desk.customer_id, channel=given, by="x", idempotency_key=given
        )
        assert isinstance(kept, Refused)
        assert kept.code == code
    gone = await change_address.remove_address(
        house, customer_id=desk.customer_id, channel=Channel.LETTER, by="x", idempotency_key="l"
    )
    assert isinstance(gone, Answer)
    known = await change_address.read_addresses(
        house, customer_id=desk.customer_id, reading=reading("own_addresses")
    )
    assert isinstance(known, dict)
    assert set(known) == {"sms", "email"}


async def test_a_statement_is_kept_sent_once_and_sent_again_when_it_is_corrected(
    desk: SettingsDesk, service: MessageService
) -> None:
    house = desk.branch.house
    loan_id = await desk.branch.lend(desk.customer_id, LINE, 300_000)
    await desk.close_to(date(2026, 1, 20))
    paid = await desk.branch.repay(desk.customer_id, LINE, 50_000)
    await prove(desk, Channel.EMAIL, MAIL)
    await desk.change(Setting.CHANNELS, channels=(Channel.SMS, Channel.EMAIL))
    await desk.change(Setting.STATEMENT_FORM, statement_form=StatementForm.EMAIL)
    early = await statement_file(
        house, customer_id=desk.customer_id, line_id=LINE, month=date(2026, 1, 1),
        language=Language.ENGLISH,
    )  # fmt: skip
    assert isinstance(early, Refused)
    await desk.close_to(date(2026, 2, 3))
    for queued in (1, 1):
        walk = await queue_statements(house, since=None, after=0)
        assert (walk.queued, walk.after) == (queued, None)
    await drain(desk)
    [told] = await messages(desk, "statement")
    fields = orjson.loads(told["fields"])
    assert (told["status"], told["sent_by"], fields["month"]) == ("sent", "email", "2026-01")
    assert fields["closing_minor"] == await desk.branch.value(
        "SELECT principal_minor FROM lending.loan WHERE loan_id = $1", loan_id
    )
    name = f"statement-{fields['line']}-2026-01-v1.pdf"
    assert name in repr(service.taken)
    file = await statement_file(
        house, customer_id=desk.customer_id, line_id=LINE, month=date(2026, 1, 9),
        language=Language.CHINESE,
    )  # fmt: skip
    assert not isinstance(file, Refused)
    assert file.content.startswith(b"%PDF-")
    await desk.branch.get(reversal(desk.customer_id, LINE, paid))
    await keep_papers(desk.branch)
    await drain(desk)
    [corrected] = await messages(desk, "statement_corrected")
    assert orjson.loads(corrected["fields"])["version"] == 2
    desk.wait(minutes=2)
    await drain(desk)
    [told] = await messages(desk, "statement")
    assert told["status"] == "delivered"


async def test_what_comes_back_goes_on_and_what_nobody_takes_lies_before_staff(
    desk: SettingsDesk, service: MessageService
) -> None:
    house = desk.branch.house
    await prove(desk, Channel.EMAIL, MAIL)
    await desk.change(Setting.CHANNELS, channels=(Channel.EMAIL, Channel.SMS))
    await drain(desk)
    service.manners["email"] = Manner.BOUNCES
    await desk.change(Setting.LANGUAGE, language=Language.ENGLISH)
    await drain(desk)
    for _ in range(2):
        desk.wait(minutes=2)
        await drain(desk)
    told = (await messages(desk, "setting_changed"))[0]
    assert (told["status"], told["sent_by"]) == ("delivered", "sms")
    assert told["tried"] == "email sent, email bounced, sms sent, sms delivered"
    service.manners |= {"email": Manner.REFUSES, "sms": Manner.REFUSES}
    await desk.change(Setting.LANGUAGE, language=Language.CHINESE)
    await drain(desk)
    async with house.database.connection() as connection:
        [dead] = await message_store.read_undeliverable(connection, after=0, page=10)
    assert dead["tried"] == "email refused, sms refused"
    [case] = await open_cases(desk)
    service.manners.clear()
    for key, code in (("again", None), ("twice", "message_not_undeliverable")):
        sent = await send_again(
            house,
            customer_id=desk.customer_id,
            message_id=dead["message_id"],
            idempotency_key=key,
            by="li-wei",
        )
        assert (sent.code if isinstance(sent, Refused) else None) == code
    assert [await status_of(desk, case)] == ["sent_again"]
    await drain(desk)
    assert (await messages(desk, "setting_changed"))[0]["status"] == "sent"


async def test_a_customer_whom_no_channel_reaches_is_a_case_until_somebody_has_reached_them(
    desk: SettingsDesk, service: MessageService
) -> None:
    house = desk.branch.house
    service.manners["sms"] = Manner.REFUSES
    await desk.change(Setting.LANGUAGE, language=Language.ENGLISH)
    await drain(desk)
    await desk.change(Setting.LANGUAGE, language=Language.CHINESE)
    await drain(desk)
    [case] = await open_cases(desk)
    key = {"customer_id": desk.customer_id, "case_id": case.case_id}
    seen = await reach_customers.see_contact_case(house, **key)
    assert not isinstance(seen, Refused)
    assert [row["status"] for row in seen[1]] == ["undeliverable"] * 2
    days = working_days()
    on = await house.business_date()
    assert case.due_on == add_working_days(on, 3, days=days)
    async with house.database.transaction() as connection:
        legal = Message(
            customer_id=desk.customer_id,
            message_id=seen[1][0]["message_id"],
            kind="line_notice",
            cause="x",
            is_legal=True,
            fields={},
            created_at=house.clock.now(),
        )
        await reach_customers.open_for(house, connection, legal)
    [nearer] = await open_cases(desk)
    assert (nearer.case_id, nearer.is_legal) == (case.case_id, True)
    assert nearer.due_on == add_working_days(on, 1, days=days)

    async def step(what: ContactStep, said: str = "", by: Actor = REVIEWER) -> str:
        after = await reach_customers.note_contact(house, by, **key, step=what, said=said)
        return after.code if isinstance(after, Refused) else after.status.value

    assert await step(ContactStep.MISSED, by=NOBODY) == "reviewer_not_allowed"
    taken = await reach_customers.take_contact_case(house, REVIEWER, **key, gives_back=False)
    assert not isinstance(taken, Refused)
    assert taken.taken_by == REVIEWER.name
    other = replace(REVIEWER, name="another")
    assert await step(ContactStep.TOLD, "met", by=other) == "contact_case_taken"
    for _ in range(2):
        assert await step(ContactStep.MISSED) == "open"
    assert await step(ContactStep.UNREACHABLE) == "contact_attempt_needed"
    service.manners.clear()
    await prove(desk, Channel.EMAIL, MAIL)
    assert await open_cases(desk) == []
    assert await status_of(desk, case) == "sent_again"
    await drain(desk)
    assert {row["status"] for row in await messages(desk, "setting_changed")} == {"sent"}
    assert await step(ContactStep.TOLD, "met") == "contact_case_not_open"
    acts = [entry.act for entry in await find_trail(house, Wanted(actor=REVIEWER.name))]
    assert acts == ["contact_missed", "contact_missed", "contact_taken"]
    async with house.database.connection() as connection:
        told = await connection.fetch(
            "SELECT kind FROM platform.outbox WHERE subject_id = $1 ORDER BY event_id", case.case_id
        )
    assert [row["kind"] for row in told] == ["contact_case_opened", "contact_case_ended"]


async def open_cases(desk: SettingsDesk) -> list[ContactCase]:
    async with desk.branch.house.database.connection() as connection:
        return await contact_case_store.cases_open(connection)


async def status_of(desk: SettingsDesk, case: ContactCase) -> str:
    async with desk.branch.house.database.connection() as connection:
        found = await contact_case_store.read_case(connection, case.customer_id, case.case_id)
    assert found is not None
    return found.status.value


async def test_codes_go_to_the_phone_and_nobody_learns_who_exists(
    desk: SettingsDesk, service: MessageService
) -> None:
    house = desk.branch.house
    codes = CarriedCodes(house.messages, house.database, house.vault, house.ids)
    for customer_id in (desk.customer_id, 4):
        assert await codes.deliver(customer_id=customer_id, contract_id=1, code="654321") is None
    await codes.settle()
    [sent] = service.taken.values()
    assert "654321" in sent["text"]
    service.manners["sms"] = Manner.DOWN
    await codes.deliver(customer_id=desk.customer_id, contract_id=1, code="654321")
    await codes.settle()
    with pytest.raises(RefusedError):
        await codes.deliver(customer_id=4, contract_id=1, code="654321")
