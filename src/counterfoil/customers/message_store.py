"""Reads and writes messages to customers; over named queries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from counterfoil.customers.message import Message
from counterfoil.customers.message_port import Carried, Outcome
from counterfoil.customers.setting import Channel
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.customers", "message_store.sql")

#: After these a channel is not tried again.
_FINAL: Final = frozenset({Outcome.REFUSED.value, Outcome.BOUNCED.value})


async def add_messages(
    connection: Connection, messages: Sequence[Message], *, now: datetime
) -> None:
    """Write messages to be sent; what was told before is not told again."""
    await QUERIES.add_messages.execute(
        connection,
        customer_ids=[one.customer_id for one in messages],
        message_ids=[one.message_id for one in messages],
        kinds=[one.kind for one in messages],
        causes=[one.cause for one in messages],
        are_legal=[one.is_legal for one in messages],
        fields=[orjson.dumps(dict(one.fields)).decode() for one in messages],
        now=now,
    )


async def take_due(
    connection: Connection, *, now: datetime, leased_until: datetime, page: int
) -> list[Message]:
    """Return messages whose time has come, kept from other workers until the lease ends."""
    rows = await QUERIES.take_due.fetch(connection, now=now, leased_until=leased_until, page=page)
    return [
        Message(
            customer_id=row["customer_id"],
            message_id=row["message_id"],
            kind=row["kind"],
            cause=row["cause"],
            is_legal=row["is_legal"],
            fields=orjson.loads(row["fields"]),
            created_at=row["created_at"],
            attempts=row["attempts"],
            status=row["status"],
            asks=row["asks"],
        )
        for row in rows
    ]


async def closed_channels(connection: Connection, message: Message) -> frozenset[Channel]:
    """Return the channels over which a message does not arrive: refused for good, or came back."""
    rows: list[Any] = await QUERIES.attempts_at.fetch(
        connection, customer_id=message.customer_id, message_id=message.message_id
    )
    return frozenset(Channel(row["channel"]) for row in rows if row["outcome"] in _FINAL)


async def last_carried_by(connection: Connection, message: Message) -> Channel:
    """Return the channel that took a sent message over."""
    rows: list[Any] = await QUERIES.attempts_at.fetch(
        connection, customer_id=message.customer_id, message_id=message.message_id
    )
    return [Channel(row["channel"]) for row in rows if row["outcome"] == Outcome.SENT.value][-1]


async def send_again(
    connection: Connection, customer_id: int, message_id: int, *, now: datetime
) -> bool:
    """Try an undeliverable message from the beginning; False where it is none."""
    found = await QUERIES.send_again.fetchval(
        connection, customer_id=customer_id, message_id=message_id, now=now
    )
    return found is not None


async def read_undeliverable(
    connection: Connection, *, after: int, page: int, is_back: bool = False
) -> Sequence[Row]:
    """Return a page of what nobody could deliver, the oldest first."""
    rows: list[Any] = await QUERIES.undeliverable.page(
        connection, after=after, page=page, is_back=is_back
    )
    return rows


async def add_attempt(
    connection: Connection,
    message: Message,
    *,
    channel: Channel,
    carried: Carried,
    now: datetime,
) -> None:
    """Write how one attempt went."""
    await QUERIES.add_attempt.execute(
        connection,
        customer_id=message.customer_id,
        message_id=message.message_id,
        channel=channel.value,
        outcome=carried.outcome.value,
        detail=carried.detail,
        now=now,
    )


async def end_round(
    connection: Connection,
    message: Message,
    *,
    status: str,
    next_act_at: datetime | None,
    now: datetime,
    rounds: int = 1,
    asks: int = 0,
) -> None:
    """Write what a round over the channels, or a question for the receipt, came to."""
    await QUERIES.end_round.execute(
        connection,
        customer_id=message.customer_id,
        message_id=message.message_id,
        status=status,
        rounds=rounds,
        asks=asks,
        next_act_at=next_act_at,
        ended_at=None if next_act_at is not None else now,
    )


async def read_messages(
    connection: Connection, customer_id: int, *, before: int, page: int, is_back: bool = False
) -> Sequence[Row]:
    """Return a page of a customer's messages, newest first."""
    rows: list[Any] = await QUERIES.messages_of_customer.page(
        connection, customer_id=customer_id, before=before, page=page, is_back=is_back
    )
    return rows
