"""Purchases of scenes: papers, progress, cooling-off, refunds; licences and closures of schools."""

from datetime import date
from typing import Annotated, Final

import orjson
from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.resources.repayments import RepaymentAnswer
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    Currency,
    CustomerId,
    Day,
    LoanId,
    MerchantId,
    Reason,
    ShortText,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys import scene_purchases, scene_schools
from counterfoil.journeys.scene_schools import LicenceWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.scene_purchase import Purchase
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Scenes"
router = APIRouter()
_PAPER: Final = "ab" * 32

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CourseBody(Body):
    """First and last day of a course."""

    first_on: Day
    last_on: Day


class PurchaseBody(Body):
    """What a customer buys of a merchant."""

    customer_id: CustomerId
    scene: Code
    merchant_id: MerchantId
    price_minor: AmountMinor
    currency: Currency
    #: SHA-256 of each paper, by its kind; the papers themselves stay where they are.
    documents: dict[Code, Sha256] = Field(max_length=10)
    course: CourseBody | None = None
    #: Whether the borrower is a student; left out, nobody asked.
    is_student: bool | None = None


class PurchaseView(View):
    """A purchase as it stands."""

    id: str
    customer_id: str
    scene: str
    merchant_id: str
    price_minor: int
    currency: str
    course_from: date | None
    course_until: date | None
    is_student: bool | None
    #: How much of it was given, in parts per million of the price.
    progress_ppm: int
    #: By its loans, and by drawdowns under way.
    paid_minor: int
    refunded_minor: int
    #: How much more may be paid now.
    payable_minor: int
    #: What the merchant would owe back if it gave nothing more.
    due_back_minor: int


class Purchases(View):
    """Purchases, the oldest first, 1000 at most."""

    items: list[PurchaseView]


class ProgressBody(Body):
    """How much of a course was given."""

    customer_id: CustomerId
    #: Of the whole course, not since the last report.
    progress_ppm: Annotated[int, Field(ge=1, le=1_000_000)]
    #: SHA-256 of what proves it.
    proof_sha256: Sha256
    reported_by: Code


class LicenceBody(Body):
    """A school's licence."""

    merchant_id: MerchantId
    number: ShortText
    authority: ShortText
    valid_until: Day
    document_sha256: Sha256
    recorded_by: Code


class LicenceView(View):
    """A licence as it was recorded."""

    merchant_id: str
    number: str
    authority: str
    valid_until: date


class ClosureBody(Body):
    """A merchant delivers no more."""

    merchant_id: MerchantId
    closed_on: Day
    reason: Reason
    recorded_by: Code


class ClosureView(View):
    """A merchant that has closed, with what it owes back by purchase."""

    merchant_id: str
    closed_on: date
    purchases: list[PurchaseView]


class PurchaseWithdrawalBody(Body):
    """A customer goes back on a purchase."""

    customer_id: CustomerId
    loan_id: LoanId


class WithdrawalView(View):
    """What is to be repaid: nothing is owed for days after the declaration."""

    customer_id: str
    loan_id: str
    declared_on: date
    principal_minor: int
    #: Principal with the interest of the days used.
    payoff_minor: int


class RefundBody(Body):
    """Money that comes back for a purchase."""

    customer_id: CustomerId
    loan_id: LoanId
    amount_minor: AmountMinor
    currency: Currency
    #: From the merchant; else from the customer, after a withdrawal.
    from_merchant: bool = True


async def carry_purchase(call: Call, body: PurchaseBody) -> Answer | Refused:
    """Record a purchase."""
    course = body.course
    purchase = Purchase(
        customer_id=body.customer_id,
        purchase_id=call.house.ids.next(),
        scene=body.scene,
        merchant_id=body.merchant_id,
        price_minor=body.price_minor,
        currency=body.currency,
        course_from=None if course is None else course.first_on,
        course_until=None if course is None else course.last_on,
        is_student=body.is_student,
    )
    documents = {kind: bytes.fromhex(text) for kind, text in body.documents.items()}
    return await scene_purchases.record_purchase(
        call.house, purchase, documents, by=call.author, idempotency_key=call.idempotency_key
    )


async def carry_progress(call: Call, body: ProgressBody) -> Answer | Refused:
    """Report progress."""
    purchase_id = call.path["purchase_id"]

    async def work() -> str | Refused:
        found = await scene_schools.report_progress(
            call.house,
            customer_id=body.customer_id,
            purchase_id=purchase_id,
            progress_ppm=body.progress_ppm,
            proof_sha256=bytes.fromhex(body.proof_sha256),
            by=f"{call.author}:{body.reported_by}",
        )
        return found if isinstance(found, Refused) else orjson.dumps(found).decode()

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="report_scene_progress",
        request={"purchase_id": purchase_id, **body.model_dump(mode="json")},
        work=work,
    )


async def carry_licence(call: Call, body: LicenceBody) -> Answer | Refused:
    """Record a licence."""
    wish = LicenceWish(
        merchant_id=body.merchant_id,
        number=body.number,
        authority=body.authority,
        valid_until=body.valid_until,
        document_sha256=bytes.fromhex(body.document_sha256),
    )

    async def work() -> str | Refused:
        actor = actor_of(call, Scope.OPERATIONS_WRITE)
        by = f"{call.author}:{body.recorded_by}"
        kept = await scene_schools.record_licence(call.house, actor, wish, by=by)
        if isinstance(kept, Refused):
            return kept
        view = LicenceView(
            merchant_id=ids.to_text(ids.MERCHANT, kept.merchant_id),
            number=kept.number,
            authority=kept.authority,
            valid_until=kept.valid_until,
        )
        return view.model_dump_json()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="record_scene_licence",
        request={name: str(value) for name, value in body},
        work=work,
    )


async def carry_closure(call: Call, body: ClosureBody) -> Answer | Refused:
    """Close a merchant."""

    async def work() -> str | Refused:
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
        found = await scene_purchases.purchases_of(call.house, merchant_id=body.merchant_id)
        view = ClosureView(
            merchant_id=ids.to_text(ids.MERCHANT, body.merchant_id),
            closed_on=closed,
            purchases=[PurchaseView.model_validate(item) for item in found],
        )
        return view.model_dump_json()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="close_scene_merchant",
        request={name: str(value) for name, value in body},
        work=work,
    )


async def carry_withdrawal(call: Call, body: PurchaseWithdrawalBody) -> Answer | Refused:
    """Go back on a purchase."""

    async def work() -> str | Refused:
        found = await scene_purchases.withdraw(
            call.house, customer_id=body.customer_id, loan_id=body.loan_id, by=call.author
        )
        if isinstance(found, Refused):
            return found
        view = WithdrawalView(
            customer_id=ids.to_text(ids.CUSTOMER, found.customer_id),
            loan_id=ids.to_text(ids.LOAN, found.loan_id),
            declared_on=found.declared_on,
            principal_minor=found.principal_minor,
            payoff_minor=found.payoff_minor,
        )
        return view.model_dump_json()

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="withdraw_scene_purchase",
        request=body.model_dump(mode="json"),
        work=work,
    )


async def carry_refund(call: Call, body: RefundBody) -> Answer | Refused:
    """Book a refund on its loan."""
    return await scene_purchases.refund(
        call.house,
        customer_id=body.customer_id,
        loan_id=body.loan_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        is_of_merchant=body.from_merchant,
        idempotency_key=call.idempotency_key,
    )


WRITES = (
    Write(
        name="record_scene_purchase",
        tag=TAG,
        path="/v1/scene-purchases",
        scope=Scope.DRAWDOWNS_WRITE,
        body=PurchaseBody,
        answer=PurchaseView,
        carry=carry_purchase,
        status=201,
        summary="Record what a customer buys",
        description=(
            "Needs the papers of the scene, by SHA-256; the same paper stands for one purchase."
            " A course needs its days, and in scenes that protect students their question answered."
            " A drawdown then pays for the oldest purchase at its merchant that may take as much."
        ),
        example={
            "customer_id": "cu_01hv4zq3k2f00",
            "scene": "travel",
            "merchant_id": "mc_01hv4zq3k2f00",
            "price_minor": 300_000,
            "currency": "CNY",
            "documents": {"booking": _PAPER},
        },
    ),
    Write(
        name="report_scene_progress",
        tag=TAG,
        path="/v1/scene-purchases/{purchase_id}/progress",
        path_ids={"purchase_id": ids.PURCHASE},
        scope=Scope.OPERATIONS_WRITE,
        body=ProgressBody,
        answer=PurchaseView,
        carry=carry_progress,
        summary="Report the progress of a course",
        description="What was given may be paid. Progress is never taken back.",
        example={
            "customer_id": "cu_01hv4zq3k2f00",
            "progress_ppm": 400_000,
            "proof_sha256": _PAPER,
            "reported_by": "li-wei",
        },
    ),
    Write(
        name="record_scene_licence",
        tag=TAG,
        path="/v1/scene-licences",
        scope=Scope.OPERATIONS_WRITE,
        body=LicenceBody,
        answer=LicenceView,
        carry=carry_licence,
        status=201,
        summary="Record a school's licence",
        description="The last one holds. Without one that has not run out nothing is lent there.",
        example={
            "merchant_id": "mc_01hv4zq3k2f00",
            "number": "LIC-2026-0001",
            "authority": "Example bureau of education",
            "valid_until": "2027-12-31",
            "document_sha256": _PAPER,
            "recorded_by": "li-wei",
        },
    ),
    Write(
        name="close_scene_merchant",
        tag=TAG,
        path="/v1/scene-closures",
        scope=Scope.OPERATIONS_WRITE,
        body=ClosureBody,
        answer=ClosureView,
        carry=carry_closure,
        status=201,
        summary="Close a merchant that delivers no more",
        description="Stops its new loans for good and says what it owes back, by purchase.",
        example={
            "merchant_id": "mc_01hv4zq3k2f00",
            "closed_on": "2026-03-31",
            "reason": "the school has closed",
            "recorded_by": "li-wei",
        },
    ),
    Write(
        name="withdraw_scene_purchase",
        tag=TAG,
        path="/v1/scene-withdrawals",
        scope=Scope.REPAYMENTS_WRITE,
        body=PurchaseWithdrawalBody,
        answer=WithdrawalView,
        carry=carry_withdrawal,
        status=201,
        summary="Go back on a purchase",
        description=(
            "Within the days of cooling-off of the scene. What comes back for the purchase then"
            " counts from this day: no interest is owed for later ones."
        ),
        example={"customer_id": "cu_01hv4zq3k2f00", "loan_id": "lo_01hv4zq3k2f00"},
    ),
    Write(
        name="book_scene_refund",
        tag=TAG,
        path="/v1/scene-refunds",
        scope=Scope.REPAYMENTS_WRITE,
        body=RefundBody,
        answer=RepaymentAnswer,
        carry=carry_refund,
        status=201,
        summary="Book a refund on its loan",
        description=(
            "A merchant's money goes to the loan that paid it, never out as cash; no more of it"
            " than was lent."
        ),
        example={
            "customer_id": "cu_01hv4zq3k2f00",
            "loan_id": "lo_01hv4zq3k2f00",
            "amount_minor": 300_000,
            "currency": "CNY",
        },
    ),
)


@router.get(
    "/v1/customers/{customer_id}/scene-purchases",
    **reads(Scope.LOANS_READ, TAG, "List a customer's purchases"),
)
async def list_scene_purchases(house: HouseOf, customer_id: CustomerId) -> Purchases:
    """Return what a customer bought, with what was given, paid and refunded."""
    found = await scene_purchases.purchases_of(house, customer_id=customer_id)
    return Purchases(items=[PurchaseView.model_validate(item) for item in found])


@router.get(
    "/v1/scene-merchants/{merchant_id}/purchases",
    **reads(Scope.OPERATIONS_READ, TAG, "List a merchant's purchases"),
)
async def list_merchant_purchases(house: HouseOf, merchant_id: MerchantId) -> Purchases:
    """Return what was bought of a merchant, with what it would owe back."""
    found = await scene_purchases.purchases_of(house, merchant_id=merchant_id)
    return Purchases(items=[PurchaseView.model_validate(item) for item in found])
