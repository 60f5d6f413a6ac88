"""Delivering messages: by the customer's channels in their order, and asking what arrived.

The way     `send_due` takes what is due on a lease, resolves name and address from the vault at the
            time of sending, and tries channel after channel. Where the carrier gives receipts it
            is asked later; what came back goes on to the next channel.
Invariant   No address and no name is kept beside a message. A message that nobody could deliver
            stays as such with every attempt, in a case of the customer before staff.
Repetition  A worker that dies in between sends again under the same reference: the carrier's key.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import orjson

from counterfoil.customers import message_store, setting_store
from counterfoil.customers import store as customers
from counterfoil.customers.message import (
    ASK_AFTER,
    PAUSE,
    ROUNDS_MAX,
    Message,
    channels_for,
    load_texts,
)
from counterfoil.customers.message_port import Carried, Outcome, Parcel
from counterfoil.customers.refusals import MESSAGE_NOT_UNDELIVERABLE
from counterfoil.customers.setting import Channel
from counterfoil.journeys.borrowing.statement_papers import attachment_of
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.journeys.serving import reach_customers
from counterfoil.journeys.serving.reached import reached_person
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

PAGE: Final = 50
#: Sending one page takes less; a worker that dies keeps its page for so long.
LEASE: Final = timedelta(minutes=2)
_TEXTS: Final = load_texts()
#: How a message ends that no channel took.
_NOBODY: Final = "undeliverable"
_ARRIVED: Final = frozenset({Outcome.SENT, Outcome.DELIVERED})


async def send_due(house: House) -> int:
    """Send the messages whose time has come, and ask after others; return how many they were."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        due = await message_store.take_due(connection, now=now, leased_until=now + LEASE, page=PAGE)
    for message in due:
        if message.status == Outcome.SENT.value:
            await _ask(house, message)
        else:
            await _send(house, message)
    return len(due)


async def send_again(
    house: House, *, customer_id: int, message_id: int, idempotency_key: str, by: str
) -> Answer | Refused:
    """Have an undeliverable message tried from the beginning, by the channels of today.

    Where it was the last one of the customer that lay before staff, their case is ended.
    """
    now = house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        if not await message_store.send_again(connection, customer_id, message_id, now=now):
            return refuse(MESSAGE_NOT_UNDELIVERABLE)
        await reach_customers.settle(house, connection, customer_id, by=by)
        said = {
            "id": ids.to_text(ids.MESSAGE, message_id),
            "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
            "status": "queued",
        }
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()

    return await once_for(
        house, customer_id, "send_again", idempotency_key, {"message_id": message_id}, work
    )


async def _send(house: House, message: Message) -> None:
    async with house.database.connection() as connection:
        customer = await customers.read_customer(connection, message.customer_id)
        preference = await setting_store.read_preference(connection, message.customer_id)
        is_new = not message.attempts
        closed = frozenset() if is_new else await message_store.closed_channels(connection, message)
        person = await reached_person(
            connection, house.vault, message.customer_id, reading("message")
        )
    assert customer is not None, "customers are never removed"
    text = _TEXTS.render(message, customer.language, name=person.name)
    attachment = await attachment_of(house, message, customer.language)
    tried: list[tuple[Channel, Carried]] = []
    for channel in channels_for(message, preference.channels, closed):
        address = person.addresses.get(channel)
        if address is None:
            tried.append((channel, Carried(Outcome.NO_ADDRESS)))
            continue
        parcel = Parcel(
            reference=ids.to_text(ids.MESSAGE, message.message_id),
            channel=channel,
            address=address,
            name=person.name,
            subject=text.subject,
            body=text.body,
            attachment=attachment,
        )
        carried = await house.messages.send(parcel)
        tried.append((channel, carried))
        if carried.outcome in _ARRIVED:
            break
    await _note(house, message, tried)


async def _note(house: House, message: Message, tried: Sequence[tuple[Channel, Carried]]) -> None:
    """Write how a round went, and when the next one, or the question for the receipt, is."""
    now = house.clock.now()
    last = tried[-1][1].outcome if tried else Outcome.FAILED
    # Where every channel refused for good, another round changes nothing.
    is_over = all(carried.outcome is Outcome.REFUSED for _, carried in tried)
    next_act_at = None
    if last in _ARRIVED:
        status = last.value
        if last is Outcome.SENT and house.messages.gives_receipts:
            next_act_at = now + ASK_AFTER[0]
    elif is_over or message.attempts + 1 >= ROUNDS_MAX:
        status = _NOBODY
    else:
        status, next_act_at = "queued", now + PAUSE
    async with house.database.transaction() as connection:
        for channel, carried in tried:
            await message_store.add_attempt(
                connection, message, channel=channel, carried=carried, now=now
            )
        await message_store.end_round(
            connection, message, status=status, next_act_at=next_act_at, now=now
        )
        if status == _NOBODY:
            await reach_customers.open_for(house, connection, message)


async def _ask(house: House, message: Message) -> None:
    """Ask whether a message arrived; what came back is queued for the next channel."""
    async with house.database.connection() as connection:
        channel = await message_store.last_carried_by(connection, message)
    carried = await house.messages.ask(ids.to_text(ids.MESSAGE, message.message_id), channel)
    now, asks = house.clock.now(), message.asks + 1
    is_told = carried.outcome in (Outcome.DELIVERED, Outcome.BOUNCED)
    if carried.outcome is Outcome.BOUNCED:
        status, next_act_at = "queued", now
    elif carried.outcome is Outcome.DELIVERED or asks >= len(ASK_AFTER):
        status = Outcome.DELIVERED.value if is_told else Outcome.SENT.value
        next_act_at = None
    else:
        status, next_act_at = Outcome.SENT.value, now + ASK_AFTER[asks]
    async with house.database.transaction() as connection:
        if is_told:
            await message_store.add_attempt(
                connection, message, channel=channel, carried=carried, now=now
            )
        await message_store.end_round(
            connection,
            message,
            status=status,
            next_act_at=next_act_at,
            now=now,
            rounds=0,
            asks=asks,
        )
