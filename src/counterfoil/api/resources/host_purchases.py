"""Purchases in host apps: recorded by the app, paid by the lender to the merchant."""

from typing import Final

from fastapi import APIRouter

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, VisitOf, reads
from counterfoil.api.resources.host_links import TAG, Customer, Reference, answer_of
from counterfoil.api.resources.scene_purchases import digests_of, purchase_of
from counterfoil.api.resources.scene_shapes import BoughtBody, StandingView
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.hosting import host_purchases
from counterfoil.journeys.hosting.host_scope import admit
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

router = APIRouter()
#: Whose purchase it is the reference says.
_NOBODY: Final = 0


class HostPurchaseBody(BoughtBody):
    """What your customer buys of a merchant."""

    customer: Reference


class HostPurchaseView(StandingView):
    """A purchase that you recorded, as it stands."""

    customer: str


class HostPurchases(PageView):
    """The purchases that you recorded for a customer."""

    items: list[HostPurchaseView]


async def carry_purchase(call: Call, body: HostPurchaseBody) -> Answer | Refused:
    """Record a purchase."""
    visit = await admit(call.house, call.key, PURCHASE.name)
    told = await host_purchases.record_by_host(
        call.house,
        visit,
        body.customer,
        purchase_of(call.house, _NOBODY, body),
        digests_of(body),
        idempotency_key=call.idempotency_key,
    )
    return answer_of(HostPurchaseView.model_validate(told))


PURCHASE = Write(
    name="create_host_purchase",
    tag=TAG,
    path="/v1/host/purchases",
    scope=Scope.HOST_WRITE,
    body=HostPurchaseBody,
    answer=HostPurchaseView,
    carry=carry_purchase,
    status=201,
    summary="Record what your customer buys",
    description=(
        "Of a merchant of a scene that one of your products lends for, with the SHA-256 of its"
        " papers. Then ask for the page of its cost sheet with `purchase_id`; purpose and payee"
        " are those of the purchase. The money goes to the merchant."
    ),
    example={
        "customer": "user-7c2e",
        "scene": "travel",
        "merchant_id": "mc_01hv4zq3k2f00",
        "price_minor": 300_000,
        "currency": "CNY",
        "documents": {"booking": "cd" * 32},
    },
)
WRITES = (PURCHASE,)


@router.get("/v1/host/purchases", **reads(Scope.HOST_READ, TAG, "List a customer's purchases"))
async def list_host_purchases(
    house: HouseOf, visit: VisitOf, customer: Customer, turn: Paging
) -> HostPurchases:
    """Return what you recorded, with what was given, paid, refunded and is owed back."""
    found = await host_purchases.purchases_of_host(
        house, visit, customer, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, ids.from_text(ids.PURCHASE, item["id"])))
    return HostPurchases(
        items=[HostPurchaseView.model_validate(item) for item in page.items], **page.cursors
    )
