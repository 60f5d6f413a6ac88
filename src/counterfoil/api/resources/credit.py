"""Credit: what was overpaid and is kept, going back to the customer or into a repayment."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.resources.repayments import RepaymentAnswer
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    CreditReturnId,
    Currency,
    CustomerId,
    LineId,
    LoanId,
    ShortText,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.borrowing import credit as journey
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import credit_store as store
from counterfoil.lending import refusals
from counterfoil.lending.account import CreditReturn
from counterfoil.lending.crediting import return_answer
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Credit"
router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"
_LINE = "ln_01hv4zq3k2f00"


class CreditReturnBody(Body):
    """The customer's wish to have credit back."""

    customer_id: CustomerId
    line_id: LineId
    amount_minor: AmountMinor
    currency: Currency
    #: Token of the customer's account, never its number.
    payee_ref: ShortText


class CreditUseBody(Body):
    """The customer's wish to repay out of credit."""

    customer_id: CustomerId
    line_id: LineId
    #: None: for the loans of the line, what is due first.
    loan_id: LoanId | None = None
    amount_minor: AmountMinor
    currency: Currency
    #: What money paid before it is due does to the plan.
    mode: Prepayment = Prepayment.NEXT_INSTALMENT


class CreditReturnView(View):
    """A return of credit and what became of it."""

    id: str
    customer_id: str
    line_id: str
    #: `requested`, then `paid`, or `failed` where the payout failed for good; `bounced` where it
    #: was paid and came back: the credit is kept again.
    status: str
    amount_minor: int
    currency: str
    payee_ref: str
    requested_on: date
    #: The day on which the payee had the money.
    value_date: date | None
    failure_code: str | None


class CreditReturnAnswer(CreditReturnView):
    """A return that was accepted: the credit is set aside and its payout ordered."""

    #: What is still kept for the customer on the line.
    credit_minor: int
    #: All that is on its way back.
    returning_minor: int
    line_version: int


class CreditReturns(PageView):
    """A page of returns, newest first."""

    items: list[CreditReturnView]


async def carry_return(call: Call, body: CreditReturnBody) -> Answer | Refused:
    """Return credit."""
    return await journey.return_credit(
        call.house,
        customer_id=body.customer_id,
        line_id=body.line_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        payee_ref=body.payee_ref,
        idempotency_key=call.idempotency_key,
    )


async def carry_use(call: Call, body: CreditUseBody) -> Answer | Refused:
    """Repay out of credit."""
    return await journey.use_credit(
        call.house,
        customer_id=body.customer_id,
        line_id=body.line_id,
        loan_id=body.loan_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        mode=body.mode,
        idempotency_key=call.idempotency_key,
    )


RETURN = Write(
    name="create_credit_return",
    tag=TAG,
    path="/v1/credit-returns",
    scope=Scope.REPAYMENTS_WRITE,
    body=CreditReturnBody,
    answer=CreditReturnAnswer,
    carry=carry_return,
    status=201,
    summary="Return credit to the customer",
    description="The amount leaves the credit at once and goes out over the rail like a drawdown; "
    "a payout that fails for good is credit again, one of unknown outcome stays on its way.",
    example={
        "customer_id": _CUSTOMER,
        "line_id": _LINE,
        "amount_minor": 2_500,
        "currency": "CNY",
        "payee_ref": "acct_7f3k",
    },
)
USE = Write(
    name="create_credit_use",
    tag=TAG,
    path="/v1/credit-uses",
    scope=Scope.REPAYMENTS_WRITE,
    body=CreditUseBody,
    answer=RepaymentAnswer,
    carry=carry_use,
    status=201,
    summary="Repay out of credit",
    description="Pays what a repayment of the business date would; its receipt is that of a "
    "repayment by the channel `credit`, and it can be taken back like one.",
    example={
        "customer_id": _CUSTOMER,
        "line_id": _LINE,
        "loan_id": None,
        "amount_minor": 2_500,
        "currency": "CNY",
        "mode": "next_instalment",
    },
)
WRITES = (RETURN, USE)


@router.get(
    "/v1/credit-returns/{return_id}", **reads(Scope.LINES_READ, TAG, "Read a return of credit")
)
async def get_credit_return(
    house: HouseOf,
    return_id: CreditReturnId,
    customer_id: Annotated[CustomerId, Query(description="Whose return it is.")],
) -> CreditReturnView:
    """Return a return of credit with what became of it."""
    async with house.database.connection() as connection:
        found = await store.read_return(connection, customer_id, return_id)
    if found is None:
        raise RefusedError(refuse(refusals.CREDIT_RETURN_NOT_FOUND))
    return return_view(found)


@router.get(
    "/v1/lines/{line_id}/credit-returns",
    **reads(Scope.LINES_READ, TAG, "List the returns of a line's credit"),
)
async def list_credit_returns(
    house: HouseOf,
    line_id: LineId,
    customer_id: Annotated[CustomerId, Query(description="Whose line it is.")],
    turn: Paging,
) -> CreditReturns:
    """Return what went back, or is going back, to the customer, newest first."""
    before = turn.number(store.NEWEST)
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await store.read_returns_of_line(
            connection, customer_id, line_id, before=before, page=turn.page, is_back=turn.is_back
        )
    page = page_of(found, turn, lambda item: (0, item.return_id))
    return CreditReturns(
        items=[return_view(item) for item in page.items],
        **page.cursors,
    )


def return_view(found: CreditReturn) -> CreditReturnView:
    """Return what an answer says of a return of credit."""
    return CreditReturnView.model_validate(return_answer(found))
