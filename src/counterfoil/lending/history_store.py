"""Reads everything that has happened on the lines of customers; many customers at once."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "history_store.sql")


class Opening(NamedTuple):
    """A line that was opened."""

    customer_id: int
    line_id: int
    opened_on: date
    #: With which it was opened.
    limit_minor: int


class LimitChange(NamedTuple):
    """A change of a line's limit."""

    customer_id: int
    line_id: int
    version: int
    #: `limit_raised`, `limit_lowered` or `limit_restored`.
    kind: str
    #: Afterwards.
    limit_minor: int
    book_date: date
    at: datetime


class Movement(NamedTuple):
    """Money paid out or repaid, and not taken back."""

    customer_id: int
    transaction_id: int
    line_id: int
    #: `disbursement` or `repayment`.
    kind: str
    amount_minor: int
    value_date: date
    posted_at: datetime


class LoanClosed(NamedTuple):
    """A loan that was repaid in full."""

    customer_id: int
    loan_id: int
    line_id: int
    closed_on: date
    #: When the last of it was posted; None where nothing was.
    posted_at: datetime | None


class Instalment(NamedTuple):
    """An instalment that fell due."""

    customer_id: int
    loan_id: int
    line_id: int
    instalment_no: int
    due_date: date
    #: None while it is not settled.
    settled_on: date | None
    amount_minor: int
    grace_days: int
    #: When the repayment of that date was posted; None where there is none.
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHistory:
    """What happened on all lines of one customer."""

    openings: list[Opening] = field(default_factory=list)
    limit_changes: list[LimitChange] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    loans_closed: list[LoanClosed] = field(default_factory=list)
    instalments: list[Instalment] = field(default_factory=list)


async def read_histories(
    connection: Connection, customer_ids: Collection[int]
) -> dict[int, OwnHistory]:
    """Return what happened on the lines of customers; nothing for those without a line."""
    found = {customer_id: OwnHistory() for customer_id in customer_ids}
    asked = {"customer_ids": sorted(found)}
    for row in await QUERIES.openings_of_customers.fetch(connection, **asked):
        found[row["customer_id"]].openings.append(Opening(**dict(row)))
    for row in await QUERIES.limit_changes_of_customers.fetch(connection, **asked):
        found[row["customer_id"]].limit_changes.append(LimitChange(**dict(row)))
    for row in await QUERIES.movements_of_customers.fetch(connection, **asked):
        found[row["customer_id"]].movements.append(Movement(**dict(row)))
    for row in await QUERIES.loans_closed_of_customers.fetch(connection, **asked):
        found[row["customer_id"]].loans_closed.append(LoanClosed(**dict(row)))
    for row in await QUERIES.instalments_of_customers.fetch(connection, **asked):
        found[row["customer_id"]].instalments.append(Instalment(**dict(row)))
    return found


async def bring_reviews_forward(connection: Connection, customer_id: int, *, on: date) -> None:
    """Let the lines of a customer be reviewed on a day at the latest."""
    await QUERIES.bring_reviews_forward.execute(connection, customer_id=customer_id, on_date=on)
