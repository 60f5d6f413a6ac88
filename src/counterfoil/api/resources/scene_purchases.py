"""Purchases of scenes: papers, progress, cooling-off, cancellation, refunds."""

from functools import partial
from typing import Final

from fastapi import APIRouter

from counterfoil.api.paging import Paging, Turn, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.repayments import RepaymentAnswer
from counterfoil.api.resources.scene_shapes import (
    BoughtBody,
    CancellationBody,
    ProgressBody,
    PurchaseBody,
    Purchases,
    PurchaseView,
    PurchaseWithdrawalBody,
    RefundBody,
    WithdrawalView,
)
from counterfoil.api.shapes import CustomerId
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing import scene_purchases, scene_refunds, scene_schools
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.purchase_store import Withdrawal
from counterfoil.lending.scene_purchase import Purchase
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Scenes"
router = APIRouter()
_CUSTOMER: Final = "cu_01hv4zq3k2f00"
_LOAN: Final = "lo_01hv4zq3k2f00"
_MERCHANT: Final = "mc_01hv4zq3k2f00"
_PAPER: Final = "ab" * 32
_ONE: Final = "/v1/scene-purchases/{purchase_id}"
_PURCHASE: Final = {"purchase_id": ids.PURCHASE}


def purchase_of(house: House, customer_id: int, body: BoughtBody) -> Purchase:
    """Return what a form says was bought."""
    course = body.course
    return Purchase(
        customer_id=customer_id,
        purchase_id=house.ids.next(),
        scene=body.scene,
        # The journey records it under the rules that hold.
        scene_version="",
        merchant_id=body.merchant_id,
        price_minor=body.price_minor,
        currency=body.currency,
        course_from=None if course is None else course.first_on,
        course_until=None if course is None else course.last_on,
        is_student=body.is_student,
    )


def digests_of(body: BoughtBody) -> dict[str, bytes]:
    """Return the digests of papers by their kind."""
    return {kind: bytes.fromhex(text) for kind, text in body.documents.items()}


async def carry_purchase(call: Call, body: PurchaseBody) -> Answer | Refused:
    """Record a purchase."""
    return await scene_purchases.record_purchase(
        call.house,
        purchase_of(call.house, body.customer_id, body),
        digests_of(body),
        by=call.author,
        idempotency_key=call.idempotency_key,
    )


async def carry_progress(call: Call, body: ProgressBody) -> Answer | Refused:
    """Report progress."""
    act = partial(
        scene_schools.report_progress,
        call.house,
        customer_id=body.customer_id,
        purchase_id=call.path["purchase_id"],
        progress_ppm=body.progress_ppm,
        proof_sha256=bytes.fromhex(body.proof_sha256),
        by=f"{call.author}:{body.reported_by}",
    )
    tell = PurchaseView.model_validate
    return await once(call, PROGRESS, body, act, tell, scope_id=body.customer_id)


async def carry_cancellation(call: Call, body: CancellationBody) -> Answer | Refused:
    """Give a purchase up."""
    act = partial(
        scene_refunds.cancel,
        call.house,
        customer_id=body.customer_id,
        purchase_id=call.path["purchase_id"],
        by=call.author,
    )
    tell = PurchaseView.model_validate
    return await once(call, CANCEL, body, act, tell, scope_id=body.customer_id)


async def carry_withdrawal(call: Call, body: PurchaseWithdrawalBody) -> Answer | Refused:
    """Go back on a purchase."""
    act = partial(
        scene_refunds.withdraw,
        call.house,
        customer_id=body.customer_id,
        loan_id=body.loan_id,
        by=call.author,
    )
    return await once(call, WITHDRAW, body, act, _withdrawn, scope_id=body.customer_id)


def _withdrawn(found: Withdrawal) -> WithdrawalView:
    return WithdrawalView(
        customer_id=ids.to_text(ids.CUSTOMER, found.customer_id),
        loan_id=ids.to_text(ids.LOAN, found.loan_id),
        declared_on=found.declared_on,
        principal_minor=found.principal_minor,
        payoff_minor=found.payoff_minor,
    )


async def carry_refund(call: Call, body: RefundBody) -> Answer | Refused:
    """Book a refund on its loan."""
    return await scene_refunds.refund(
        call.house,
        customer_id=body.customer_id,
        loan_id=body.loan_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        is_of_merchant=body.from_merchant,
        idempotency_key=call.idempotency_key,
    )


RECORD = Write(
    name="record_scene_purchase",
    tag=TAG,
    path="/v1/scene-purchases",
    summary="Record what a customer buys",
    status=201,
    scope=Scope.DRAWDOWNS_WRITE,
    body=PurchaseBody,
    answer=PurchaseView,
    carry=carry_purchase,
    description=(
        "Needs the papers of the scene, by SHA-256; the same paper stands for one purchase. A"
        " course needs its days, and in scenes that protect students their question answered. A"
        " quote then names the purchase, and its drawdown pays the merchant."
    ),
    example={
        "customer_id": _CUSTOMER,
        "scene": "travel",
        "merchant_id": _MERCHANT,
        "price_minor": 300_000,
        "currency": "CNY",
        "documents": {"booking": _PAPER},
    },
)
PROGRESS = Write(
    name="report_scene_progress",
    tag=TAG,
    path=f"{_ONE}/progress",
    summary="Report what was given of a purchase",
    path_ids=_PURCHASE,
    scope=Scope.OPERATIONS_WRITE,
    body=ProgressBody,
    answer=PurchaseView,
    carry=carry_progress,
    description="What was given may be paid, and is not owed back. It is never taken back.",
    example={
        "customer_id": _CUSTOMER,
        "progress_ppm": 400_000,
        "proof_sha256": _PAPER,
        "reported_by": "li-wei",
    },
)
CANCEL = Write(
    name="cancel_scene_purchase",
    tag=TAG,
    path=f"{_ONE}/cancellation",
    summary="Give a purchase up",
    status=201,
    path_ids=_PURCHASE,
    scope=Scope.REPAYMENTS_WRITE,
    body=CancellationBody,
    answer=PurchaseView,
    carry=carry_cancellation,
    description=(
        "After the days of cooling-off. Its loans go on; the merchant owes back the scene's share"
        " of what it was paid and did not give."
    ),
    example={"customer_id": _CUSTOMER},
)
WITHDRAW = Write(
    name="withdraw_scene_purchase",
    tag=TAG,
    path="/v1/scene-withdrawals",
    summary="Go back on a purchase",
    status=201,
    scope=Scope.REPAYMENTS_WRITE,
    body=PurchaseWithdrawalBody,
    answer=WithdrawalView,
    carry=carry_withdrawal,
    description=(
        "Within the days of cooling-off of the scene. What comes back for the purchase then"
        " counts from this day: no interest is owed for later ones."
    ),
    example={"customer_id": _CUSTOMER, "loan_id": _LOAN},
)
REFUND = Write(
    name="book_scene_refund",
    tag=TAG,
    path="/v1/scene-refunds",
    summary="Book a refund on its loan",
    status=201,
    scope=Scope.REPAYMENTS_WRITE,
    body=RefundBody,
    answer=RepaymentAnswer,
    carry=carry_refund,
    description=(
        "A merchant's money goes to the loan that paid it, never out as cash; no more of it"
        " than was lent, however many ask at once."
    ),
    example={
        "customer_id": _CUSTOMER,
        "loan_id": _LOAN,
        "amount_minor": 300_000,
        "currency": "CNY",
    },
)
WRITES = (RECORD, PROGRESS, CANCEL, WITHDRAW, REFUND)


@router.get(
    "/v1/customers/{customer_id}/scene-purchases",
    **reads(Scope.LOANS_READ, TAG, "List a customer's purchases"),
)
async def list_scene_purchases(house: HouseOf, customer_id: CustomerId, turn: Paging) -> Purchases:
    """Return what a customer bought, with what was given, paid, refunded and is owed back."""
    return await page_of_purchases(house, turn, customer_id=customer_id)


async def page_of_purchases(house: House, turn: Turn, **of: int) -> Purchases:
    """Return a page of a customer's or a merchant's purchases, in the order of their numbers."""
    found = await scene_purchases.purchases_of(
        house, **of, after=turn.number(0), page=turn.page, is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, ids.from_text(ids.PURCHASE, item["id"])))
    return Purchases(
        items=[PurchaseView.model_validate(item) for item in page.items], **page.cursors
    )
