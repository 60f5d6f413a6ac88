"""Links of host apps with customers, and the pages of the lender that they send customers to.

A host names customers by references of its own and never learns our numbers of them.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.reads import HouseOf, VisitOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.hosts import Url
from counterfoil.api.shapes import (
    AmountMinor,
    ApplicationId,
    Body,
    Code,
    Currency,
    HostedPageId,
    LineId,
    PurchaseId,
    ShortText,
    TenorMonths,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.hosts.link import Link
from counterfoil.hosts.page import HostedPage, PageAct
from counterfoil.journeys.hosting import host_flow as flow
from counterfoil.journeys.hosting import host_links, hosted_pages
from counterfoil.journeys.hosting.host_scope import Visit, admit, find_link
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.kernel.language import Language
from counterfoil.lending.terms import Method
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "For host apps"
router = APIRouter()
REFERENCE_EXAMPLE: Final = "user-7c2e"
PAGE_EXAMPLE: Final = "hp_01hv4zq3k2f00"
Reference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^[!-~]+$"),
    Field(description="Your own name of the customer; never a phone or identity number."),
]
_Particular = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Customer = Annotated[
    Reference, Query(description="Your own name of the customer.", examples=[REFERENCE_EXAMPLE])
]


class HostLinkBody(Body):
    """A person, under your own reference."""

    customer: Reference
    name: _Particular = Field(description="As on the identity card.")
    id_number: _Particular = Field(description="18 characters of the resident identity card.")
    phone: _Particular = Field(description="A mobile number.")
    #: The language in which the customer is written to.
    language: Language = Language.CHINESE


class HostCustomerBody(Body):
    """A request for which the customer is all there is to say."""

    customer: Reference


class HostLinkView(View):
    """A link with a customer."""

    customer: str
    #: `pending` until the customer's first act on a hosted page, then `confirmed`; `ended`.
    state: str


class HostedPageBody(Body):
    """An act for which the customer is sent to a page of the lender."""

    customer: Reference
    act: PageAct
    #: Where the customer goes back to; of a registered origin.
    return_url: Url
    #: For a consent: the notice, and the product that it is for.
    notice: Code | None = None
    product_code: Code | None = None
    #: For an agreement: the approved application.
    application_id: ApplicationId | None = None
    #: For a cost sheet: the drawdown, whole.
    line_id: LineId | None = None
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None
    tenor_months: TenorMonths | None = None
    method: Method | None = None
    purpose: Code | None = None
    #: Token of the borrower's account, never its number.
    payee_ref: ShortText | None = None
    #: In a scene, the purchase instead of purpose and account.
    purchase_id: PurchaseId | None = None


class HostedPageView(View):
    """A hosted page; what came of it stays with the lender."""

    id: str
    customer: str
    act: str
    #: `waiting`, `opened`, `done`, `refused`, `used` or `expired`.
    state: str
    expires_at: datetime


class HostedPageAnswer(HostedPageView):
    """A hosted page with the link to it."""

    #: For the customer's browser; told once, and it opens once.
    url: str


async def carry_link(call: Call, body: HostLinkBody) -> Answer | Refused:
    """Link."""
    visit = await admit(call.house, call.key, LINK.name)
    wish = host_links.LinkWish(
        reference=body.customer,
        name=body.name,
        id_number=body.id_number,
        phone=body.phone,
        language=body.language,
    )
    # Nothing personal goes into the record of the request: of the person only the reference.
    linked = await host_links.link_customer(call.house, visit, wish)
    return linked if isinstance(linked, Refused) else answer_of(_link_view(linked))


async def carry_link_end(call: Call, body: HostCustomerBody) -> Answer | Refused:
    """End a link."""
    visit = await admit(call.house, call.key, END_LINK.name)
    return answer_of(_link_view(await host_links.end_link(call.house, visit, body.customer)))


async def carry_page(call: Call, body: HostedPageBody) -> Answer | Refused:
    """Ask for a page."""
    visit = await admit(call.house, call.key, PAGE.name)
    given = body.model_dump(exclude={"customer", "act", "return_url"}, exclude_none=True)
    asked = {name: getattr(value, "value", value) for name, value in given.items()}
    wish = hosted_pages.PageWish(
        reference=body.customer, act=body.act, asked=asked, return_url=body.return_url
    )

    async def work() -> str | Refused:
        made = await hosted_pages.ask_page(call.house, visit, wish)
        if isinstance(made, Refused):
            return made
        page, token = made
        view = _page_view(page, body.customer, call.house.wall.now())
        return orjson.dumps({**view.model_dump(), "url": f"/portal/host/{token}"}).decode()

    return await once_for_host(call, visit, PAGE, body, work)


async def once_for_host(
    call: Call, visit: Visit, write: Write, body: Body, work: Callable[[], Awaitable[str | Refused]]
) -> Answer | Refused:
    """Do a host's work once for each of its keys; what it raises is answered."""

    async def answered() -> str | Refused:
        try:
            return await work()
        except RefusedError as error:
            return error.refused

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=flow.key_of(visit, call.idempotency_key),
        kind=write.name,
        request=body.model_dump(mode="json"),
        work=answered,
    )


def answer_of(view: View) -> Answer:
    """Return a view as the answer to a request that was carried out now."""
    return Answer(view.model_dump_json(), is_replay=False)


def _link_view(link: Link) -> HostLinkView:
    return HostLinkView(customer=link.reference, state=link.state.value)


def _page_view(page: HostedPage, reference: str, now: datetime) -> HostedPageView:
    return HostedPageView(
        id=ids.to_text(ids.HOSTED_PAGE, page.page_id),
        customer=reference,
        act=page.act.value,
        state=page.state_at(now),
        expires_at=page.expires_at,
    )


LINK = Write(
    name="link_host_customer",
    tag=TAG,
    path="/v1/host/links",
    scope=Scope.HOST_WRITE,
    body=HostLinkBody,
    answer=HostLinkView,
    carry=carry_link,
    status=201,
    summary="Link a customer",
    description=(
        "The answer is the same whether the lender knew the person or not. The customer confirms"
        " by a first act on a hosted page; until then you see nothing."
    ),
    example={
        "customer": REFERENCE_EXAMPLE,
        "name": "张三",
        "id_number": "11010519491231002X",
        "phone": "13800138000",
        "language": "zh",
    },
)
END_LINK = Write(
    name="end_host_link",
    tag=TAG,
    path="/v1/host/links/end",
    scope=Scope.HOST_WRITE,
    body=HostCustomerBody,
    answer=HostLinkView,
    carry=carry_link_end,
    summary="End the link with a customer",
    description="Lines and loans stay with the customer; you see them no longer.",
    example={"customer": REFERENCE_EXAMPLE},
)
PAGE = Write(
    name="create_hosted_page",
    tag=TAG,
    path="/v1/hosted-pages",
    scope=Scope.HOST_WRITE,
    body=HostedPageBody,
    answer=HostedPageAnswer,
    carry=carry_page,
    status=201,
    summary="Ask for a page of the lender",
    description=(
        "Consent, cost sheet and signature are shown by the lender alone. Send the customer's"
        " browser to `url`, on this host; it comes back to `return_url` with `result`, the number"
        " of the page."
    ),
    example={
        "customer": REFERENCE_EXAMPLE,
        "act": "consent",
        "return_url": "https://app.example/return",
        "notice": "inquiry-origination",
        "product_code": "cash-line-open",
    },
)
WRITES = (LINK, END_LINK, PAGE)


@router.get("/v1/host/links", **reads(Scope.HOST_READ, TAG, "Read the link with a customer"))
async def get_host_link(house: HouseOf, visit: VisitOf, customer: Customer) -> HostLinkView:
    """Return how a link stands."""
    async with house.database.transaction() as connection:
        return _link_view(await find_link(connection, visit, customer))


@router.get("/v1/hosted-pages/{page_id}", **reads(Scope.HOST_READ, TAG, "Read a hosted page"))
async def get_hosted_page(
    house: HouseOf, visit: VisitOf, page_id: HostedPageId, customer: Customer
) -> HostedPageView:
    """Return how a page stands; what came of it stays with the lender."""
    page = await hosted_pages.read_page(house, visit, customer, page_id)
    return _page_view(page, customer, house.wall.now())
