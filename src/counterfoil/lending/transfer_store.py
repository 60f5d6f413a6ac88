"""Finds the line or loan that a transfer belongs to, and what it was booked as."""

from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "transfer_store.sql")


class Destination(NamedTuple):
    """Where a transfer belongs."""

    customer_id: int
    line_id: int
    lender_id: str
    currency: str
    #: The loan that is meant, or keeps what no running one takes; None where there never was one.
    loan_id: int | None
    #: Whether the payer named the loan, so that nothing goes to another debt.
    is_for_loan: bool


async def line_of_number(connection: Connection, line_id: int) -> Destination | None:
    """Return the line of a number with the loan that keeps what is too much."""
    row = await QUERIES.line_of_number.fetchrow(connection, line_id=line_id)
    if row is None:
        return None
    loan_id: int | None = await QUERIES.loan_that_keeps.fetchval(
        connection, customer_id=row["customer_id"], line_id=line_id
    )
    return Destination(**dict(row), loan_id=loan_id, is_for_loan=False)


async def loan_of_number(connection: Connection, loan_id: int) -> Destination | None:
    """Return the loan of a number; without the loan where its money never arrived."""
    row = await QUERIES.loan_of_number.fetchrow(connection, loan_id=loan_id)
    if row is None:
        return None
    fields = dict(row)
    began = fields.pop("status") in ("open", "closed")
    return Destination(**fields, loan_id=loan_id if began else None, is_for_loan=True)


async def repayment_of_key(connection: Connection, customer_id: int, key: str) -> int | None:
    """Return the repayment that was booked under a key; None where nothing was."""
    number: int | None = await QUERIES.repayment_of_key.fetchval(
        connection, customer_id=customer_id, key=key
    )
    return number


async def line_of_repayment(connection: Connection, customer_id: int, repayment_id: int) -> int:
    """Return the line that a repayment was booked on."""
    line_id: int = await QUERIES.line_of_repayment.fetchval(
        connection, customer_id=customer_id, repayment_id=repayment_id
    )
    return line_id
