"""Reads and writes requests for a call, and what customers chose about the pages."""

from datetime import date, datetime
from typing import Final

from counterfoil.customers.call_back import About, CallRequest, CallStatus, Slot
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.customers", "call_store.sql")
#: Requests that one look shows.
PAGE_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
#: Before every request of the queue.
FIRST: Final = (date.min, 0)


async def add_call(connection: Connection, call: CallRequest) -> bool:
    """Write a request; False where the customer waits for a call already."""
    written: int | None = await QUERIES.add_call.fetchval(
        connection,
        customer_id=call.customer_id,
        call_id=call.call_id,
        about=call.about.value,
        slot=call.slot.value,
        said=call.said,
        requested_at=call.requested_at,
        requested_by=call.requested_by,
        due_on=call.due_on,
    )
    return written is not None


async def open_call_of(connection: Connection, customer_id: int) -> CallRequest | None:
    """Return what a customer waits for; None where that is nothing."""
    return _call_or_none(await QUERIES.open_call_of.fetchrow(connection, customer_id=customer_id))


async def read_call(connection: Connection, customer_id: int, call_id: int) -> CallRequest | None:
    """Return a request."""
    row = await QUERIES.call.fetchrow(connection, customer_id=customer_id, call_id=call_id)
    return _call_or_none(row)


async def lock_call(connection: Connection, customer_id: int, call_id: int) -> CallRequest | None:
    """Return a request, locked for the rest of the transaction."""
    row = await QUERIES.call_locked.fetchrow(connection, customer_id=customer_id, call_id=call_id)
    return _call_or_none(row)


async def change_call(connection: Connection, call: CallRequest) -> None:
    """Write how a request moved on that was locked before."""
    await QUERIES.change_call.execute(
        connection,
        customer_id=call.customer_id,
        call_id=call.call_id,
        status=call.status.value,
        taken_by=call.taken_by,
        missed=call.missed,
        missed_at=call.missed_at,
        ended_at=call.ended_at,
        ended_by=call.ended_by,
        note=call.note,
    )


async def calls_open(
    connection: Connection,
    *,
    page: int = PAGE_MAX,
    is_back: bool = False,
    after: tuple[date, int] = FIRST,
) -> list[CallRequest]:
    """Return whoever waits for a call, the nearest deadline first."""
    rows = await QUERIES.calls_open.page(
        connection, page=page, is_back=is_back, after_due_on=after[0], after_call_id=after[1]
    )
    return [_call(row) for row in rows]


async def calls_of(
    connection: Connection,
    customer_id: int,
    *,
    page: int = PAGE_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[CallRequest]:
    """Return a page of the requests of one customer, newest first."""
    rows = await QUERIES.calls_of_customer.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return [_call(row) for row in rows]


async def choose_plain(
    connection: Connection, customer_id: int, *, choice_id: int, is_plain: bool, at: datetime
) -> None:
    """Write what a customer chose about the pages."""
    await QUERIES.add_plain_choice.execute(
        connection, customer_id=customer_id, choice_id=choice_id, is_plain=is_plain, chosen_at=at
    )


async def chose_plain(connection: Connection, customer_id: int) -> bool | None:
    """Return what a customer chose about the pages; None where nothing was chosen."""
    chosen: bool | None = await QUERIES.plain_choice.fetchval(connection, customer_id=customer_id)
    return chosen


def _call_or_none(row: Row | None) -> CallRequest | None:
    return None if row is None else _call(row)


def _call(row: Row) -> CallRequest:
    fields = dict(row)
    fields["about"] = About(fields["about"])
    fields["slot"] = Slot(fields["slot"])
    fields["status"] = CallStatus(fields["status"])
    return CallRequest(**fields)
