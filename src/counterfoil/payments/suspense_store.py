"""Payments before two people: cases, what one proposes and another approves."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.payments.rail import Cause
from counterfoil.payments.store import PaymentKey, columns_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments", "suspense_store.sql")


class CaseKey(NamedTuple):
    """Names one case."""

    customer_id: int
    payment_id: int
    case_no: int


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
    connection: Connection,
    *,
    page: int = 200,
    after: tuple[int, int] = (0, 0),
    is_back: bool = False,
) -> list[Row]:
    """Return cases that wait for people, the oldest payment first; key is payment and case."""
    return await QUERIES.open_suspense.page(
        connection, payment_id=after[0], case_no=after[1], page=page, is_back=is_back
    )


async def lock_case(connection: Connection, key: CaseKey) -> Row | None:
    """Lock and return an open case with its payment, or None."""
    return await QUERIES.lock_case.fetchrow(connection, **key._asdict())


async def propose(
    connection: Connection,
    key: CaseKey,
    *,
    resolution: str,
    value_date: date | None,
    returned_minor: int | None,
    note: str,
    person: str,
    now: datetime,
) -> None:
    """Keep one person's proposal for an open case."""
    await QUERIES.propose.execute(
        connection,
        **key._asdict(),
        resolution=resolution,
        value_date=value_date,
        returned_minor=returned_minor,
        note=note,
        person=person,
        now=now,
    )


async def approve(connection: Connection, key: CaseKey, *, person: str, now: datetime) -> None:
    """Close a case by a second person's approval."""
    await QUERIES.approve.execute(connection, **key._asdict(), person=person, now=now)


async def decide_payment(
    connection: Connection,
    key: CaseKey,
    *,
    outcome: str,
    value_date: date | None,
    now: datetime,
) -> None:
    """Make what two people decided the payment's outcome."""
    await QUERIES.decide_payment.execute(
        connection, **key._asdict(), outcome=outcome, value_date=value_date, now=now
    )


async def leave_suspense(connection: Connection, key: CaseKey) -> None:
    """End a payment's suspension once none of its cases is open."""
    await QUERIES.leave_suspense.execute(
        connection, customer_id=key.customer_id, payment_id=key.payment_id
    )


async def returns_to_carry_out(connection: Connection, *, page: int) -> list[Row]:
    """Return approved returns of which the books do not know yet, oldest first."""
    return await QUERIES.returns_to_carry_out.fetch(connection, page=page)


async def carried_out(connection: Connection, key: CaseKey, *, now: datetime) -> None:
    """Write down that the books took note of a return."""
    await QUERIES.carried_out.execute(connection, **key._asdict(), now=now)
