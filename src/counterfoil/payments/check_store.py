"""Payouts as they are, with what statements show of them, for whoever checks the books."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from counterfoil.payments.order import Subject
from counterfoil.payments.rail import Outcome, PaymentStatus
from counterfoil.payments.received import ReceivedKey, ReceivedKind
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.payments", "check_store.sql")


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout, and the lines of the rail's statements that name it."""

    customer_id: int
    payment_id: int
    subject: Subject
    #: None where no loan is paid out.
    loan_id: int | None
    amount_minor: int
    currency: str
    status: PaymentStatus
    outcome: Outcome | None
    value_date: date | None
    #: The rail's statement of the value date was taken.
    has_statement: bool
    paid_lines: int
    paid_minor: int
    returned_lines: int
    #: What came back by two people's word, and the books have taken note of.
    returned_minor: int
    #: People have it, or had it, before them.
    has_case: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in for a repayment, or was recalled: the line that shows it."""

    customer_id: int
    repayment_id: int
    line: ReceivedKey
    kind: ReceivedKind
    amount_minor: int
    currency: str
    value_date: date
    turn_no: int


async def receipts_of_range(connection: Connection, after: int, *, through: int) -> list[Receipt]:
    """Return what is booked as a repayment of customers after one and up to another."""
    rows = await QUERIES.receipts_of_range.fetch(connection, after=after, through=through)
    return [
        Receipt(
            customer_id=row["customer_id"],
            repayment_id=row["repayment_id"],
            line=ReceivedKey(row["rail"], row["statement_date"], row["line_no"]),
            kind=ReceivedKind(row["kind"]),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            value_date=row["value_date"],
            turn_no=row["turn_no"],
        )
        for row in rows
    ]


async def receipts_without_repayment(connection: Connection, *, page: int) -> list[ReceivedKey]:
    """Return lines that are booked by a line's or loan's reference, and as nobody's repayment."""
    rows = await QUERIES.receipts_without_repayment.fetch(connection, page=page)
    return [ReceivedKey(**dict(row)) for row in rows]


async def payouts_of_range(connection: Connection, after: int, *, through: int) -> list[Payout]:
    """Return the payouts of customers after one and up to another."""
    rows: list[Any] = await QUERIES.payouts_of_range.fetch(connection, after=after, through=through)
    return [_payout(row) for row in rows]


async def known_differences(
    connection: Connection, after: int, *, through: int
) -> set[tuple[int, str]]:
    """Return customer and reference of open differences between order, statement and books."""
    rows = await QUERIES.differences_of_range.fetch(connection, after=after, through=through)
    return {(row["customer_id"], row["reference"]) for row in rows}


def _payout(row: Any) -> Payout:
    return Payout(
        customer_id=row["customer_id"],
        payment_id=row["payment_id"],
        subject=Subject(row["subject"]),
        loan_id=row["loan_id"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        status=PaymentStatus(row["status"]),
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        value_date=row["value_date"],
        has_statement=row["has_statement"],
        paid_lines=row["paid_lines"],
        paid_minor=row["paid_minor"],
        returned_lines=row["returned_lines"],
        returned_minor=row["returned_minor"],
        has_case=row["has_case"],
    )
