"""Credit inquiries: the customer's own footprint, who asked a bureau, why, when, under what."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import CustomerId, View
from counterfoil.bureau import store
from counterfoil.journeys.inquiring.inquiry_reading import Footprint, footprint_of
from counterfoil.kernel import ids
from counterfoil.platform.access import Scope

TAG = "Credit inquiries"
router = APIRouter()


class InquiryReportView(View):
    """The report that an inquiry led to; never what stands in it."""

    report_id: str
    received_at: datetime
    #: From then on it serves nobody, and is destroyed.
    expires_at: datetime
    #: None while it is kept.
    erased_at: datetime | None


class InquiryView(View):
    """One inquiry about the customer."""

    inquiry_id: str
    customer_id: str
    consent_id: str
    #: Which use of the consent it was, from 1.
    use_no: int
    #: Why a bureau may be asked at all, such as `first_application`.
    occasion: str
    #: The purpose that the customer agreed to.
    purpose: str
    #: What the credit database calls it; other lenders see this.
    reason_code: str
    #: Legal identifier of the bureau.
    bureau: str
    #: Whether other lenders see a search for credit in it.
    is_hard: bool
    #: `intent` while open, then `answered`, `declined`, `rejected` or `stopped`.
    status: str
    #: Why there is no report to use; None while open and where there is one.
    outcome_code: str | None
    asked_at: datetime
    #: None where nothing has left the house.
    sent_at: datetime | None
    ended_at: datetime | None
    bureau_reference: str | None
    #: Leaves of the evidence log; their receipts prove intent and outcome.
    intent_leaf_id: str
    outcome_leaf_id: str | None
    report: InquiryReportView | None


class Inquiries(PageView):
    """A page of inquiries about one customer, newest first."""

    items: list[InquiryView]


@router.get(
    "/v1/inquiries", **reads(Scope.INQUIRIES_READ, TAG, "List the inquiries about a customer")
)
async def list_inquiries(
    house: HouseOf,
    customer_id: Annotated[CustomerId, Query(description="Who was asked about.")],
    turn: Paging,
) -> Inquiries:
    """Return who was asked about a customer, why, when and under which consent, newest first."""
    before = turn.number(store.NEWEST)
    found = await footprint_of(
        house, customer_id, page=turn.page, is_back=turn.is_back, before=before
    )
    page = page_of(found, turn, lambda item: (0, item.inquiry.inquiry_id))
    return Inquiries(
        items=[_view(item) for item in page.items],
        **page.cursors,
    )


def _view(item: Footprint) -> InquiryView:
    inquiry = item.inquiry
    outcome = inquiry.outcome_leaf_id
    return InquiryView(
        inquiry_id=ids.to_text(ids.INQUIRY, inquiry.inquiry_id),
        customer_id=ids.to_text(ids.CUSTOMER, inquiry.customer_id),
        consent_id=ids.to_text(ids.CONSENT, inquiry.consent_id),
        use_no=inquiry.use_no,
        occasion=inquiry.occasion,
        purpose=inquiry.purpose,
        reason_code=inquiry.reason_code,
        bureau=inquiry.bureau,
        is_hard=item.is_hard,
        status=inquiry.state.value,
        outcome_code=inquiry.outcome_code,
        asked_at=_instant(inquiry.asked_at),
        sent_at=_instant_or_none(inquiry.sent_at),
        ended_at=_instant_or_none(inquiry.ended_at),
        bureau_reference=inquiry.bureau_reference,
        intent_leaf_id=ids.to_text(ids.LEAF, inquiry.intent_leaf_id),
        outcome_leaf_id=None if outcome is None else ids.to_text(ids.LEAF, outcome),
        report=_report(item),
    )


def _report(item: Footprint) -> InquiryReportView | None:
    report = item.report
    if report is None:
        return None
    return InquiryReportView(
        report_id=ids.to_text(ids.REPORT, report.report_id),
        received_at=_instant(report.received_at),
        expires_at=_instant(report.expires_at),
        erased_at=_instant_or_none(report.erased_at),
    )


def _instant(posix_seconds: int) -> datetime:
    return datetime.fromtimestamp(posix_seconds, UTC)


def _instant_or_none(posix_seconds: int | None) -> datetime | None:
    return None if posix_seconds is None else _instant(posix_seconds)
