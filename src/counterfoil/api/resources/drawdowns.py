"""Drawdowns: money asked for on a line, held at once and paid out over the rail."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.loans import loan_or_refuse
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    Currency,
    CustomerId,
    LineId,
    LoanId,
    ShortText,
    TenorMonths,
    Token,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.borrowing import draw as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.loan import Loan
from counterfoil.lending.terms import Method
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Drawdowns"
router = APIRouter()


class DrawdownBody(Body):
    """A drawdown as the customer agreed to it."""

    customer_id: CustomerId
    line_id: LineId
    amount_minor: AmountMinor
    currency: Currency
    tenor_months: TenorMonths
    method: Method
    purpose: Code
    #: Token of the borrower's account, never its number.
    payee_ref: ShortText
    #: From `POST /v1/quotes`; proves that the cost sheet was shown.
    quote_token: Token


class DrawdownAnswer(View):
    """A drawdown that was accepted: the amount is held and its payout ordered."""

    id: str
    customer_id: str
    line_id: str
    status: str
    amount_minor: int
    currency: str
    tenor_months: int
    method: str
    rate_daily_e8: int
    requested_on: date
    #: What may still be drawn on the line.
    available_minor: int
    line_version: int
    #: SHA-256 of the loan note that was confirmed with the quote.
    note_sha256: str | None
    #: SHA-256 of the cost sheet that was confirmed, and for how many milliseconds it was before the
    #: customer by the server's clock; None where nobody measured.
    cost_sheet_sha256: str
    sheet_read_ms: int | None


class DrawdownView(View):
    """A drawdown and what became of it."""

    id: str
    customer_id: str
    line_id: str
    #: `pending`, `open`, `closed`, or `cancelled` where the payout failed for good.
    status: str
    amount_minor: int
    currency: str
    tenor_months: int
    method: str
    purpose: str
    payee_ref: str
    rate_daily_e8: int
    #: SHA-256 of the cost sheet that was agreed to.
    cost_sheet_hash: str
    requested_on: date
    start_date: date | None


async def carry_draw(call: Call, body: DrawdownBody) -> Answer | Refused:
    """Draw."""
    return await journey.draw(
        call.house,
        customer_id=body.customer_id,
        line_id=body.line_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        tenor_months=body.tenor_months,
        method=body.method,
        purpose=body.purpose,
        payee_ref=body.payee_ref,
        quote_token=body.quote_token,
        idempotency_key=call.idempotency_key,
    )


DRAW = Write(
    name="create_drawdown",
    tag=TAG,
    path="/v1/drawdowns",
    scope=Scope.DRAWDOWNS_WRITE,
    body=DrawdownBody,
    answer=DrawdownAnswer,
    carry=carry_draw,
    status=201,
    is_told_by_commands=True,
    summary="Draw on a line",
    description="Holds the amount and orders its payout. The loan begins, and interest with it, "
    "on the day on which the money arrived.",
    example={
        "customer_id": "cu_01hv4zq3k2f00",
        "line_id": "ln_01hv4zq3k2f00",
        "amount_minor": 100_000,
        "currency": "CNY",
        "tenor_months": 6,
        "method": "level_instalment",
        "purpose": "daily_consumption",
        "payee_ref": "acct-7f3a",
        "quote_token": "q1.Mzo1OjEwMDAwMA.hc2lnbmF0dXJl",
    },
)
WRITES = (DRAW,)


@router.get("/v1/drawdowns/{drawdown_id}", **reads(Scope.LOANS_READ, TAG, "Read a drawdown"))
async def get_drawdown(
    house: HouseOf, drawdown_id: LoanId, customer_id: Annotated[CustomerId, Query()]
) -> DrawdownView:
    """Return a drawdown; it has the identifier of the loan that it becomes."""
    async with house.database.connection() as connection:
        return drawdown_view(await loan_or_refuse(connection, customer_id, drawdown_id))


def drawdown_view(loan: Loan) -> DrawdownView:
    """Return what an answer says of a drawdown."""
    return DrawdownView(
        id=ids.to_text(ids.LOAN, loan.loan_id),
        customer_id=ids.to_text(ids.CUSTOMER, loan.customer_id),
        line_id=ids.to_text(ids.LINE, loan.line_id),
        status=loan.status,
        amount_minor=loan.original_minor,
        currency=loan.currency,
        tenor_months=loan.tenor_months,
        method=loan.method.value,
        purpose=loan.purpose,
        payee_ref=loan.payee_ref,
        rate_daily_e8=loan.rate_daily_e8,
        cost_sheet_hash=loan.cost_sheet_hash.hex(),
        requested_on=loan.requested_on,
        start_date=loan.start_date,
    )
