"""Payments before two people: cases, what one proposes and another approves."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from counterfoil.payments.rail import Cause
from counterfoil.payments.store import PaymentKey, columns_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments", "suspense_store.sql")

_LONG_AGO: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def open_cases(
    connection: Connection, cases: Sequence[tuple[PaymentKey, Cause]], *, now: datetime
) -> None:
    """Put payments before two people."""
    await QUERIES.open_cases.execute(
        connection,
        now=now,
        causes=[cause.value for _, cause in cases],
        **columns_of(key for key, _ in cases),
    )


async def open_suspense(
    connection: Connection, *, after: tuple[datetime, int, int, int] | None = None, page: int = 200
) -> list[Row]:
    """Return cases that wait for people, oldest first, after the key of the last one seen."""
    opened_at, customer_id, payment_id, case_no = after or (_LONG_AGO, 0, 0, 0)
    return await QUERIES.open_suspense.fetch(
        connection,
        opened_at=opened_at,
        customer_id=customer_id,
        payment_id=payment_id,
        case_no=case_no,
        page=page,
    )


async def lock_case(
    connection: Connection, *, customer_id: int, payment_id: int, case_no: int
) -> Row | None:
    """Lock and return an open case with its payment, or None."""
    return await QUERIES.lock_case.fetchrow(
        connection, customer_id=customer_id, payment_id=payment_id, case_no=case_no
    )


async def propose(
    connection: Connection,
    *,
    customer_id: int,
    payment_id: int,
    case_no: int,
    resolution: str,
    value_date: date | None,
    note: str,
    person: str,
    now: datetime,
) -> None:
    """Keep one person's proposal for an open case."""
    await QUERIES.propose.execute(
        connection,
        customer_id=customer_id,
        payment_id=payment_id,
        case_no=case_no,
        resolution=resolution,
        value_date=value_date,
        note=note,
        person=person,
        now=now,
    )


async def approve(
    connection: Connection,
    *,
    customer_id: int,
    payment_id: int,
    case_no: int,
    person: str,
    now: datetime,
) -> None:
    """Close a case by a second person's approval."""
    await QUERIES.approve.execute(
        connection,
        customer_id=customer_id,
        payment_id=payment_id,
        case_no=case_no,
        person=person,
        now=now,
    )


async def decide_payment(
    connection: Connection,
    *,
    customer_id: int,
    payment_id: int,
    case_no: int,
    outcome: str,
    value_date: date | None,
    now: datetime,
) -> None:
    """Make what two people decided the payment's outcome."""
    await QUERIES.decide_payment.execute(
        connection,
        customer_id=customer_id,
        payment_id=payment_id,
        case_no=case_no,
        outcome=outcome,
        value_date=value_date,
        now=now,
    )


async def leave_suspense(connection: Connection, *, customer_id: int, payment_id: int) -> None:
    """End a payment's suspension once none of its cases is open."""
    await QUERIES.leave_suspense.execute(connection, customer_id=customer_id, payment_id=payment_id)
