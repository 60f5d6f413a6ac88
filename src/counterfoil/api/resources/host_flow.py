"""What host apps do and see for linked customers: applications, limits, drawdowns, repayments."""

from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, VisitOf, reads
from counterfoil.api.resources.host_links import (
    PAGE_EXAMPLE,
    REFERENCE_EXAMPLE,
    TAG,
    Customer,
    Reference,
    answer_of,
    once_for_host,
)
from counterfoil.api.shapes import (
    AmountMinor,
    ApplicationId,
    Body,
    Code,
    Currency,
    Fact,
    HostedPageId,
    LoanId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.hosting import host_flow as flow
from counterfoil.journeys.hosting.host_scope import admit
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

router = APIRouter()
_FACTS_MAX: Final = 100


class HostApplicationBody(Body):
    """A wish for a line."""

    customer: Reference
    product_code: Code
    #: None asks for as much as the policy gives.
    requested_minor: AmountMinor | None = None
    purpose: Code
    #: What the customer says, as far as the policy reads it.
    facts: dict[Code, bool | Fact | Code | None] = Field(max_length=_FACTS_MAX)
    #: The page on which the customer consented to an inquiry.
    consent_page_id: HostedPageId | None = None


class HostApplicationView(View):
    """An application; why it was decided so is for the customer and the lender."""

    id: str
    customer: str
    product_code: str
    #: `in_progress`, `approved`, `declined`, `accepted`, `expired` or `withdrawn`.
    status: str
    currency: str
    #: The offer; None where there is none.
    limit_minor: int | None
    valid_until: date | None
    line_id: str | None


class HostLimitView(View):
    """A line that was opened through you."""

    line_id: str
    product_code: str
    #: `open` or `closed`.
    status: str
    currency: str
    limit_minor: int
    available_minor: int
    can_draw: bool
    repayment_day: int
    valid_to: date


class HostLimits(PageView):
    """The lines of a customer that were opened through you."""

    items: list[HostLimitView]


class HostDrawdownBody(Body):
    """A drawdown that the customer agreed to on a cost sheet's page."""

    customer: Reference
    page_id: HostedPageId


class HostLoanView(View):
    """A loan that was drawn through you, as it stands on the business date."""

    id: str
    line_id: str
    product_code: str
    #: `pending`, `open`, `closed`, or `cancelled` where the payout failed for good.
    status: str
    currency: str
    amount_minor: int
    tenor_months: int
    principal_minor: int
    #: Fallen due and not paid.
    due_minor: int
    #: What would end the loan on the business date.
    payoff_minor: int
    #: What a transfer names that repays this loan and no other (ISO 11649).
    payment_reference: str
    next_due_date: date | None
    requested_on: date
    start_date: date | None
    closed_on: date | None


class HostLoans(PageView):
    """The loans of a customer that were drawn through you."""

    items: list[HostLoanView]


class HostRepaymentBody(Body):
    """Money that your payment institution took and passed on."""

    customer: Reference
    loan_id: LoanId
    amount_minor: AmountMinor
    currency: Currency


class HostRepaymentAnswer(View):
    """A repayment as it was booked."""

    id: str
    loan: HostLoanView
    amount_minor: int
    currency: str
    #: What the loan did not ask for; kept for the customer.
    excess_minor: int


async def carry_application(call: Call, body: HostApplicationBody) -> Answer | Refused:
    """Apply."""
    visit = await admit(call.house, call.key, APPLY.name)
    wish = flow.HostApplication(
        reference=body.customer,
        product_code=body.product_code,
        requested_minor=body.requested_minor,
        purpose=body.purpose,
        facts=body.facts,
        consent_page_id=body.consent_page_id,
    )
    told = await flow.apply_by_host(call.house, visit, wish, idempotency_key=call.idempotency_key)
    return answer_of(HostApplicationView.model_validate(told))


async def carry_drawdown(call: Call, body: HostDrawdownBody) -> Answer | Refused:
    """Draw."""
    visit = await admit(call.house, call.key, DRAW.name)
    told = await flow.draw_by_host(call.house, visit, body.customer, body.page_id)
    return answer_of(HostLoanView.model_validate(told))


async def carry_repayment(call: Call, body: HostRepaymentBody) -> Answer | Refused:
    """Repay."""
    visit = await admit(call.house, call.key, REPAY.name)
    paid = flow.HostRepayment(
        reference=body.customer,
        loan_id=body.loan_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
    )

    async def work() -> str | Refused:
        key = call.idempotency_key
        told = await flow.repay_by_host(call.house, visit, paid, idempotency_key=key)
        return HostRepaymentAnswer.model_validate(told).model_dump_json()

    return await once_for_host(call, visit, REPAY, body, work)


APPLY = Write(
    name="create_host_application",
    tag=TAG,
    path="/v1/host/applications",
    scope=Scope.HOST_WRITE,
    body=HostApplicationBody,
    answer=HostApplicationView,
    carry=carry_application,
    status=201,
    summary="Apply for a line",
    example={
        "customer": REFERENCE_EXAMPLE,
        "product_code": "cash-line-open",
        "requested_minor": 1_000_000,
        "purpose": "daily_consumption",
        "facts": {"monthly_income_minor": 1_200_000},
        "consent_page_id": PAGE_EXAMPLE,
    },
)
DRAW = Write(
    name="create_host_drawdown",
    tag=TAG,
    path="/v1/host/drawdowns",
    scope=Scope.HOST_WRITE,
    body=HostDrawdownBody,
    answer=HostLoanView,
    carry=carry_drawdown,
    status=201,
    summary="Draw what the customer agreed to",
    description="One page, one drawdown, on the business date on which its cost sheet was shown.",
    example={"customer": REFERENCE_EXAMPLE, "page_id": PAGE_EXAMPLE},
)
REPAY = Write(
    name="create_host_repayment",
    tag=TAG,
    path="/v1/host/repayments",
    scope=Scope.HOST_WRITE,
    body=HostRepaymentBody,
    answer=HostRepaymentAnswer,
    carry=carry_repayment,
    status=201,
    summary="Pass on a repayment",
    description=(
        "For hosts that are registered for it: money that your payment institution took for the"
        " lender. It is booked under your name and reconciled with what arrived."
    ),
    example={
        "customer": REFERENCE_EXAMPLE,
        "loan_id": "lo_01hv4zq3k2f00",
        "amount_minor": 20_000,
        "currency": "CNY",
    },
)
WRITES = (APPLY, DRAW, REPAY)


@router.get(
    "/v1/host/applications/{application_id}",
    **reads(Scope.HOST_READ, TAG, "Read an application of yours"),
)
async def get_host_application(
    house: HouseOf, visit: VisitOf, application_id: ApplicationId, customer: Customer
) -> HostApplicationView:
    """Return an application that was made through you."""
    told: Any = await flow.read_application(house, visit, customer, application_id)
    return HostApplicationView.model_validate(told)


@router.get("/v1/host/limits", **reads(Scope.HOST_READ, TAG, "Read the limits of a customer"))
async def list_host_limits(
    house: HouseOf, visit: VisitOf, customer: Customer, turn: Paging
) -> HostLimits:
    """Return the lines that were opened through you, newest first, with what may be drawn now."""
    found = await flow.limits_of(
        house, visit, customer, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, ids.from_text(ids.LINE, item["id"])))
    return HostLimits(
        items=[HostLimitView.model_validate(item) for item in page.items], **page.cursors
    )


@router.get("/v1/host/loans", **reads(Scope.HOST_READ, TAG, "List the loans of a customer"))
async def list_host_loans(
    house: HouseOf, visit: VisitOf, customer: Customer, turn: Paging
) -> HostLoans:
    """Return the loans that were drawn through you, newest first."""
    found = await flow.loans_of(
        house, visit, customer, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, ids.from_text(ids.LOAN, item["id"])))
    return HostLoans(
        items=[HostLoanView.model_validate(item) for item in page.items], **page.cursors
    )


@router.get("/v1/host/loans/{loan_id}", **reads(Scope.HOST_READ, TAG, "Read a loan of yours"))
async def get_host_loan(
    house: HouseOf, visit: VisitOf, loan_id: LoanId, customer: Customer
) -> HostLoanView:
    """Return a loan that was drawn through you."""
    told = await flow.read_loan(house, visit, customer, loan_id)
    return HostLoanView.model_validate(told)
