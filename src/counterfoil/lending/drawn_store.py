"""Reads and writes what a customer draws within a period; over named queries."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "drawn_store.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawHold:
    """A drawdown on its way."""

    customer_id: int
    hold_id: int
    #: Of the request.
    key: str
    amount_minor: int
    currency: str
    asked_on: date
    #: The first day of the period in which drawdowns are added up.
    since: date
    #: Every record of the person, this one among them.
    customer_ids: tuple[int, ...]


async def hold_drawing(connection: Connection, customer_id: int) -> None:
    """Let nobody else add up a person's drawdowns until the transaction ends.

    `customer_id` is the record that stands for the person.
    """
    await QUERIES.hold_drawing.fetch(connection, customer_id=customer_id)


async def drawn_minor(connection: Connection, hold: DrawHold) -> Counter[str]:
    """Return what a person has drawn in the period of a drawdown, in minor units by currency."""
    rows = await QUERIES.drawn_minor.fetch(
        connection, customer_ids=list(hold.customer_ids), since=hold.since
    )
    return Counter({row["currency"]: row["amount_minor"] for row in rows})


async def held_minor(
    connection: Connection, hold: DrawHold
) -> dict[tuple[int, str], tuple[str, int]]:
    """Return other drawdowns on their way by record and key: currency and minor units."""
    rows = await QUERIES.held_drawdowns.fetch(
        connection,
        customer_ids=list(hold.customer_ids),
        since=hold.since,
        customer_id=hold.customer_id,
        key=hold.key,
    )
    return {
        (row["customer_id"], row["idempotency_key"]): (row["currency"], row["amount_minor"])
        for row in rows
    }


async def add_hold(connection: Connection, hold: DrawHold) -> None:
    """Let a drawdown count from now on."""
    await QUERIES.add_hold.execute(
        connection,
        customer_id=hold.customer_id,
        hold_id=hold.hold_id,
        key=hold.key,
        amount_minor=hold.amount_minor,
        currency=hold.currency,
        asked_on=hold.asked_on,
    )


async def end_hold(connection: Connection, hold: DrawHold) -> None:
    """Let a drawdown count by its loan alone, or not at all where none came about."""
    await QUERIES.end_hold.execute(
        connection, customer_id=hold.customer_id, hold_id=hold.hold_id, since=hold.since
    )
