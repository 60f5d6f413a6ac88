"""Merchants of scenes: their licences, their closure, and what was bought of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

from fastapi import APIRouter

from counterfoil.api.paging import Paging
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.resources.scene_purchases import page_of_purchases
from counterfoil.api.resources.scene_shapes import (
    ClosureBody,
    ClosureView,
    LicenceBody,
    LicenceView,
    Purchases,
    PurchaseView,
)
from counterfoil.api.shapes import MerchantId
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.purchasing import scene_purchases, scene_schools
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.purchase_store import Licence
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Scenes"
router = APIRouter()
_MERCHANT: Final = "mc_01hv4zq3k2f00"
_PAPER: Final = "ab" * 32


async def carry_licence(call: Call, body: LicenceBody) -> Answer | Refused:
    """Record a licence."""
    wish = scene_schools.LicenceWish(
        merchant_id=body.merchant_id,
        number=body.number,
        authority=body.authority,
        valid_until=body.valid_until,
        document_sha256=bytes.fromhex(body.document_sha256),
    )
    actor, by = actor_of(call, Scope.OPERATIONS_WRITE), f"{call.author}:{body.recorded_by}"
    act = partial(scene_schools.record_licence, call.house, actor, wish, by=by)
    return await once(call, LICENCE, body, act, _licensed)


def _licensed(kept: Licence) -> LicenceView:
    return LicenceView(
        merchant_id=ids.to_text(ids.MERCHANT, kept.merchant_id),
        number=kept.number,
        authority=kept.authority,
        valid_until=kept.valid_until,
    )


async def carry_closure(call: Call, body: ClosureBody) -> Answer | Refused:
    """Close a merchant."""

    async def act() -> tuple[date, Sequence[Mapping[str, object]]] | Refused:
        closed = await scene_schools.close_merchant(
            call.house,
            actor_of(call, Scope.OPERATIONS_WRITE),
            merchant_id=body.merchant_id,
            closed_on=body.closed_on,
            reason=body.reason,
            by=f"{call.author}:{body.recorded_by}",
        )
        if isinstance(closed, Refused):
            return closed
        return closed, await scene_purchases.purchases_of(call.house, merchant_id=body.merchant_id)

    def tell(made: tuple[date, Sequence[Mapping[str, object]]]) -> ClosureView:
        closed_on, purchases = made
        return ClosureView(
            merchant_id=ids.to_text(ids.MERCHANT, body.merchant_id),
            closed_on=closed_on,
            purchases=[PurchaseView.model_validate(item) for item in purchases],
        )

    return await once(call, CLOSE, body, act, tell)


LICENCE = Write(
    name="record_scene_licence",
    tag=TAG,
    path="/v1/scene-licences",
    summary="Record a merchant's licence",
    status=201,
    scope=Scope.OPERATIONS_WRITE,
    body=LicenceBody,
    answer=LicenceView,
    carry=carry_licence,
    description="The last one holds. A school without one that has not run out is paid nothing.",
    example={
        "merchant_id": _MERCHANT,
        "number": "LIC-2026-0001",
        "authority": "Example bureau of education",
        "valid_until": "2027-12-31",
        "document_sha256": _PAPER,
        "recorded_by": "li-wei",
    },
)
CLOSE = Write(
    name="close_scene_merchant",
    tag=TAG,
    path="/v1/scene-closures",
    summary="Close a merchant that delivers no more",
    status=201,
    scope=Scope.OPERATIONS_WRITE,
    body=ClosureBody,
    answer=ClosureView,
    carry=carry_closure,
    description="Stops its new loans for good and claims back what it did not give, by purchase.",
    example={
        "merchant_id": _MERCHANT,
        "closed_on": "2026-03-31",
        "reason": "the school has closed",
        "recorded_by": "li-wei",
    },
)
WRITES = (LICENCE, CLOSE)


@router.get(
    "/v1/scene-merchants/{merchant_id}/purchases",
    **reads(Scope.OPERATIONS_READ, TAG, "List a merchant's purchases"),
)
async def list_merchant_purchases(
    house: HouseOf, merchant_id: MerchantId, turn: Paging
) -> Purchases:
    """Return what was bought of a merchant, with what it would owe back and what it does."""
    return await page_of_purchases(house, turn, merchant_id=merchant_id)
