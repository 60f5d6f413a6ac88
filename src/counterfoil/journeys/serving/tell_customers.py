"""Telling customers: what is to be told is written with what it tells of, and sent afterwards.

The way     A journey queues a message in its own transaction; notices about lines come from the
            outbox. `deliver_messages` sends what is queued.
Invariant   One cause is told once. No address and no name is kept beside the message.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from counterfoil.customers import message_store
from counterfoil.customers.message import Message, load_texts
from counterfoil.decisioning.line_review import case_store
from counterfoil.journeys.contracting.contract_terms import NOTICED, WITHDRAWN
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.rates import RateDaily, annual_from_daily
from counterfoil.lending.cost_items import exact_percent
from counterfoil.platform.database import Connection
from counterfoil.platform.outbox import Consumer, Event

CONSUMER: Final = "customer_notices"
#: Outbox kind of notices about lines.
LINE_NOTICE: Final = "line_notice"
#: Outbox kind of another price for a line's new drawdowns, and of the message that tells it.
LINE_PRICE: Final = "line_price_announced"
#: Outbox kinds of a change of an agreement that was noticed, or taken back; so named the messages.
AGREEMENTS: Final = (NOTICED, WITHDRAWN)
#: Outbox kinds that are told by the record that they are about, and what the record is.
RECORDS: Final = {
    "application_decided": ids.APPLICATION,
    "application_expired": ids.APPLICATION,
    "limit_request_expired": ids.LIMIT_REQUEST,
    "review_concluded": ids.REVIEW,
    "review_withdrawn": ids.REVIEW,
    "drawdown_failed": ids.LOAN,
    "payout_returned": ids.LOAN,
    "credit_return_failed": ids.CREDIT_RETURN,
    "credit_return_bounced": ids.CREDIT_RETURN,
}
_TEXTS: Final = load_texts()


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
    """Return the reader of the outbox that queues notices of lines, agreements and decisions."""
    return Consumer(
        house.database, name=CONSUMER, kinds=[LINE_NOTICE, LINE_PRICE, *AGREEMENTS, *RECORDS]
    )


async def take_notices(house: House, consumer: Consumer) -> int:
    """Queue the next page of notices; return how many events were passed."""

    async def handle(connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind == LINE_PRICE:
                await _queue_price(house, connection, event)
            elif event.kind in AGREEMENTS:
                await _queue_change(house, connection, event)
            elif event.kind in RECORDS:
                record = ids.to_text(RECORDS[event.kind], event.subject_id)
                cause, said = f"{record} {event.event_id}", {"record": record}
                await queue(connection, house, event.customer_id, event.kind, cause, said)
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


async def _queue_change(house: House, connection: Connection, event: Event) -> None:
    """Queue that an agreement would change; its notice runs, so it goes by every legal channel."""
    said = orjson.loads(event.payload)
    if not said:
        # Noticed by a version that told the customer in no other way than at the portal.
        return
    fields = {
        "line": said["line_id"],
        "effective_on": said["effective_on"],
        "silence": "binding" if said["is_binding"] else "free",
    }
    cause = f"{said['contract_id']} {event.event_id}"
    await queue(connection, house, event.customer_id, event.kind, cause, fields, is_legal=True)
