"""My record: every inquiry, every look at a report, every witnessed fact, with its proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson
from markupsafe import Markup
from starlette.responses import Response

from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.receipt_qr import qr_of
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.refusals import (
    OPENING_DAMAGED,
    OPENING_ERASED,
    OPENING_LOST,
    RECEIPT_PENDING,
)
from counterfoil.journeys.inquiring.inquiry_reading import Footprint, footprint_of
from counterfoil.journeys.proving.receipts import ReceiptListed, list_receipts, read_receipt
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.queries import Queries, Row
from counterfoil.platform.web import charts
from counterfoil.platform.web.parts import Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import party_name
from counterfoil.privacy.refusals import KEY_SERVICE_UNAVAILABLE

READING: Final = Queries.load("counterfoil.portal", "reading.sql")

INQUIRIES_SHOWN: Final = 50
RECEIPTS_SHOWN: Final = 40
#: Beyond every identifier.
_NEWEST: Final = 2**63 - 1
_CONFLICT: Final = 409
_TONES: Final = {"witnessed": "good", "pending": "live"}
#: What is said where there is no receipt.
_WHY_NOT: Final = {
    RECEIPT_PENDING.code: "record.pending",
    OPENING_ERASED.code: "record.opening_erased",
    OPENING_LOST.code: "record.opening_lost",
    OPENING_DAMAGED.code: "record.opening_damaged",
    KEY_SERVICE_UNAVAILABLE.code: "record.key_away",
}
_INQUIRY_TONES: Final = {"answered": "good", "declined": "warn", "rejected": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryItem:
    """One inquiry: who was asked, when, why, under which consent, with which proof."""

    day: str
    bureau: str
    reason: str
    kind: str
    status: Status
    report: str
    consent_href: str
    #: Label and address of each receipt.
    receipts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningItem:
    """One look at a report."""

    at: str
    purpose: str
    by: str
    receipt_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptItem:
    """One witnessed fact."""

    at: str
    kind: str
    href: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """The whole footprint."""

    inquiries: Sequence[InquiryItem]
    openings: Sequence[OpeningItem]
    receipts: Sequence[ReceiptItem]
    older_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """One fact with its proof, to be kept."""

    kind: str
    at: str
    status: Status
    #: Why there is no receipt yet; empty where there is one.
    why_not: str
    #: What the receipt says, indented.
    body: str
    file_href: str
    file_name: str
    #: Empty where the receipt is too long for a code.
    code: Markup


async def show(visit: Visit) -> Response:
    """Show the footprint."""
    house, customer_id = visit.house, visit.customer_id
    found = await footprint_of(house, customer_id, page=INQUIRIES_SHOWN)
    async with visit.reading() as connection:
        openings = await READING.openings_of_customer.fetch(
            connection, customer_id=customer_id, page=INQUIRIES_SHOWN
        )
    before = _before(visit)
    listed = await list_receipts(house, customer_id, before=before, page=RECEIPTS_SHOWN + 1)
    shown = listed[:RECEIPTS_SHOWN]
    is_more = len(listed) > len(shown)
    older = ids.to_text(ids.LEAF, shown[-1].leaf.leaf_id) if is_more else ""
    view = RecordView(
        inquiries=[_inquiry(visit, one) for one in found],
        openings=[_opening(visit, row) for row in openings],
        receipts=[_listed(visit, one) for one in shown],
        older_href=f"/portal/record?before={older}#receipts" if older else "",
    )
    return visit.page("record/record.html", visit.t("record.title"), view)


async def show_receipt(visit: Visit) -> Response:
    """Show one fact with its receipt."""
    number = visit.number(ids.LEAF)
    if number is None:
        return errors.not_found(visit)
    listed = await list_receipts(visit.house, visit.customer_id, before=number + 1, page=1)
    if not listed or listed[0].leaf.leaf_id != number:
        return errors.not_found(visit)
    receipt = await read_receipt(visit.house, visit.customer_id, number)
    return visit.page(
        "record/receipt.html", visit.t("record.receipt"), _receipt(visit, listed[0], receipt)
    )


async def send_file(visit: Visit) -> Response:
    """Send the receipt as the file that anybody can verify offline."""
    number = visit.number(ids.LEAF)
    if number is None:
        return errors.not_found(visit)
    receipt = await read_receipt(visit.house, visit.customer_id, number)
    if isinstance(receipt, Refused):
        return errors.refused(visit, receipt, status=_CONFLICT)
    name = _file_name(number)
    return Response(
        bytes(receipt),
        media_type="text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _inquiry(visit: Visit, found: Footprint) -> InquiryItem:
    inquiry, t, f = found.inquiry, visit.t, visit.formats
    occasion = visit.house.occasions.by_code.get(inquiry.occasion)
    is_chinese = visit.catalogue.language == "zh-CN"
    leaves = (
        ("record.asked", inquiry.intent_leaf_id),
        ("record.answered", inquiry.outcome_leaf_id),
    )
    return InquiryItem(
        day=f.instant(_at(inquiry.asked_at)),
        bureau=party_name(visit, inquiry.bureau),
        reason=inquiry.occasion
        if occasion is None
        else str(occasion.name_zh if is_chinese else occasion.name_en),
        kind=t("record.hard" if found.is_hard else "record.soft"),
        status=visit.status("inquiry_status", inquiry.state.value, _INQUIRY_TONES),
        report=_report(visit, found),
        consent_href=f"/portal/consents/{ids.to_text(ids.CONSENT, inquiry.consent_id)}",
        receipts=[
            (t(name), f"/portal/receipts/{ids.to_text(ids.LEAF, leaf_id)}")
            for name, leaf_id in leaves
            if leaf_id is not None
        ],
    )


def _report(visit: Visit, found: Footprint) -> str:
    """Return what is left of the report: until when it is kept, or when it was destroyed."""
    report = found.report
    if report is None:
        return visit.t("record.no_report")
    if report.erased_at is not None:
        return visit.t("record.erased", day=visit.formats.day_of(_at(report.erased_at)))
    return visit.t("record.kept_until", day=visit.formats.day_of(_at(report.expires_at)))


def _opening(visit: Visit, row: Row) -> OpeningItem:
    by = row["opened_by"]
    return OpeningItem(
        at=visit.formats.instant(_at(row["opened_at"])),
        purpose=visit.word("inquiry_purpose", row["purpose"].replace("-", "_")),
        by=visit.t("record.by_machine") if row["grant_id"] is None else str(by),
        receipt_href=f"/portal/receipts/{ids.to_text(ids.LEAF, row['leaf_id'])}",
    )


def _listed(visit: Visit, listed: ReceiptListed) -> ReceiptItem:
    leaf = listed.leaf
    return ReceiptItem(
        at=visit.formats.instant(_at(leaf.created)),
        kind=_kind(visit, leaf.leaf_type),
        href=f"/portal/receipts/{ids.to_text(ids.LEAF, leaf.leaf_id)}",
        status=_status(visit, listed),
    )


def _receipt(visit: Visit, listed: ReceiptListed, receipt: Receipt | Refused) -> ReceiptView:
    leaf_id, data, body, why_not = listed.leaf.leaf_id, b"", b"", ""
    if isinstance(receipt, Refused):
        why_not = visit.t(_WHY_NOT[receipt.code])
    else:
        data = bytes(receipt)
        body = orjson.dumps(orjson.loads(receipt.body), option=orjson.OPT_INDENT_2)
    return ReceiptView(
        kind=_kind(visit, listed.leaf.leaf_type),
        at=visit.formats.instant(_at(listed.leaf.created), seconds=True),
        status=_status(visit, listed),
        why_not=why_not,
        body=body.decode(),
        file_href=f"/portal/receipts/{ids.to_text(ids.LEAF, leaf_id)}/file",
        file_name=_file_name(leaf_id),
        code=_code(visit, data) if data else Markup(""),
    )


def _code(visit: Visit, data: bytes) -> Markup:
    try:
        code = qr_of(data)
    except RejectedError:
        return Markup("")
    return charts.qr_code(
        "receipt-code",
        [list(row) for row in code.matrix],
        title=visit.t("record.code"),
        description=visit.t("record.code_note"),
    )


def _status(visit: Visit, listed: ReceiptListed) -> Status:
    return visit.status("leaf_status", "witnessed" if listed.is_witnessed else "pending", _TONES)


def _kind(visit: Visit, leaf_type: int) -> str:
    known = {member.value: member.name.lower() for member in LeafType}
    return visit.word("leaf_type", known.get(leaf_type, str(leaf_type)))


def _file_name(leaf_id: int) -> str:
    return f"{ids.to_text(ids.LEAF, leaf_id)}.receipt"


def _before(visit: Visit) -> int:
    try:
        return ids.from_text(ids.LEAF, visit.request.query_params.get("before", ""))
    except ids.InvalidIdError:
        return _NEWEST


def _at(posix_seconds: int) -> datetime:
    return datetime.fromtimestamp(posix_seconds, UTC)


PAGES: Final = (
    Page(path="/record", show=show),
    Page(path="/receipts/{record}", show=show_receipt),
    Page(path="/receipts/{record}/file", show=send_file),
)
