"""Repayments: money that came in, what it paid, and taking one back."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    Currency,
    CustomerId,
    Day,
    LineId,
    LoanId,
    Reason,
    RepaymentId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.borrowing import repay as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import refusals
from counterfoil.lending.store import QUERIES
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Repayments"
router = APIRouter()
#: More loans than anybody names in one payment.
LOANS_MAX: Final = 50
LoanOrder = Literal["legal", "as_named"]


class RepaymentBody(Body):
    """A payment that came in."""

    customer_id: CustomerId
    line_id: LineId
    #: None: for the loans of the line, what is due first.
    loan_id: LoanId | None = None
    #: Some loans instead of one; each is named once, and nothing goes to another.
    loan_ids: list[LoanId] = Field(default=[], max_length=LOANS_MAX)
    #: Among those: in the order of the law, or each paid off in the order named.
    loan_order: LoanOrder = "legal"
    amount_minor: AmountMinor
    currency: Currency
    #: The day on which the money arrived; None for the business date.
    value_date: Day | None = None
    #: How it came in: `auto_debit`, `transfer`, `counter` …
    channel: Code
    #: What money paid before it is due does to the plan.
    mode: Prepayment = Prepayment.NEXT_INSTALMENT


class ReversalBody(Body):
    """A payment that bounced or was booked in error."""

    customer_id: CustomerId
    line_id: LineId
    reason: Reason


class AllocationView(View):
    """What a repayment paid on one loan."""

    loan_id: str
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    #: The lender's fees, and what is collected for a guarantor.
    fee_minor: int
    guarantee_minor: int


class RepaymentAnswer(View):
    """The receipt of a repayment as it was booked."""

    id: str
    customer_id: str
    line_id: str
    status: str
    amount_minor: int
    currency: str
    value_date: date
    channel: str
    allocations: list[AllocationView]
    #: What no loan asked for.
    excess_minor: int
    #: All that is kept for the customer on the line.
    credit_minor: int
    line_version: int


class ReversalAnswer(View):
    """A repayment that was taken back."""

    id: str
    customer_id: str
    line_id: str
    status: str
    reason: str
    amount_minor: int
    currency: str
    reversed_on: date
    line_version: int


class RepaymentView(View):
    """A repayment as it stands: later corrections are in its parts."""

    id: str
    customer_id: str
    line_id: str
    #: `booked` or `reversed`.
    status: str
    amount_minor: int
    currency: str
    value_date: date
    channel: str
    allocations: list[AllocationView]
    excess_minor: int


async def carry_repay(call: Call, body: RepaymentBody) -> Answer | Refused:
    """Book a payment."""
    return await journey.repay(
        call.house,
        customer_id=body.customer_id,
        line_id=body.line_id,
        loan_id=body.loan_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        value_date=body.value_date,
        channel=body.channel,
        mode=body.mode,
        loan_ids=tuple(body.loan_ids),
        is_in_named_order=body.loan_order == "as_named",
        idempotency_key=call.idempotency_key,
    )


async def carry_reversal(call: Call, body: ReversalBody) -> Answer | Refused:
    """Take a payment back."""
    return await journey.reverse(
        call.house,
        customer_id=body.customer_id,
        line_id=body.line_id,
        repayment_id=call.path["repayment_id"],
        reason=body.reason,
        idempotency_key=call.idempotency_key,
    )


REPAY = Write(
    name="create_repayment",
    tag=TAG,
    path="/v1/repayments",
    scope=Scope.REPAYMENTS_WRITE,
    body=RepaymentBody,
    answer=RepaymentAnswer,
    carry=carry_repay,
    status=201,
    is_told_by_commands=True,
    summary="Book a repayment",
    description="Goes to the loan or the loans that are named; else first to what has fallen due, "
    "oldest first, then to the costlier loan. A value date in the past folds the loans again.",
    example={
        "customer_id": "cu_01hv4zq3k2f00",
        "line_id": "ln_01hv4zq3k2f00",
        "loan_id": None,
        "loan_ids": [],
        "loan_order": "legal",
        "amount_minor": 17_500,
        "currency": "CNY",
        "value_date": None,
        "channel": "auto_debit",
        "mode": "next_instalment",
    },
)
REVERSE = Write(
    name="reverse_repayment",
    tag=TAG,
    path="/v1/repayments/{repayment_id}/reversal",
    path_ids={"repayment_id": ids.REPAYMENT},
    scope=Scope.REPAYMENTS_WRITE,
    body=ReversalBody,
    answer=ReversalAnswer,
    carry=carry_reversal,
    summary="Take a repayment back",
    description="The loans are folded again as if the payment had never been; the difference is "
    "booked today.",
    example={
        "customer_id": "cu_01hv4zq3k2f00",
        "line_id": "ln_01hv4zq3k2f00",
        "reason": "direct_debit_returned",
    },
)
WRITES = (REPAY, REVERSE)


@router.get("/v1/repayments/{repayment_id}", **reads(Scope.LOANS_READ, TAG, "Read a repayment"))
async def get_repayment(
    house: HouseOf, repayment_id: RepaymentId, customer_id: Annotated[CustomerId, Query()]
) -> RepaymentView:
    """Return a repayment with what it pays as things stand."""
    async with house.database.connection() as connection:
        rows = await QUERIES.transactions_of_repayment.fetch(
            connection, customer_id=customer_id, repayment_id=repayment_id
        )
        if not rows:
            raise RefusedError(refuse(refusals.REPAYMENT_NOT_FOUND))
        line = await line_or_refuse(connection, customer_id, rows[0]["line_id"])
    booked = [row for row in rows if row["kind"] == "repayment"]
    return RepaymentView(
        id=ids.to_text(ids.REPAYMENT, repayment_id),
        customer_id=ids.to_text(ids.CUSTOMER, customer_id),
        line_id=ids.to_text(ids.LINE, line.line_id),
        status="reversed" if any(row["kind"] == "reversal" for row in rows) else "booked",
        amount_minor=sum(row["amount_minor"] for row in booked),
        currency=line.currency,
        value_date=booked[0]["value_date"],
        channel=booked[0]["channel"],
        allocations=_standing(rows),
        excess_minor=sum(row["excess_minor"] for row in rows),
    )


def _standing(rows: list[Any]) -> list[AllocationView]:
    """Return the sums of each loan over booking, reallocations and reversal."""
    loans: dict[int, list[int]] = {}
    for row in rows:
        sums = loans.setdefault(row["loan_id"], [0] * len(_PARTS))
        for place, name in enumerate(_PARTS):
            sums[place] += row[name]
    return [
        AllocationView(
            loan_id=ids.to_text(ids.LOAN, loan_id), **dict(zip(_PARTS, sums, strict=True))
        )
        for loan_id, sums in loans.items()
    ]


_PARTS = ("principal_minor", "interest_minor", "penalty_minor", "fee_minor", "guarantee_minor")
