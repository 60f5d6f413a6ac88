"""Reads and writes requests of persons about their own data."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row
from counterfoil.privacy.rights import Right, RightsAct, RightsEvent, RightsRequest

_QUERIES: Final = Queries.load("counterfoil.privacy", "rights_store.sql")

#: Longest list.
PAGE: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1


async def add_request(connection: Connection, request: RightsRequest) -> None:
    """Write a new request with what was done with it at once."""
    await _QUERIES.add_request.execute(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        kind=request.kind.value,
        about=request.about,
        said=request.said,
        received_at=request.received_at,
        received_by=request.received_by,
        due_on=request.due_on,
    )
    if request.events:
        await add_last_event(connection, request)


async def add_last_event(connection: Connection, request: RightsRequest) -> None:
    """Write what was just done with a locked request."""
    event = request.events[-1]
    await _QUERIES.add_request_event.execute(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        event_no=event.event_no,
        act=event.act.value,
        person=event.person,
        method=event.method,
        reason=event.reason,
        detail=event.detail,
        at=event.at,
    )


async def read_request(
    connection: Connection, customer_id: int, request_id: int
) -> RightsRequest | None:
    """Return a request, or None."""
    row = await _QUERIES.request.fetchrow(
        connection, customer_id=customer_id, request_id=request_id
    )
    return None if row is None else (await _many(connection, [row]))[0]


async def lock_request(
    connection: Connection, customer_id: int, request_id: int
) -> RightsRequest | None:
    """Return a request locked for the rest of the transaction, or None."""
    row = await _QUERIES.request_locked.fetchrow(
        connection, customer_id=customer_id, request_id=request_id
    )
    return None if row is None else (await _many(connection, [row]))[0]


async def open_requests(connection: Connection) -> list[RightsRequest]:
    """Return the queue, the nearest deadline first."""
    return await _many(connection, await _QUERIES.requests_open.fetch(connection, page=PAGE))


async def every_request(connection: Connection) -> list[RightsRequest]:
    """Return requests, ended ones too, newest first."""
    return await _many(connection, await _QUERIES.requests_page.fetch(connection, page=PAGE))


async def requests_of(
    connection: Connection,
    customer_id: int,
    *,
    page: int = PAGE,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[RightsRequest]:
    """Return a page of what one customer asked, newest first."""
    rows = await _QUERIES.requests_of.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return await _many(connection, rows)


async def _many(connection: Connection, rows: Sequence[Row]) -> list[RightsRequest]:
    found = await _QUERIES.request_events.fetch(
        connection,
        customer_ids=[row["customer_id"] for row in rows],
        request_ids=[row["request_id"] for row in rows],
    )
    events: defaultdict[int, list[RightsEvent]] = defaultdict(list)
    for item in found:
        fields = dict(item) | {"act": RightsAct(item["act"])}
        events[fields.pop("request_id")].append(RightsEvent(**fields))
    return [
        RightsRequest(
            **dict(row) | {"kind": Right(row["kind"])}, events=tuple(events[row["request_id"]])
        )
        for row in rows
    ]
