"""What host apps declare and ask besides the flow: accounts of customers, early settlements."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, VisitOf, reads
from counterfoil.api.resources.host_links import (
    REFERENCE_EXAMPLE,
    TAG,
    Customer,
    HostCustomerBody,
    Reference,
    once_for_host,
)
from counterfoil.api.shapes import Body, Day, LoanId, SettlementQuoteId, ShortText, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.hosting import host_payees as payees
from counterfoil.journeys.hosting import host_settlement as settlement
from counterfoil.journeys.hosting.host_scope import admit
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

router = APIRouter()
_LOAN: Final = "lo_01hv4zq3k2f00"

Label = Annotated[ShortText, Field(description="How you call it, never the whole number.")]


class HostPayeeBody(Body):
    """An account of a customer."""

    customer: Reference
    #: Token of the account, never its number.
    payee_ref: ShortText
    #: What the customer recognises it by, such as a bank and four digits.
    label: Label


class HostPayeeView(View):
    """An account that is declared, or was."""

    id: str
    customer: str
    payee_ref: str
    label: str
    #: `declared` or `withdrawn`.
    state: str
    declared_at: datetime
    withdrawn_at: datetime | None


class HostPayees(PageView):
    """What is declared for a customer, newest first, 100 at most."""

    items: list[HostPayeeView]


class HostSettlementBody(Body):
    """A day on which a customer wants to be free of a loan."""

    customer: Reference
    loan_id: LoanId
    #: None for the business date; 31 days ahead at most.
    on: Day | None = None


class HostSettlementView(View):
    """Exactly this, arriving on this day, ends the loan."""

    id: str
    customer: str
    loan_id: str
    #: `valid`; `changed` where something else was booked since; `settled`; `expired`.
    state: str
    on: date
    valid_until: datetime
    amount_minor: int
    currency: str
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    fees_minor: int


async def carry_payee(call: Call, body: HostPayeeBody) -> Answer | Refused:
    """Declare an account."""
    visit = await admit(call.house, call.key, PAYEE.name)

    async def work() -> str | Refused:
        told = await payees.declare_payee(
            call.house, visit, body.customer, payee_ref=body.payee_ref, label=body.label
        )
        return HostPayeeView.model_validate(told).model_dump_json()

    return await once_for_host(call, visit, PAYEE, body, work)


async def carry_payee_end(call: Call, body: HostCustomerBody) -> Answer | Refused:
    """Withdraw an account."""
    visit = await admit(call.house, call.key, WITHDRAW.name)

    async def work() -> str | Refused:
        number = call.path["payee_id"]
        told = await payees.withdraw_payee(call.house, visit, body.customer, number)
        return HostPayeeView.model_validate(told).model_dump_json()

    return await once_for_host(call, visit, WITHDRAW, body, work)


async def carry_settlement(call: Call, body: HostSettlementBody) -> Answer | Refused:
    """Quote a settlement."""
    visit = await admit(call.house, call.key, SETTLE.name)

    async def work() -> str | Refused:
        told = await settlement.settlement_by_host(
            call.house, visit, body.customer, body.loan_id, body.on, key=call.idempotency_key
        )
        return HostSettlementView.model_validate(told).model_dump_json()

    return await once_for_host(call, visit, SETTLE, body, work)


PAYEE = Write(
    name="declare_host_payee",
    tag=TAG,
    path="/v1/host/payees",
    scope=Scope.HOST_WRITE,
    body=HostPayeeBody,
    answer=HostPayeeView,
    carry=carry_payee,
    status=201,
    summary="Declare an account of a customer",
    description="The customer's own: where a rail knows names it is asked. Cost sheets of"
    " drawdowns name a declared account.",
    example={
        "customer": REFERENCE_EXAMPLE,
        "payee_ref": "acct-7f3a",
        "label": "Bank of Example 1234",
    },
)
WITHDRAW = Write(
    name="withdraw_host_payee",
    tag=TAG,
    path="/v1/host/payees/{payee_id}/withdrawal",
    path_ids={"payee_id": ids.HOST_PAYEE},
    scope=Scope.HOST_WRITE,
    body=HostCustomerBody,
    answer=HostPayeeView,
    carry=carry_payee_end,
    summary="Withdraw an account",
    description="Nothing is paid to it from then on; what is on its way arrives.",
    example={"customer": REFERENCE_EXAMPLE},
)
SETTLE = Write(
    name="create_host_settlement",
    tag=TAG,
    path="/v1/host/settlement-quotes",
    scope=Scope.HOST_WRITE,
    body=HostSettlementBody,
    answer=HostSettlementView,
    carry=carry_settlement,
    status=201,
    summary="Quote what ends a loan",
    description="For a day that the customer chooses; nothing is changed.",
    example={"customer": REFERENCE_EXAMPLE, "loan_id": _LOAN, "on": None},
)
WRITES = (PAYEE, WITHDRAW, SETTLE)


@router.get("/v1/host/payees", **reads(Scope.HOST_READ, TAG, "List accounts of a customer"))
async def list_host_payees(
    house: HouseOf, visit: VisitOf, customer: Customer, turn: Paging
) -> HostPayees:
    """Return what you have declared for a customer, newest first."""
    found = await payees.payees_of(
        house, visit, customer, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, ids.from_text(ids.HOST_PAYEE, item["id"])))
    return HostPayees(
        items=[HostPayeeView.model_validate(one) for one in page.items], **page.cursors
    )


@router.get(
    "/v1/host/settlement-quotes/{settlement_quote_id}",
    **reads(Scope.HOST_READ, TAG, "Read a settlement quote of yours"),
)
async def get_host_settlement(
    house: HouseOf, visit: VisitOf, settlement_quote_id: SettlementQuoteId, customer: Customer
) -> HostSettlementView:
    """Return how a quote stands today, of a loan that was drawn through you."""
    told = await settlement.read_settlement_of(house, visit, customer, settlement_quote_id)
    return HostSettlementView.model_validate(told)
