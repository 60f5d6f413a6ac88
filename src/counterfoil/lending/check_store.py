"""Lending's rows by ranges of customers, as they are, for whoever checks the books."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from counterfoil.lending.account import Transaction
from counterfoil.lending.close_cut import Cut, Snapshot
from counterfoil.lending.closing_store import LineSums, Receivable
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Due, Loan
from counterfoil.lending.store import due_of, loan_of, transaction_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.lending", "check_store.sql")


class Booked(NamedTuple):
    """A transaction as it is stored, with all that was noted of its booking."""

    customer_id: int
    line_id: int
    book_date: date
    posted_at: datetime
    idempotency_key: str
    transaction: Transaction
    #: Number of the database transaction that wrote it, modulo 2^32.
    xid: int


class StoredDue(NamedTuple):
    """An instalment as it is stored."""

    customer_id: int
    loan_id: int
    due: Due


class StoredEvent(NamedTuple):
    """A change of a line, as far as its order matters."""

    customer_id: int
    line_id: int
    version: int
    idempotency_key: str


async def customers_bound(connection: Connection, *, after: int, page: int) -> int | None:
    """Return the last customer of the next page, None where fewer than a page are left."""
    found: int | None = await QUERIES.customers_bound.fetchval(connection, after=after, page=page)
    return found


async def lines_of_range(connection: Connection, after: int, *, through: int) -> list[Line]:
    """Return the lines of customers after one and up to another."""
    rows: list[Any] = await QUERIES.lines_of_range.fetch(connection, after=after, through=through)
    return [Line(*row) for row in rows]


async def loans_of_range(connection: Connection, after: int, *, through: int) -> list[Loan]:
    """Return the loans of customers after one and up to another, without their instalments."""
    rows: list[Any] = await QUERIES.loans_of_range.fetch(connection, after=after, through=through)
    return [loan_of(row) for row in rows]


async def dues_of_range(connection: Connection, after: int, *, through: int) -> list[StoredDue]:
    """Return the instalments of customers after one and up to another."""
    rows: list[Any] = await QUERIES.instalments_of_range.fetch(
        connection, after=after, through=through
    )
    return [StoredDue(row["customer_id"], row["loan_id"], due_of(row)) for row in rows]


async def transactions_of_range(
    connection: Connection, after: int, *, through: int
) -> list[Booked]:
    """Return the transactions of customers after one and up to another, by loan and sequence."""
    rows = await QUERIES.transactions_of_range.fetch(connection, after=after, through=through)
    return [
        Booked(
            row["customer_id"],
            row["line_id"],
            row["book_date"],
            row["posted_at"],
            row["idempotency_key"],
            transaction_of(row),
            row["xid"],
        )
        for row in rows
    ]


async def line_events_of_range(
    connection: Connection, after: int, *, through: int
) -> list[StoredEvent]:
    """Return the changes of lines of customers after one and up to another."""
    rows: list[Any] = await QUERIES.line_events_of_range.fetch(
        connection, after=after, through=through
    )
    return [StoredEvent(*row) for row in rows]


async def last_accrual(connection: Connection) -> Cut | None:
    """Return the latest day whose accrual was booked, and what it saw; None before the first."""
    row = await QUERIES.last_accrual.fetchrow(connection)
    if row is None:
        return None
    _, found, text = (row["detail"] or "").partition("@")
    snapshot = Snapshot.read(text) if found else None
    return Cut(row["business_date"], row["finished_at"], snapshot)


async def accrual_of_day(connection: Connection, business_date: date) -> Sequence[Receivable]:
    """Return what was kept of the book at the close of a day."""
    rows: list[Any] = await QUERIES.accrual_of_day.fetch(connection, business_date=business_date)
    return [
        Receivable._make((*row[:6], int(row[6]), int(row[7]), row[8])) for row in map(tuple, rows)
    ]


async def line_days_off_loans(connection: Connection, *, page: int) -> Sequence[Row]:
    """Return kept days of which lines and loans do not show the same principal."""
    return await QUERIES.line_days_off_loans.fetch(connection, page=page)


async def line_days_count(connection: Connection) -> int:
    """Return how many sums of lines are kept."""
    count: int = await QUERIES.line_days_count.fetchval(connection)
    return count


async def line_day(connection: Connection, business_date: date) -> list[LineSums]:
    """Return what was kept of all lines at the close of a day."""
    rows: list[Any] = await QUERIES.line_day.fetch(connection, business_date=business_date)
    return [LineSums(*row) for row in rows]


async def lines_at_rest(connection: Connection, day: date) -> list[tuple[LineSums, int]]:
    """Return what lines come to on which nothing happened after a day, and how many others are."""
    rows: list[Any] = await QUERIES.lines_at_rest.fetch(connection, day=day)
    return [(LineSums(*row[:-1]), row[-1]) for row in map(tuple, rows)]


async def book_sums(
    connection: Connection,
) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
    """Return principal, holds, credit and returns by lender, product and currency."""
    rows: list[Any] = await QUERIES.book_sums.fetch(connection)
    return {(row[0], row[1], row[2]): tuple(row)[3:] for row in rows}
