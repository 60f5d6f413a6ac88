"""Inquiries about one customer: the footprint, with the consent behind each, and every opening.

Privacy     That a bureau was asked and how it ended; nothing of what a report says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.reading import PART_ROWS, READING
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Status

INQUIRIES_SHOWN: Final = 60
#: Beyond every identifier.
_NEWEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryRow:
    """One inquiry."""

    record: str
    occasion: str
    #: What the credit database calls the occasion.
    reason_code: str
    is_hard: str
    bureau: str
    consent: str
    use: str
    consent_href: str
    asked_at: str
    #: "—" while there is no outcome.
    ended_at: str
    status: Status
    outcome_code: str
    report: str
    #: Name and address of each receipt.
    receipts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRow:
    """One look at a report."""

    at: str
    inquiry: str
    purpose: str
    opened_by: str
    basis: str
    receipt: str
    receipt_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiriesView:
    """The footprint of one customer."""

    customer: str
    customer_href: str
    rows: Sequence[InquiryRow]
    older_href: str
    openings: Sequence[OpeningRow]


async def show_of_customer(visit: Visit) -> Response:
    """Show who was asked about one customer, why and under which consent, and who read it."""
    customer_id = _customer(visit)
    if customer_id is None:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        if await READING.customer.fetchrow(connection, customer_id=customer_id) is None:
            return await errors.not_found(visit)
        rows = await READING.inquiries_of_customer.fetch(
            connection, customer_id=customer_id, before=_before(visit), page=INQUIRIES_SHOWN + 1
        )
        openings = await READING.openings_of_customer.fetch(
            connection, customer_id=customer_id, page=PART_ROWS
        )
    record, shown = ids.to_text(ids.CUSTOMER, customer_id), rows[:INQUIRIES_SHOWN]
    older = ids.to_text(ids.INQUIRY, shown[-1]["inquiry_id"]) if len(rows) > len(shown) else ""
    view = InquiriesView(
        customer=record,
        customer_href=words.customer_href(customer_id),
        rows=[_row(visit, customer_id, row) for row in shown],
        older_href=f"{words.inquiries_href(customer_id)}?before={older}" if older else "",
        openings=[_opening(visit, customer_id, row) for row in openings],
    )
    return visit.page(
        "inquiries/list.html",
        visit.t("inquiry.of_customer", record=record),
        view,
        journey="console.reading.inquiries_of_customer",
        api_call=f"GET /v1/inquiries?customer_id={record}",
    )


def _row(visit: Visit, customer_id: int, row: Row) -> InquiryRow:
    t, known = visit.t, visit.desk.house.occasions.by_code.get(row["occasion"])
    leaves = (
        ("inquiry.intent", row["intent_leaf_id"]),
        ("inquiry.outcome", row["outcome_leaf_id"]),
    )
    # An occasion that is gone from the document was a hard one as far as anybody knows.
    is_hard = known is None or known.is_hard
    return InquiryRow(
        record=ids.to_text(ids.INQUIRY, row["inquiry_id"]),
        occasion=_occasion(visit, row["occasion"]),
        reason_code=row["reason_code"],
        is_hard=t("inquiry.hard" if is_hard else "inquiry.soft"),
        bureau=_bureau(visit, row["bureau"]),
        consent=ids.to_text(ids.CONSENT, row["consent_id"]),
        use=t("inquiry.use_of", use=row["use_no"]),
        consent_href=words.consent_href(customer_id, row["consent_id"]),
        asked_at=_at(visit, row["asked_at"]),
        ended_at=_at(visit, row["ended_at"]),
        status=visit.status("inquiry_status", row["state"], words.INQUIRY_TONES),
        outcome_code=row["outcome_code"] or "",
        report=_report(visit, row),
        receipts=[
            (t(name), words.receipt_href(customer_id, leaf_id))
            for name, leaf_id in leaves
            if leaf_id is not None and visit.aliases is None
        ],
    )  # fmt: skip


def _report(visit: Visit, row: Row) -> str:
    """Return what is left of the report: until when it is kept, or when it was destroyed."""
    if row["erased_at"] is not None:
        return visit.t("inquiry.erased", day=_day(visit, row["erased_at"]))
    if row["expires_at"] is not None:
        return visit.t("inquiry.kept_until", day=_day(visit, row["expires_at"]))
    return "—"


def _opening(visit: Visit, customer_id: int, row: Row) -> OpeningRow:
    grant = row["grant_id"]
    if grant is not None:
        basis = visit.t("inquiry.by_grant", grant=ids.to_text(ids.ACCESS_GRANT, grant))
    else:
        basis = visit.t("inquiry.reused" if row["is_reuse"] else "inquiry.by_consent")
    return OpeningRow(
        at=_at(visit, row["opened_at"]),
        inquiry=ids.to_text(ids.INQUIRY, row["inquiry_id"]),
        purpose=words.code_label(visit, "inquiry_purpose", row["purpose"]),
        opened_by=words.code_label(visit, "decided_by", row["opened_by"]),
        basis=basis,
        receipt=ids.to_text(ids.LEAF, row["leaf_id"]),
        receipt_href=words.receipt_href(customer_id, row["leaf_id"])
        if visit.aliases is None
        else "",
    )


def _occasion(visit: Visit, code: str) -> str:
    known = visit.desk.house.occasions.by_code.get(code)
    if known is None:
        return code
    return str(known.name_zh if visit.catalogue.language == "zh-CN" else known.name_en)


def _bureau(visit: Visit, legal_id: str) -> str:
    party = visit.desk.house.notices.party_of(legal_id)
    language = "zh" if visit.catalogue.language == "zh-CN" else "en"
    return legal_id if party is None else str(party.name(language))


def _at(visit: Visit, posix_seconds: int | None) -> str:
    at = None if posix_seconds is None else datetime.fromtimestamp(posix_seconds, UTC)
    return visit.formats.instant(at)


def _day(visit: Visit, posix_seconds: int) -> str:
    return visit.formats.day_of(datetime.fromtimestamp(posix_seconds, UTC))


def _before(visit: Visit) -> int:
    try:
        return ids.from_text(ids.INQUIRY, visit.request.query_params.get("before", ""))
    except ids.InvalidIdError:
        return _NEWEST


def _customer(visit: Visit) -> int | None:
    try:
        return ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return None


PAGES: Final = (
    Page(
        path="/customers/{customer}/inquiries",
        show=show_of_customer,
        permission=Permission.READ_EVIDENCE,
    ),
)
