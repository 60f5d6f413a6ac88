"""Settling early: a quote for a day that the customer chooses, and what a payment would pay.

The way     `ask_settlement` keeps a quote and answers it; paying it is an ordinary repayment of
            exactly that, on that day. `preview_repayment` shows the parts of any payment before.
Invariant   A preview is the decision itself, made on what is stored and thrown away.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.journeys.entry import LENDER_ZONE
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import settlement_store, store
from counterfoil.lending.commands import Repay
from counterfoil.lending.loan import Loan, due_minor, payoff_minor
from counterfoil.lending.refusals import (
    LINE_NOT_FOUND,
    LOAN_NOT_FOUND,
    SETTLEMENT_QUOTE_NOT_FOUND,
)
from counterfoil.lending.settlement import (
    SettlementState,
    SettlementWish,
    quote_settlement,
    settlement_document,
    state_of,
)
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

#: More loans than a line ever has.
_LOANS_MAX: Final = 1_000


async def ask_settlement(
    house: House, wish: SettlementWish, *, idempotency_key: str
) -> Answer | Refused:
    """Keep and answer a quote of what settles a loan, or all loans of a line, on a day."""
    on, now = await house.business_date(), house.clock.now()
    said: dict[str, object] = {
        "line_id": wish.line_id,
        "loan_id": wish.loan_id,
        "on": wish.settle_on.isoformat() if wish.settle_on else None,
    }

    async def work(connection: Connection) -> str | Refused:
        loans = await _loans(connection, wish)
        if isinstance(loans, Refused):
            return loans
        quote = quote_settlement(
            wish, loans, quote_id=house.ids.next(), business_date=on, now=now, zone=LENDER_ZONE
        )
        if isinstance(quote, Refused):
            return quote
        await settlement_store.add_quote(connection, quote)
        document = settlement_document(quote, SettlementState.VALID)
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()

    return await once_for(house, wish.customer_id, "ask_settlement", idempotency_key, said, work)


async def read_settlement(
    house: House, *, customer_id: int, quote_id: int
) -> dict[str, Any] | Refused:
    """Return a quote as it stands."""
    found = await list_settlements(house, customer_id=customer_id, quote_id=quote_id, page=1)
    return found[0] if found else refuse(SETTLEMENT_QUOTE_NOT_FOUND)


async def list_settlements(
    house: House,
    *,
    customer_id: int,
    line_id: int | None = None,
    quote_id: int | None = None,
    before: int = settlement_store.NEWEST,
    page: int,
    is_back: bool = False,
) -> list[dict[str, Any]]:
    """Return a customer's quotes as they stand, newest first."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        quotes = await settlement_store.read_quotes(
            connection,
            customer_id,
            line_id=line_id,
            quote_id=quote_id,
            before=before,
            page=page,
            is_back=is_back,
        )
        numbers = {number for quote in quotes for number in quote.loan_ids}
        loans = {
            loan.loan_id: loan
            for number in sorted(numbers)
            if (loan := await store.read_loan(connection, customer_id, number)) is not None
        }
    return [settlement_document(quote, state_of(quote, loans, on)) for quote in quotes]


async def preview_repayment(house: House, payment: Repay) -> dict[str, Any] | Refused:
    """Return what a payment would pay by loan, and what would be owed then; writes nothing."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        decided = await house.counter.preview(connection, payment, on)
    if isinstance(decided, Refused):
        return decided
    answer, loans = decided
    return {
        "customer_id": answer["customer_id"],
        "line_id": answer["line_id"],
        "amount_minor": answer["amount_minor"],
        "currency": answer["currency"],
        "value_date": answer["value_date"],
        "allocations": answer["allocations"],
        "excess_minor": answer["excess_minor"],
        "loans": [_left(loan, on) for loan in loans],
    }


def _left(loan: Loan, on: date) -> dict[str, Any]:
    """Return what remains of a loan after a payment."""
    is_open = loan.status == "open"
    due = loan.next_due_date
    return {
        "loan_id": ids.to_text(ids.LOAN, loan.loan_id),
        "status": loan.status,
        "principal_minor": loan.principal_minor,
        "due_minor": due_minor(loan, on) if is_open else 0,
        "payoff_minor": payoff_minor(loan, on) if is_open else 0,
        "next_due_date": None if due is None else due.isoformat(),
    }


async def _loans(connection: Connection, wish: SettlementWish) -> Sequence[Loan] | Refused:
    line = await store.read_line(connection, wish.customer_id, wish.line_id)
    if line is None:
        return refuse(LINE_NOT_FOUND)
    if wish.loan_id is None:
        return await store.read_loans_after(
            connection, customer_id=wish.customer_id, line_id=wish.line_id, page=_LOANS_MAX
        )
    loan = await store.read_loan(connection, wish.customer_id, wish.loan_id)
    if loan is None or loan.line_id != wish.line_id:
        return refuse(LOAN_NOT_FOUND)
    return [loan]
