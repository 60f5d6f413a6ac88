"""Money that came in, in PostgreSQL; over named queries."""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.payments.received import (
    Received,
    ReceivedCause,
    ReceivedKey,
    ReceivedKind,
    ReceivedStatus,
)
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments", "received_store.sql")
#: Beyond every line, where a list begins that has the newest first.
NEWEST: Final = (2**63 - 1, 0)
_LINE_BITS: Final = 31
_RAIL_DIGITS: Final = 15


class Share(NamedTuple):
    """What of it goes to one loan, minor units."""

    customer_id: int
    loan_id: int
    amount_minor: int


class Repaid(NamedTuple):
    """As whose repayment money was booked."""

    customer_id: int
    repayment_id: int


async def take(connection: Connection, *, rail: str, statement_date: date, now: datetime) -> None:
    """Take in what a statement shows as come in."""
    await QUERIES.take_received.execute(
        connection, rail=rail, statement_date=statement_date, now=now
    )


async def to_book(connection: Connection, *, page: int) -> list[Received]:
    """Return money that is to be booked, the oldest first."""
    return [_received(row) for row in await QUERIES.received_to_book.fetch(connection, page=page)]


async def shown(connection: Connection, *, page: int) -> list[Received]:
    """Return money that came in, what lies before people first, then the newest."""
    return [_received(row) for row in await QUERIES.received_shown.fetch(connection, page=page)]


async def page_of_days(
    connection: Connection,
    *,
    status: ReceivedStatus | None,
    page: int,
    before: tuple[int, int] = NEWEST,
    is_back: bool = False,
) -> list[Received]:
    """Return a page of money that came in, the newest day first, by keys as `number_of` gives."""
    rows = await QUERIES.received_of_days.page(
        connection,
        status=None if status is None else status.value,
        line=before[0],
        rail=before[1],
        page=page,
        is_back=is_back,
    )
    return [_received(row) for row in rows]


def number_of(key: ReceivedKey) -> tuple[int, int]:
    """Return day and line as one number, and the rail as another: 60 bits of its SHA-256."""
    first = (key.statement_date.toordinal() << _LINE_BITS) + key.line_no
    return first, int(sha256(key.rail.encode()).hexdigest()[:_RAIL_DIGITS], 16)


async def lock(connection: Connection, key: ReceivedKey) -> Received | None:
    """Return one line and hold it until the transaction ends; None where there is none."""
    row = await QUERIES.received_of_key.fetchrow(connection, **key._asdict())
    return None if row is None else _received(row)


async def add_shares(
    connection: Connection, received: Received, customer_id: int, shares: Sequence[tuple[int, int]]
) -> None:
    """Write to which loans of a customer money goes in this turn."""
    await QUERIES.add_received_shares.execute(
        connection,
        **received.key._asdict(),
        turn_no=received.turn_no,
        customer_id=customer_id,
        loan_ids=[loan_id for loan_id, _ in shares],
        amounts_minor=[amount_minor for _, amount_minor in shares],
    )


async def shares_of(connection: Connection, received: Received) -> list[Share]:
    """Return to which loans money goes in this turn."""
    rows = await QUERIES.received_shares.fetch(
        connection, **received.key._asdict(), turn_no=received.turn_no
    )
    return [Share(**dict(row)) for row in rows]


async def booked(
    connection: Connection,
    key: ReceivedKey,
    *,
    now: datetime,
    repaid: Repaid | None = None,
    is_own_money: bool | None = None,
) -> None:
    """Write that money is booked where it belongs: as whose repayment, where it is one."""
    customer_id, repayment_id = repaid or (None, None)
    await QUERIES.received_booked.execute(
        connection,
        **key._asdict(),
        now=now,
        customer_id=customer_id,
        repayment_id=repayment_id,
        is_own_money=is_own_money,
    )


async def find_recalled(
    connection: Connection, rail: str, rail_reference: str
) -> tuple[ReceivedKey, int] | None:
    """Return the money that a rail has under a number, and how many recalls of it were booked."""
    row = await QUERIES.received_of_number.fetchrow(
        connection, rail=rail, rail_reference=rail_reference
    )
    if row is None:
        return None
    fields = dict(row)
    recalls: int = fields.pop("recalls")
    return ReceivedKey(**fields), recalls


async def suspended(
    connection: Connection,
    key: ReceivedKey,
    cause: ReceivedCause,
    *,
    booked_minor: int,
    lender_id: str,
) -> None:
    """Write that people are next, and what of the money is booked."""
    await QUERIES.received_suspended.execute(
        connection,
        **key._asdict(),
        cause=cause.value,
        booked_minor=booked_minor,
        lender_id=lender_id,
    )


async def assigned(connection: Connection, key: ReceivedKey, reference: str) -> None:
    """Write where two people say that money belongs."""
    await QUERIES.received_assigned.execute(connection, **key._asdict(), assigned=reference)


async def sent_back(connection: Connection, key: ReceivedKey, *, now: datetime) -> None:
    """Write that money went back to whoever sent it."""
    await QUERIES.received_sent_back.execute(connection, **key._asdict(), now=now)


async def add_claim(
    connection: Connection, recall: Received, lender_id: str, *, now: datetime
) -> None:
    """Write that a recall became a claim."""
    await QUERIES.add_recall_claim.execute(
        connection,
        **recall.key._asdict(),
        lender_id=lender_id,
        claimed_minor=recall.amount_minor,
        now=now,
    )


async def claim_shrinks(
    connection: Connection, key: ReceivedKey, *, paid_minor: int, lost_minor: int
) -> None:
    """Write what of a claim was paid, or given up."""
    await QUERIES.claim_shrinks.execute(
        connection, **key._asdict(), paid_minor=paid_minor, lost_minor=lost_minor
    )


async def claim_of_number(
    connection: Connection, rail: str, rail_reference: str
) -> ReceivedKey | None:
    """Return the recall of a rail's number that became a claim; None where none did."""
    row = await QUERIES.claim_of_number.fetchrow(
        connection, rail=rail, rail_reference=rail_reference
    )
    return None if row is None else ReceivedKey(**dict(row))


async def claims_left(connection: Connection) -> dict[tuple[str, str], int]:
    """Return what is left of claims by lender and currency, minor units."""
    rows = await QUERIES.claims_left.fetch(connection)
    return {(row["lender_id"], row["currency"]): row["left_minor"] for row in rows}


async def suspended_sums(connection: Connection) -> dict[tuple[str, str], int]:
    """Return what lies before people by lender and currency, minor units."""
    rows = await QUERIES.suspended_sums.fetch(connection)
    return {(row["lender_id"], row["currency"]): row["left_minor"] for row in rows}


def _received(row: Row) -> Received:
    fields = dict(row)
    key = ReceivedKey(*(fields.pop(name) for name in ReceivedKey._fields))
    cause, status = fields.pop("cause"), fields.pop("status")
    return Received(
        key=key,
        kind=ReceivedKind(fields.pop("kind")),
        status=ReceivedStatus(status),
        cause=None if cause is None else ReceivedCause(cause),
        **fields,
    )
