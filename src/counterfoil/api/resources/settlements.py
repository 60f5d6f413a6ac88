"""Settling early: quotes for a day that the customer chooses, and the parts of a payment before."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.repayments import LOANS_MAX, AllocationView, LoanOrder
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    CustomerId,
    Day,
    LineId,
    LoanId,
    SettlementQuoteId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.borrowing import settle_loans as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import store
from counterfoil.lending.commands import Repay
from counterfoil.lending.refusals import LINE_NOT_FOUND
from counterfoil.lending.settlement import SettlementWish
from counterfoil.lending.settlement_store import NEWEST
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Repayments"
router = APIRouter()
#: How the parts of a payment are previewed is not written down.
_PREVIEW_CHANNEL: Final = "preview"

Owner = Annotated[CustomerId, Query(description="Whose it is.")]


class SettlementBody(Body):
    """A day on which a customer wants to be free of a loan, or of all loans of a line."""

    customer_id: CustomerId
    line_id: LineId
    #: None for all loans of the line.
    loan_id: LoanId | None = None
    #: None for the business date; 31 days ahead at most.
    on: Day | None = None


class SettledLoanView(View):
    """What closes one loan on the day of its quote."""

    loan_id: str
    amount_minor: int
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    #: Fees that have fallen due, and for being early: the lender's, and a guarantor's.
    fee_minor: int
    guarantee_minor: int
    #: Fees of instalments to come, which are not owed.
    fee_saved_minor: int
    interest_saved_minor: int


class SettlementPayment(View):
    """What to send to `/v1/repayments` on that day, with the customer and the channel."""

    line_id: str
    loan_id: str | None
    amount_minor: int
    currency: str
    value_date: date


class SettlementView(View):
    """A quote: exactly this, arriving on this day, leaves nothing owed on these loans."""

    id: str
    customer_id: str
    line_id: str
    #: `valid`; `changed` where something else was booked since; `settled`; `expired`.
    state: str
    on: date
    valid_until: datetime
    amount_minor: int
    currency: str
    loans: list[SettledLoanView]
    made_on: date
    #: What a transfer of it names (ISO 11649).
    payment_reference: str
    repayment: SettlementPayment


class Settlements(PageView):
    """A customer's quotes, newest first."""

    items: list[SettlementView]


class LeftView(View):
    """A loan as it would stand after a payment."""

    loan_id: str
    status: str
    principal_minor: int
    #: Fallen due and still unpaid.
    due_minor: int
    payoff_minor: int
    next_due_date: date | None


class RepaymentPreview(View):
    """What a payment would pay, and what would remain."""

    customer_id: str
    line_id: str
    amount_minor: int
    currency: str
    value_date: date
    #: With the excess they sum to the amount.
    allocations: list[AllocationView]
    #: What no loan asks for: kept as credit.
    excess_minor: int
    loans: list[LeftView]


async def carry_settlement(call: Call, body: SettlementBody) -> Answer | Refused:
    """Quote a settlement."""
    wish = SettlementWish(
        customer_id=body.customer_id,
        line_id=body.line_id,
        loan_id=body.loan_id,
        settle_on=body.on,
        author=call.author,
    )
    return await journey.ask_settlement(call.house, wish, idempotency_key=call.idempotency_key)


SETTLE = Write(
    name="create_settlement_quote",
    tag=TAG,
    path="/v1/settlement-quotes",
    scope=Scope.REPAYMENTS_WRITE,
    body=SettlementBody,
    answer=SettlementView,
    carry=carry_settlement,
    status=201,
    summary="Quote an early settlement",
    description="For a day that the customer chooses. Exactly the amount, booked with that value"
    " date, closes the loans to zero; no interest runs after it. Nothing else is changed.",
    example={
        "customer_id": "cu_01hv4zq3k2f00",
        "line_id": "ln_01hv4zq3k2f00",
        "loan_id": None,
        "on": None,
    },
)
WRITES = (SETTLE,)


@router.get("/v1/settlement-quotes", **reads(Scope.LOANS_READ, TAG, "List settlement quotes"))
async def list_settlement_quotes(
    house: HouseOf,
    customer_id: Owner,
    turn: Paging,
    line_id: Annotated[LineId | None, Query(description="Of this line only.")] = None,
) -> Settlements:
    """Return a customer's quotes as they stand today, newest first."""
    found = await journey.list_settlements(
        house,
        customer_id=customer_id,
        line_id=line_id,
        before=turn.number(NEWEST),
        page=turn.page,
        is_back=turn.is_back,
    )
    page = page_of(found, turn, lambda item: (0, ids.from_text(ids.SETTLEMENT_QUOTE, item["id"])))
    return Settlements(
        items=[SettlementView.model_validate(one) for one in page.items], **page.cursors
    )


@router.get(
    "/v1/settlement-quotes/{settlement_quote_id}",
    **reads(Scope.LOANS_READ, TAG, "Read a settlement quote"),
)
async def get_settlement_quote(
    house: HouseOf, settlement_quote_id: SettlementQuoteId, customer_id: Owner
) -> SettlementView:
    """Return a quote as it stands today."""
    found = await journey.read_settlement(
        house, customer_id=customer_id, quote_id=settlement_quote_id
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    return SettlementView.model_validate(found)


@router.get(
    "/v1/lines/{line_id}/repayment-preview",
    **reads(Scope.LOANS_READ, TAG, "Preview the parts of a repayment"),
)
async def get_repayment_preview(
    house: HouseOf,
    line_id: LineId,
    customer_id: Owner,
    amount_minor: Annotated[AmountMinor, Query()],
    loan_id: Annotated[
        LoanId | None, Query(description="By default the loans of the line, in the order of law.")
    ] = None,
    loan_ids: Annotated[
        list[LoanId] | None, Query(description="Some loans instead of one.", max_length=LOANS_MAX)
    ] = None,
    loan_order: Annotated[
        LoanOrder, Query(description="Among those named: as the law has it, or as they are named.")
    ] = "legal",
    value_date: Annotated[Day | None, Query(description="By default the business date.")] = None,
    mode: Annotated[Prepayment, Query()] = Prepayment.NEXT_INSTALMENT,
) -> RepaymentPreview:
    """Return what a payment would pay if it were booked now; nothing is."""
    async with house.database.connection() as connection:
        line = await store.read_line(connection, customer_id, line_id)
    if line is None:
        raise RefusedError(refuse(LINE_NOT_FOUND))
    payment = Repay(
        customer_id=customer_id,
        line_id=line_id,
        loan_id=loan_id,
        amount_minor=amount_minor,
        currency=line.currency,
        value_date=value_date,
        mode=mode,
        channel=_PREVIEW_CHANNEL,
        loan_ids=tuple(loan_ids or ()),
        is_in_named_order=loan_order == "as_named",
    )
    found = await journey.preview_repayment(house, payment)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return RepaymentPreview.model_validate(found)
