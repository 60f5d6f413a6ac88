"""Statements: what happened on a line in a span of business dates, and what it adds up to."""

from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import Field

from counterfoil.api import refusals
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import CustomerId, Day, LineId, View
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.lending.credit_store import NEWEST, read_returns_of_line
from counterfoil.lending.store import QUERIES
from counterfoil.platform.access import Scope
from counterfoil.platform.database import Connection

TAG = "Statements"
router = APIRouter()

DAYS_MAX: Final = 366
#: More than a customer makes in the life of a line; beyond it the loans are read one by one.
TRANSACTIONS_MAX: Final = 5_000
_PAGE: Final = 1_000


class StatementEntryView(View):
    """One transaction on a statement; reversals carry negative parts."""

    transaction_id: str
    loan_id: str
    kind: str
    value_date: date
    book_date: date
    amount_minor: int
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    excess_minor: int
    fee_minor: int
    guarantee_minor: int
    #: Principal outstanding on the line afterwards.
    balance_minor: int


class StatementView(View):
    """A statement: opening balance, what happened, closing balance."""

    customer_id: str
    line_id: str
    currency: str
    first_date: date
    last_date: date
    opening_principal_minor: int
    disbursed_minor: int
    principal_paid_minor: int
    interest_paid_minor: int
    penalty_paid_minor: int
    #: Fees, the lender's and a guarantor's.
    fees_paid_minor: int
    #: Paid beyond what was owed and kept as credit.
    excess_minor: int
    #: Of such credit, what went back to the customer within these days, less what came back here.
    credit_returned_minor: int
    #: Opening, plus disbursed, minus principal paid.
    closing_principal_minor: int
    entries: list[StatementEntryView] = Field(max_length=TRANSACTIONS_MAX)


@router.get(
    "/v1/lines/{line_id}/statement", **reads(Scope.LOANS_READ, TAG, "Read a statement of a line")
)
async def get_statement(
    house: HouseOf,
    line_id: LineId,
    customer_id: Annotated[CustomerId, Query()],
    first_date: Annotated[Day, Query(alias="from")],
    last_date: Annotated[Day, Query(alias="to")],
) -> StatementView:
    """Return what happened on a line from one business date to another, both included."""
    if not timedelta(0) <= last_date - first_date < timedelta(days=DAYS_MAX):
        raise RefusedError(refuse(refusals.SPAN_INVALID, days_max=DAYS_MAX))
    async with house.database.connection() as connection:
        line = await line_or_refuse(connection, customer_id, line_id)
        rows = await _rows(connection, customer_id, line_id, (line.opened_on, last_date))
        returned = await _returned_minor(connection, customer_id, line_id, (first_date, last_date))
    before = [row for row in rows if row["book_date"] < first_date]
    within = rows[len(before) :]
    opening = sum(_principal(row) for row in before)
    sums = {name: sum(row[name] for row in within if _is_paid(row)) for name in _PARTS}
    disbursed = sum(_principal(row) for row in within if not _is_paid(row))
    return StatementView(
        customer_id=ids.to_text(ids.CUSTOMER, customer_id),
        line_id=ids.to_text(ids.LINE, line_id),
        currency=line.currency,
        first_date=first_date,
        last_date=last_date,
        opening_principal_minor=opening,
        disbursed_minor=disbursed,
        principal_paid_minor=sums["principal_minor"],
        interest_paid_minor=sums["interest_minor"],
        penalty_paid_minor=sums["penalty_minor"],
        fees_paid_minor=sums["fee_minor"] + sums["guarantee_minor"],
        excess_minor=sums["excess_minor"],
        credit_returned_minor=returned,
        closing_principal_minor=opening + disbursed - sums["principal_minor"],
        entries=_entries(within, opening),
    )


_PARTS: Final = (
    "principal_minor",
    "interest_minor",
    "penalty_minor",
    "excess_minor",
    "fee_minor",
    "guarantee_minor",
)
#: Transactions that lend, or take back that anything was lent.
_LENDING: Final = frozenset({"disbursement", "payout_returned"})


async def _rows(
    connection: Connection, customer_id: int, line_id: int, span: tuple[date, date]
) -> list[Any]:
    """Return the line's transactions up to the last day, in the order of book date and booking."""
    rows: list[Any] = []
    after = 0
    while True:
        page = await QUERIES.transactions_of_line.fetch(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            from_date=span[0],
            to_date=span[1],
            after_transaction_id=after,
            page=_PAGE,
        )
        rows += page
        if len(rows) > TRANSACTIONS_MAX:
            refused = refuse(refusals.STATEMENT_TOO_LONG, transactions_max=TRANSACTIONS_MAX)
            raise RefusedError(refused)
        if len(page) < _PAGE:
            return sorted(rows, key=lambda row: (row["book_date"], row["transaction_id"]))
        after = page[-1]["transaction_id"]


async def _returned_minor(
    connection: Connection, customer_id: int, line_id: int, span: tuple[date, date]
) -> int:
    """Return the credit paid out to the customer between two dates, less what bounced then."""
    total, before = 0, NEWEST
    while True:
        page = await read_returns_of_line(
            connection, customer_id, line_id, before=before, page=_PAGE
        )
        for one in page:
            if one.status in {"paid", "bounced"} and _is_within(one.settled_on, span):
                total += one.amount_minor
            if _is_within(one.bounced_on, span):
                total -= one.bounced_minor
        if len(page) < _PAGE:
            return total
        before = page[-1].return_id


def _is_within(day: date | None, span: tuple[date, date]) -> bool:
    return day is not None and span[0] <= day <= span[1]


def _entries(rows: list[Any], opening: int) -> list[StatementEntryView]:
    entries = []
    balance = opening
    for row in rows:
        balance += _principal(row)
        entries.append(
            StatementEntryView(
                transaction_id=ids.to_text(ids.TRANSACTION, row["transaction_id"]),
                loan_id=ids.to_text(ids.LOAN, row["loan_id"]),
                kind=row["kind"],
                value_date=row["value_date"],
                book_date=row["book_date"],
                amount_minor=row["amount_minor"],
                principal_minor=row["principal_minor"],
                interest_minor=row["interest_minor"],
                penalty_minor=row["penalty_minor"],
                excess_minor=row["excess_minor"],
                fee_minor=row["fee_minor"],
                guarantee_minor=row["guarantee_minor"],
                balance_minor=balance,
            )
        )
    return entries


def _is_paid(row: Any) -> bool:
    return row["kind"] not in _LENDING


def _principal(row: Any) -> int:
    """Return what a transaction adds to the principal outstanding."""
    principal: int = row["principal_minor"]
    return -principal if _is_paid(row) else principal
