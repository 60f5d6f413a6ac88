"""Reads and writes cases of customers whom no channel reaches; over named queries."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from counterfoil.customers.contact_case import ContactCase, ContactStatus
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.customers", "contact_case_store.sql")
#: Cases, and messages of one, that one look shows.
PAGE_MAX: Final = 200
#: Before every case of the queue.
FIRST: Final = (date.min, 0)


async def open_case(connection: Connection, case: ContactCase, *, message_id: int) -> bool:
    """Put a message into the customer's case, opening one where none is; True where it is new."""
    case_id: int = await QUERIES.open_case.fetchval(
        connection,
        customer_id=case.customer_id,
        case_id=case.case_id,
        opened_at=case.opened_at,
        due_on=case.due_on,
        is_legal=case.is_legal,
    )
    await QUERIES.add_message.execute(
        connection, customer_id=case.customer_id, message_id=message_id, case_id=case_id
    )
    return case_id == case.case_id


async def read_case(connection: Connection, customer_id: int, case_id: int) -> ContactCase | None:
    """Return a case."""
    return _case_or_none(
        await QUERIES.contact_case.fetchrow(connection, customer_id=customer_id, case_id=case_id)
    )


async def lock_case(
    connection: Connection, customer_id: int, case_id: int | None
) -> ContactCase | None:
    """Return a case, by default the customer's open one, locked for the rest of the transaction."""
    return _case_or_none(
        await QUERIES.case_locked.fetchrow(connection, customer_id=customer_id, case_id=case_id)
    )


async def change_case(connection: Connection, case: ContactCase) -> None:
    """Write how a case moved on that was locked before."""
    await QUERIES.change_case.execute(
        connection,
        customer_id=case.customer_id,
        case_id=case.case_id,
        status=case.status.value,
        taken_by=case.taken_by,
        attempts=case.attempts,
        attempted_at=case.attempted_at,
        ended_at=case.ended_at,
        ended_by=case.ended_by,
        note=case.note,
    )


async def cases_open(
    connection: Connection,
    *,
    page: int = PAGE_MAX,
    after: tuple[date, int] = FIRST,
    is_back: bool = False,
) -> list[ContactCase]:
    """Return a page of the customers whom nobody has reached, the nearest deadline first."""
    rows = await QUERIES.cases_open.page(
        connection, page=page, is_back=is_back, after_due_on=after[0], after_case_id=after[1]
    )
    return [_case(row) for row in rows]


async def messages_of_case(connection: Connection, case: ContactCase) -> Sequence[Row]:
    """Return what the customer of a case was to be told, oldest first."""
    rows: list[Any] = await QUERIES.messages_of_case.fetch(
        connection, customer_id=case.customer_id, case_id=case.case_id, page=PAGE_MAX
    )
    return rows


async def queue_again(connection: Connection, case: ContactCase, *, now: datetime) -> int:
    """Have everything of a case that nobody could deliver tried again; return how many."""
    rows = await QUERIES.queue_again.fetch(
        connection, customer_id=case.customer_id, case_id=case.case_id, now=now
    )
    return len(rows)


async def is_settled(connection: Connection, case: ContactCase) -> bool:
    """Return whether nothing of a case lies before staff any more."""
    settled: bool = await QUERIES.is_settled.fetchval(
        connection, customer_id=case.customer_id, case_id=case.case_id
    )
    return settled


def _case_or_none(row: Row | None) -> ContactCase | None:
    return None if row is None else _case(row)


def _case(row: Row) -> ContactCase:
    return ContactCase(**dict(row) | {"status": ContactStatus(row["status"])})
