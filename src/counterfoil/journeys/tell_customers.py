"""Telling customers: what is to be told is written with what it tells of, and sent afterwards.

The way     A journey queues a message in its own transaction; notices about lines come from the
            outbox. `send_due` resolves name and address from the vault at the time of sending and
            tries the customer's channels in order.
Invariant   One cause is told once. No address and no name is kept beside the message. A message
            that nobody could deliver stays as such, with every attempt.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson

from counterfoil.customers import message_store, setting_store
from counterfoil.customers import store as customers
from counterfoil.customers.message import (
    PAUSE,
    ROUNDS_MAX,
    Message,
    channels_for,
    load_texts,
)
from counterfoil.customers.setting import Channel
from counterfoil.decisioning.line_review import case_store
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.rates import RateDaily, annual_from_daily
from counterfoil.lending.cost_items import exact_percent
from counterfoil.platform.database import Connection
from counterfoil.platform.outbox import Consumer, Event
from counterfoil.privacy import store as vault_store
from counterfoil.privacy.vault import Purpose

CONSUMER: Final = "customer_notices"
#: Outbox kind of notices about lines.
LINE_NOTICE: Final = "line_notice"
#: Outbox kind of another price for a line's new drawdowns, and of the message that tells it.
LINE_PRICE: Final = "line_price_announced"
PAGE: Final = 50
#: Sending one page takes less; a worker that dies keeps its page for so long.
LEASE: Final = timedelta(minutes=2)
_TEXTS: Final = load_texts()

SENT: Final = "sent"
FAILED: Final = "failed"
NO_ADDRESS: Final = "no_address"


async def queue(
    connection: Connection,
    house: House,
    customer_id: int,
    kind: str,
    cause: str,
    fields: Mapping[str, Any],
    *,
    is_legal: bool = False,
) -> None:
    """Put a message into the queue, in the transaction of what it tells of."""
    assert kind in _TEXTS.kinds, kind
    now = house.clock.now()
    message = Message(
        customer_id=customer_id,
        message_id=house.ids.next(),
        kind=kind,
        cause=cause,
        is_legal=is_legal,
        fields=fields,
        created_at=now,
    )
    await message_store.add_messages(connection, [message], now=now)


def notices_consumer(house: House) -> Consumer:
    """Return the reader of the outbox that queues notices about lines and their prices."""
    return Consumer(house.database, name=CONSUMER, kinds=[LINE_NOTICE, LINE_PRICE])


async def take_notices(house: House, consumer: Consumer) -> int:
    """Queue the next page of notices about lines; return how many events were passed."""

    async def handle(connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind == LINE_PRICE:
                await _queue_price(house, connection, event)
        keys = [(e.customer_id, e.subject_id) for e in events if e.kind == LINE_NOTICE]
        for notice in await case_store.notices_of_keys(connection, keys):
            fields = {"text_zh": notice.text_zh, "text_en": notice.text_en}
            cause = ids.to_text(ids.LINE_NOTICE, notice.notice_id)
            await queue(
                connection,
                house,
                notice.customer_id,
                LINE_NOTICE,
                cause,
                fields,
                is_legal=True,
            )

    return await consumer.take(handle)


async def _queue_price(house: House, connection: Connection, event: Event) -> None:
    """Queue what an announced price says; its notice runs, so channels given up do not keep it."""
    said = orjson.loads(event.payload)
    rate_daily_e8 = said["rate_daily_e8"]
    fields = {
        "line": said["line_id"],
        "effective_on": said["effective_on"],
        "rate_daily": exact_percent(rate_daily_e8),
        "rate_annual": exact_percent(annual_from_daily(RateDaily(rate_daily_e8))),
    }
    await queue(
        connection,
        house,
        event.customer_id,
        LINE_PRICE,
        f"{said['line_id']} {event.event_id}",
        fields,
        is_legal=True,
    )


async def send_due(house: House) -> int:
    """Send the messages whose time has come; return how many were tried."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        due = await message_store.take_due(connection, now=now, leased_until=now + LEASE, page=PAGE)
    for message in due:
        await _send(house, message)
    return len(due)


async def _send(house: House, message: Message) -> None:
    async with house.database.connection() as connection:
        customer = await customers.read_customer(connection, message.customer_id)
        preference = await setting_store.read_preference(connection, message.customer_id)
        name, addresses = await _person(connection, house, message.customer_id)
    assert customer is not None, "customers are never removed"
    text = _TEXTS.render(message, customer.language, name=name)
    tried: list[tuple[Channel, str, str | None]] = []
    for channel in channels_for(message, preference.channels):
        address = addresses.get(channel)
        if address is None:
            tried.append((channel, NO_ADDRESS, None))
            continue
        problem = await house.messages.send(
            channel=channel,
            address=address,
            subject=text.subject,
            body=text.body,
            reference=ids.to_text(ids.MESSAGE, message.message_id),
        )
        tried.append((channel, SENT if problem is None else FAILED, problem))
        if problem is None:
            break
    await _note(house, message, tried)


async def _note(
    house: House, message: Message, tried: Sequence[tuple[Channel, str, str | None]]
) -> None:
    """Write how a round went, and when the next one is."""
    now = house.clock.now()
    is_sent = bool(tried) and tried[-1][1] == SENT
    is_last = message.attempts + 1 >= ROUNDS_MAX
    async with house.database.transaction() as connection:
        for channel, outcome, detail in tried:
            await message_store.add_attempt(
                connection, message, channel=channel, outcome=outcome, detail=detail, now=now
            )
        if is_sent or is_last:
            status, next_act_at = SENT if is_sent else "undeliverable", None
        else:
            status, next_act_at = "queued", now + PAUSE
        await message_store.end_round(
            connection, message, status=status, next_act_at=next_act_at, now=now
        )


async def _person(
    connection: Connection, house: House, customer_id: int
) -> tuple[str, dict[Channel, str]]:
    """Return name and addresses from the vault; an erased person has neither."""
    records = [
        record
        for purpose in (Purpose.IDENTITY, Purpose.CONTACT)
        for record in await vault_store.read_records(connection, [customer_id], purpose)
    ]
    fields: dict[str, str] = {}
    for clear in await house.vault.open(records):
        fields |= clear.fields
    addresses = {Channel.APP: ids.to_text(ids.CUSTOMER, customer_id)}
    if "phone" in fields:
        addresses[Channel.SMS] = fields["phone"]
    return fields.get("name", ""), addresses
