"""Reads and writes promotions, what is left of them and what drawdowns took; over named queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import orjson

from counterfoil.kernel.money import split
from counterfoil.lending.promotion import Promotion, promotion_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "promotion_store.sql")

#: More promotions than hold at one time.
PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A promotion with its number."""

    promotion_id: int
    promotion: Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who signed a promotion, and when it was published."""

    author: str
    approver: str
    approval_id: int
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one drawdown takes of a promotion."""

    customer_id: int
    #: The idempotency key of the drawdown.
    key: str
    promotion_id: int
    #: Interest of the plan that the customer does not pay, minor units.
    cost_minor: int
    rate_daily_e8: int
    rate_without_daily_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A promotion with its budget and what became of it; amounts in minor units."""

    promotion_id: int
    code: str
    begins_on: date
    ends_on: date
    currency: str
    budget_minor: int
    uses_most: int
    funder: str
    author: str
    approver: str
    stopped_at: datetime | None
    left_minor: int
    left_uses: int
    #: What it cost: interest that customers do not pay, by the plans they signed.
    used_minor: int
    used_uses: int
    #: Taken by drawdowns that have not been answered.
    held_minor: int
    #: Booked as a claim on whoever funds it, by the end of the last closed day; 0 for the lender's.
    claimed_minor: int
    #: What of that its funder has paid.
    received_minor: int


async def add(connection: Connection, kept: Kept, signed: Signed) -> None:
    """Write a promotion and deal out its budget."""
    item = kept.promotion
    await QUERIES.add_promotion.execute(
        connection,
        promotion_id=kept.promotion_id,
        code=item.code,
        sha256=item.sha256,
        document=item.document,
        begins_on=item.begins_on,
        ends_on=item.ends_on,
        currency=item.currency,
        budget_minor=item.budget_minor,
        uses_most=item.uses_most,
        funder=item.funder,
        author=signed.author,
        approver=signed.approver,
        approval_id=signed.approval_id,
        published_at=signed.published_at,
    )
    await QUERIES.add_portions.execute(
        connection,
        promotion_id=kept.promotion_id,
        amounts_minor=list(split(item.budget_minor, item.portions)),
        uses=list(split(item.uses_most, item.portions)),
    )


async def sha256_of_code(connection: Connection, code: str) -> tuple[int, bytes] | None:
    """Return number and hash of the promotion of a code; None where there is none."""
    rows = await QUERIES.promotion_of_code.fetch(connection, code=code)
    return (rows[0]["promotion_id"], rows[0]["sha256"]) if rows else None


async def read_on(connection: Connection, on: date) -> list[Kept]:
    """Return the promotions in force on a date of which something may be left."""
    rows = await QUERIES.promotions_on.fetch(connection, on_date=on, page=PAGE)
    return [_kept(row["promotion_id"], row["document"]) for row in rows]


async def read_still_on(connection: Connection, promotion_id: int, on: date) -> Kept | None:
    """Return a promotion if it is in force on a date."""
    document = await QUERIES.promotion_still_on.fetchval(
        connection, promotion_id=promotion_id, on_date=on
    )
    return None if document is None else _kept(promotion_id, document)


async def hold_customer(connection: Connection, use: Use) -> None:
    """Let the customer's drawdowns under a promotion come one after the other."""
    await QUERIES.hold_customer.execute(
        connection, promotion_id=use.promotion_id, customer_id=use.customer_id
    )


async def uses_of_customer(
    connection: Connection, customer_id: int, promotion_ids: Sequence[int], *, key: str = ""
) -> dict[int, tuple[int, int]]:
    """Return by promotion how often a customer used it, and how often under a key."""
    rows = await QUERIES.uses_of_customer.fetch(
        connection, customer_id=customer_id, promotion_ids=list(promotion_ids), key=key
    )
    return {row["promotion_id"]: (row["uses"], row["under_key"]) for row in rows}


async def take(connection: Connection, use: Use, *, at: datetime) -> bool:
    """Take a use of a portion; False where no portion holds as much.

    A portion that somebody else is taking from is passed over; only where no other holds as much
    is waited for it.
    """
    portion: int | None = await QUERIES.take_free.fetchval(
        connection,
        promotion_id=use.promotion_id,
        cost_minor=use.cost_minor,
        start=use.customer_id % PAGE,
    )
    if portion is None:
        portion = await QUERIES.take_waiting.fetchval(
            connection, promotion_id=use.promotion_id, cost_minor=use.cost_minor
        )
    if portion is None:
        return False
    await QUERIES.put_use.execute(
        connection,
        customer_id=use.customer_id,
        key=use.key,
        promotion_id=use.promotion_id,
        portion_no=portion,
        cost_minor=use.cost_minor,
        rate_daily_e8=use.rate_daily_e8,
        rate_without_daily_e8=use.rate_without_daily_e8,
        at=at,
    )
    return True


async def settle_used(
    connection: Connection, customer_id: int, key: str, *, loan_id: int, at: datetime
) -> None:
    """Note the loan that a use became."""
    await QUERIES.settle_used.execute(
        connection, customer_id=customer_id, key=key, loan_id=loan_id, at=at
    )


async def release(connection: Connection, customer_id: int, key: str, *, at: datetime) -> None:
    """Give back what a drawdown took that came to nothing."""
    await QUERIES.release_use.fetch(connection, customer_id=customer_id, key=key, at=at)


async def read_unsettled(
    connection: Connection, *, held_before: datetime
) -> list[tuple[int, str, str]]:
    """Return customer, key and state of uses whose drawdown came to nothing or was never told."""
    rows = await QUERIES.uses_unsettled.fetch(connection, held_before=held_before, page=PAGE)
    return [(row["customer_id"], row["idempotency_key"], row["state"]) for row in rows]


async def stop(
    connection: Connection, promotion_id: int, *, by: str, reason: str, at: datetime
) -> None:
    """End a promotion before its day; the second time changes nothing."""
    await QUERIES.add_stop.execute(
        connection, promotion_id=promotion_id, by=by, reason=reason, at=at
    )


async def read_all(connection: Connection) -> list[Standing]:
    """Return every promotion, newest first."""
    return [Standing(**dict(row)) for row in await QUERIES.promotions.fetch(connection)]


def _kept(promotion_id: int, document: str) -> Kept:
    return Kept(promotion_id=promotion_id, promotion=promotion_of(orjson.loads(document)))
