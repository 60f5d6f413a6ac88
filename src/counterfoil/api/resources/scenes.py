"""Scenes: their rules, merchants, figures and stops; where a merchant is paid."""

from datetime import date
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Code, MerchantId, Reason, ShortText, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.purchasing import scenes
from counterfoil.journeys.purchasing.scenes import PayeeWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.scene_store import Payee
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

TAG: Final = "Scenes"
router = APIRouter()


class PayeeBody(Body):
    """Where a merchant is to be paid."""

    scene: Code
    name: ShortText
    #: The token of the merchant's account, never its number.
    payee_ref: ShortText
    reason: Reason
    #: Left out, the merchant is new.
    merchant_id: MerchantId | None = None


class PayeeView(View):
    """A payee that holds, or the request for its approval."""

    #: `registered`, or `waiting` for a second person.
    status: str
    merchant_id: str | None
    version: int | None
    approval_id: str


class StopLiftBody(Body):
    """A person lets new loans go on."""

    scene: Code
    #: Left out, the stop of the scene as a whole.
    merchant_id: MerchantId | None = None
    reason: Reason
    lifted_by: Code


class StopView(View):
    """The last word on new loans of a scene, or of a merchant in it."""

    scene: str
    merchant_id: str | None
    is_stopped: bool
    by: str
    reason: str


class BookView(View):
    """What is owed and late."""

    is_stopped: bool
    loans_count: int
    owed_minor: int
    late_minor: int
    late_ppm: int


class MerchantView(BookView):
    """A merchant of a scene."""

    id: str
    name: str
    payee_ref: str
    #: Since when it delivers no more; null while it does.
    closed_on: date | None


class MerchantOfSceneView(MerchantView):
    """A merchant with its scene."""

    scene: str


class Merchants(PageView):
    """Merchants by their numbers, the first registered first."""

    items: list[MerchantOfSceneView]


class SceneView(BookView):
    """A scene with its rules."""

    code: str
    name_zh: str
    name_en: str
    #: Of the rules that hold now.
    version: str
    purposes: list[str]
    currency: str
    limit_minor: int
    tenors_months: list[int]
    #: Above this share of late principal new loans stop.
    late_ppm_max: int
    #: Kinds of papers that a purchase shows, by digest.
    documents: list[str]
    #: Share of a price that may be paid ahead of progress.
    ahead_ppm: int
    needs_licence: bool
    #: Days within which a customer may go back on a purchase.
    cooling_off_days: int
    #: Share of what was not given that a merchant owes back after a later cancellation.
    cancelled_refund_ppm: int
    #: Days within which it pays that.
    refund_days: int
    #: Products that lend for it.
    products: list[str]
    #: The first thousand of all scenes; every one stands in `/v1/scene-merchants`.
    merchants: list[MerchantView]


class Scenes(View):
    """Every scene."""

    items: list[SceneView]


async def carry_payee(call: Call, body: PayeeBody) -> Answer | Refused:
    """Register a payee, or ask for the approval of that."""
    wish = PayeeWish(
        scene=body.scene,
        name=body.name,
        payee_ref=body.payee_ref,
        reason=body.reason,
        merchant_id=body.merchant_id,
    )

    async def work() -> str | Refused:
        actor = actor_of(call, Scope.APPROVALS_WRITE)
        outcome = await scenes.register_payee(call.house, actor, wish)
        if isinstance(outcome, Refused):
            return outcome
        return orjson.dumps(_payee_view(outcome).model_dump()).decode()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="register_scene_payee",
        request=body.model_dump(mode="json"),
        work=work,
    )


async def carry_lift(call: Call, body: StopLiftBody) -> Answer | Refused:
    """Lift a stop."""
    merchant = body.merchant_id

    async def work() -> str | Refused:
        lifted = await scenes.lift_stop(
            call.house,
            scene=body.scene,
            merchant_id=body.merchant_id,
            by=f"{call.author}:{body.lifted_by}",
            reason=body.reason,
        )
        if isinstance(lifted, Refused):
            return lifted
        view = StopView(
            scene=lifted.scene,
            merchant_id=merchant and ids.to_text(ids.MERCHANT, merchant),
            is_stopped=lifted.is_stopped,
            by=lifted.by,
            reason=lifted.reason,
        )
        return orjson.dumps(view.model_dump()).decode()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="lift_scene_stop",
        request=body.model_dump(mode="json"),
        work=work,
    )


def _payee_view(outcome: Payee | Approval) -> PayeeView:
    approval_id = ids.to_text(ids.APPROVAL, outcome.approval_id)
    if isinstance(outcome, Approval):
        return PayeeView(status="waiting", merchant_id=None, version=None, approval_id=approval_id)
    return PayeeView(
        status="registered",
        merchant_id=ids.to_text(ids.MERCHANT, outcome.merchant_id),
        version=outcome.version_no,
        approval_id=approval_id,
    )


REGISTER = Write(
    name="register_scene_payee",
    tag=TAG,
    path="/v1/scene-payees",
    scope=Scope.APPROVALS_WRITE,
    body=PayeeBody,
    answer=PayeeView,
    carry=carry_payee,
    status=201,
    summary="Say where a merchant of a scene is paid",
    description=(
        "Two people stand behind it: the first call asks for approval, the same call under a new"
        " key after somebody else has given it registers the payee. Money of the scene goes nowhere"
        " else."
    ),
    example={
        "scene": "travel",
        "name": "Example Travel",
        "payee_ref": "acct-9c1d",
        "reason": "contract signed",
    },
)
LIFT = Write(
    name="lift_scene_stop",
    tag=TAG,
    path="/v1/scene-stops/lift",
    scope=Scope.OPERATIONS_WRITE,
    body=StopLiftBody,
    answer=StopView,
    carry=carry_lift,
    summary="Let new loans of a scene go on",
    description="By a person, with a reason. The next close of day looks at the figures again.",
    example={"scene": "travel", "reason": "the late loans were repaid", "lifted_by": "li-wei"},
)
WRITES = (REGISTER, LIFT)


@router.get("/v1/scenes", **reads(Scope.OPERATIONS_READ, TAG, "List scenes"))
async def list_scenes(house: HouseOf) -> Scenes:
    """Return every scene with rules, merchants, what is late, and whether new loans are stopped.

    The list is whole: the scenes of the product files.
    """
    found = await scenes.list_scenes(house)
    return Scenes(items=[SceneView.model_validate(item) for item in found])


@router.get("/v1/scene-merchants", **reads(Scope.OPERATIONS_READ, TAG, "List merchants of scenes"))
async def list_scene_merchants(
    house: HouseOf,
    turn: Paging,
    scene: Annotated[
        str | None, Query(max_length=64, description="Of this scene only; else of all.")
    ] = None,
) -> Merchants:
    """Return merchants with what is owed and late at them, the first registered first."""
    found = await scenes.list_merchants(
        house, scene=scene, page=turn.page, after=turn.number(0), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda one: (0, ids.from_text(ids.MERCHANT, one["id"])))
    items = [MerchantOfSceneView.model_validate(item) for item in page.items]
    return Merchants(items=items, **page.cursors)
