"""Reads what customers owe and could draw here, for whoever adds it up with debts elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "debt_store.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDebt:
    """One line with what is owed on it."""

    customer_id: int
    line_id: int
    product_code: str
    currency: str
    status: str
    opened_on: date
    limit_minor: int
    own_cap_minor: int | None
    principal_minor: int
    #: Drawdowns accepted and not yet paid out.
    held_minor: int
    #: What falls due in a month, prudently.
    monthly_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a customer owes in one currency, and how much of it is long overdue."""

    customer_id: int
    currency: str
    owed_minor: int
    #: Of loans at least 90 days past due.
    late_minor: int


async def read_own_debts(
    connection: Connection, customer_ids: Sequence[int], on: date
) -> dict[int, list[OwnDebt]]:
    """Return the lines of customers by customer; who has none is not in the answer."""
    found: dict[int, list[OwnDebt]] = {}
    rows = await QUERIES.own_debts.fetch(connection, customer_ids=list(customer_ids), on=on)
    for row in rows:
        found.setdefault(row["customer_id"], []).append(OwnDebt(**dict(row)))
    return found


async def read_owed(connection: Connection, customer_ids: Sequence[int], on: date) -> list[Owed]:
    """Return what customers owe in open loans."""
    rows = await QUERIES.losses_of_customers.fetch(
        connection, customer_ids=list(customer_ids), on=on
    )
    return [Owed(**dict(row)) for row in rows]
