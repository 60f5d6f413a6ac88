"""Reads and writes notices to hosts; thin functions over the named queries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from counterfoil.hosts.delivery import Delivery, DeliveryState
from counterfoil.hosts.port import HookAnswer
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.hosts", "delivery_store.sql")
#: Above every number: the first page begins before it.
NEWEST: Final = 2**63 - 1


class Listed(NamedTuple):
    """A notice as lists show it."""

    delivery: Delivery
    #: None before the first attempt.
    last_outcome: str | None


async def add_deliveries(
    connection: Connection, deliveries: Sequence[Delivery], *, at: datetime
) -> None:
    """Write notices, due at once."""
    await QUERIES.add_deliveries.execute(
        connection,
        customer_ids=[item.customer_id for item in deliveries],
        delivery_ids=[item.delivery_id for item in deliveries],
        host_ids=[item.host_id for item in deliveries],
        event_ids=[item.event_id for item in deliveries],
        kinds=[item.kind for item in deliveries],
        payloads=[item.payload for item in deliveries],
        at=at,
    )


async def lease_deliveries(
    connection: Connection, *, now: datetime, leased_until: datetime, page: int
) -> list[Delivery]:
    """Take notices whose time has come; the attempt is counted with it."""
    rows = await QUERIES.lease_deliveries.fetch(
        connection, now=now, leased_until=leased_until, page=page
    )
    return [_delivery(row) for row in rows]


async def end_attempt(
    connection: Connection,
    delivery: Delivery,
    answer: HookAnswer,
    *,
    next_at: datetime | None,
    now: datetime,
) -> None:
    """Write what came of an attempt; `next_at` is None where it was the last."""
    is_delivered = answer.outcome == "delivered"
    state = DeliveryState.WAITING if next_at else DeliveryState.DEAD
    if is_delivered:
        state = DeliveryState.DELIVERED
    await QUERIES.add_attempt.execute(
        connection,
        customer_id=delivery.customer_id,
        delivery_id=delivery.delivery_id,
        attempt_no=delivery.attempts,
        outcome=answer.outcome,
        http_status=answer.http_status,
        at=now,
    )
    await QUERIES.end_attempt.execute(
        connection,
        customer_id=delivery.customer_id,
        delivery_id=delivery.delivery_id,
        state=state.value,
        next_at=next_at or delivery.next_at,
        ended_at=None if state is DeliveryState.WAITING else now,
        attempts=delivery.attempts,
    )


async def read_deliveries(
    connection: Connection,
    *,
    host_id: int | None,
    state: DeliveryState | None = None,
    before: int = NEWEST,
    page: int,
    is_back: bool = False,
) -> list[Listed]:
    """Return notices, newest first."""
    rows = await QUERIES.deliveries.page(
        connection,
        host_id=host_id,
        state=None if state is None else state.value,
        before=before,
        page=page,
        is_back=is_back,
    )
    return [Listed(_delivery(row), row["last_outcome"]) for row in rows]


async def resend(
    connection: Connection, *, delivery_id: int, host_id: int | None, now: datetime
) -> Delivery | None:
    """Let a notice be sent again, of one host or of any; None where there is none."""
    row = await QUERIES.resend_delivery.fetchrow(
        connection, delivery_id=delivery_id, host_id=host_id, now=now
    )
    return None if row is None else _delivery(row)


def _delivery(row: Row) -> Delivery:
    names = Delivery.__slots__
    return Delivery(**{name: row[name] for name in names} | {"state": DeliveryState(row["state"])})
