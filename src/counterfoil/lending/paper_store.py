"""Cost sheets and statements in PostgreSQL: added to, never changed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "paper_store.sql")


class StoredSheet(NamedTuple):
    """A cost sheet as it was given; the order of the fields is that of the query."""

    customer_id: int
    loan_id: int
    sheet_no: int
    cause: str
    #: What changed the plan; None for the sheet that was signed.
    transaction_id: int | None
    language: str | None
    #: Milliseconds for which it was before the customer, None where nobody measured.
    read_ms: int | None
    #: Canonical JSON, whose SHA-256 follows.
    sheet: str
    sheet_sha256: bytes
    before_sha256: bytes | None
    #: JSON.
    difference: str | None
    made_on: date
    made_at: datetime


class StoredStatement(NamedTuple):
    """One version of a month's statement; the order of the fields is that of the query."""

    customer_id: int
    line_id: int
    month: date
    version_no: int
    reason: str
    #: The transaction that changed what was said before; None for the first version.
    cause_id: int | None
    statement: str
    statement_sha256: bytes
    difference: str | None
    made_on: date
    made_at: datetime


class Noted(NamedTuple):
    """A transaction, as far as papers depend on it."""

    customer_id: int
    transaction_id: int
    loan_id: int
    line_id: int
    kind: str
    value_date: date
    book_date: date
    mode: str
    repayment_id: int | None


async def transactions_noted_at(
    connection: Connection, instants: Sequence[tuple[int, datetime]]
) -> list[Noted]:
    """Return the transactions of customers that were booked at these instants."""
    rows: list[Any] = await QUERIES.transactions_noted_at.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in instants],
        instants=[at for _, at in instants],
    )
    return [Noted(*row) for row in rows]


async def add_sheet(connection: Connection, sheet: StoredSheet) -> bool:
    """Keep a sheet under the next number; False where its cause has made one already."""
    values = sheet._asdict()
    del values["sheet_no"]
    return await QUERIES.add_sheet.fetchval(connection, **values) is not None


async def read_sheets(connection: Connection, customer_id: int, loan_id: int) -> list[StoredSheet]:
    """Return the sheets of a loan in their order."""
    rows: list[Any] = await QUERIES.sheets_of_loan.fetch(
        connection, customer_id=customer_id, loan_id=loan_id
    )
    return [StoredSheet(*row) for row in rows]


async def sheets_of_range(connection: Connection, after: int, *, through: int) -> list[StoredSheet]:
    """Return the sheets of customers after one and up to another."""
    rows: list[Any] = await QUERIES.sheets_of_range.fetch(connection, after=after, through=through)
    return [StoredSheet(*row) for row in rows]


async def add_statement(connection: Connection, statement: StoredStatement) -> None:
    """Keep a version; one that is there already stays."""
    await QUERIES.add_statement.execute(connection, **statement._asdict())


async def read_statements(
    connection: Connection, customer_id: int, line_id: int, month: date | None = None
) -> list[StoredStatement]:
    """Return the statements of a line by month and version."""
    rows: list[Any] = await QUERIES.statements_of_line.fetch(
        connection, customer_id=customer_id, line_id=line_id, month=month
    )
    return [StoredStatement(*row) for row in rows]
