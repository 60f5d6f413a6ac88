"""Receipts of one customer: every leaf about the customer, and one leaf opened, with its proof.

Privacy     A leaf says numbers, codes, amounts and hashes, never particulars of a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson
from markupsafe import Markup
from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.evidence import leaf_name
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.evidence.formats.checkpoint import Checkpoint
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
from counterfoil.journeys.proving.receipts import read_receipt
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.queries import Row
from counterfoil.platform.web import charts
from counterfoil.platform.web.parts import Status
from counterfoil.privacy.refusals import KEY_SERVICE_UNAVAILABLE

RECEIPTS_SHOWN: Final = 60
#: Beyond every identifier.
_NEWEST: Final = 2**63 - 1
_CONFLICT: Final = 409
_TONES: Final = {"witnessed": "good", "pending": "live"}
#: What is said where there is no receipt.
WHY_NOT: Final = {
    RECEIPT_PENDING.code: "receipt.pending",
    OPENING_ERASED.code: "receipt.opening_erased",
    OPENING_LOST.code: "receipt.opening_lost",
    OPENING_DAMAGED.code: "receipt.opening_damaged",
    KEY_SERVICE_UNAVAILABLE.code: "receipt.key_away",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """One leaf of a list."""

    href: str
    record: str
    kind: str
    created_at: str
    index: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptListView:
    """The leaves of one customer."""

    customer: str
    customer_href: str
    rows: Sequence[ReceiptRow]
    older_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPageView:
    """One leaf, with its receipt where witnesses stand for it."""

    record: str
    customer: str
    customer_href: str
    list_href: str
    status: Status
    facts: Sequence[tuple[str, str, str]]
    #: Why there is no receipt; empty where there is one.
    why_not: str
    #: What the leaf says, indented.
    body: str
    #: The file as it is verified.
    text: str
    file_href: str
    file_name: str
    #: Empty where the receipt is too long for a code.
    code: Markup


async def show_of_customer(visit: Visit) -> Response:
    """Show the leaves about one customer."""
    customer_id = _number(visit, ids.CUSTOMER, "customer")
    if customer_id is None:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        if await READING.customer.fetchrow(connection, customer_id=customer_id) is None:
            return await errors.not_found(visit)
        head = await READING.last_witnessed.fetchrow(connection)
        rows = await READING.leaves_of_customer.fetch(
            connection, customer_id=customer_id, before=_before(visit), page=RECEIPTS_SHOWN + 1
        )
    record, shown = ids.to_text(ids.CUSTOMER, customer_id), rows[:RECEIPTS_SHOWN]
    older = ids.to_text(ids.LEAF, shown[-1]["leaf_id"]) if len(rows) > len(shown) else ""
    view = ReceiptListView(
        customer=record,
        customer_href=words.customer_href(customer_id),
        rows=[_row(visit, customer_id, row, _size(head)) for row in shown],
        older_href=f"{words.receipts_href(customer_id)}?before={older}" if older else "",
    )
    return visit.page(
        "receipts/list.html",
        visit.t("receipt.of_customer", record=record),
        view,
        journey="console.reading.leaves_of_customer",
        api_call=f"GET /v1/receipts?customer_id={record}",
    )


async def show_receipt(visit: Visit) -> Response:
    """Show one leaf with its receipt."""
    return await _show(visit)


async def send_file(visit: Visit) -> Response:
    """Send the receipt as the file that is verified offline; without one, show the leaf."""
    found = _key(visit)
    if found is None:
        return await errors.not_found(visit)
    receipt = await read_receipt(visit.desk.house, *found)
    if isinstance(receipt, Refused):
        return await _show(visit, status=_CONFLICT)
    name = _file_name(found[1])
    return Response(
        bytes(receipt),
        media_type="text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _show(visit: Visit, *, status: int = 200) -> Response:
    found = _key(visit)
    if found is None:
        return await errors.not_found(visit)
    customer_id, leaf_id = found
    async with visit.reading() as connection:
        row = await READING.leaf_of_customer.fetchrow(
            connection, customer_id=customer_id, leaf_id=leaf_id
        )
        head = await READING.last_witnessed.fetchrow(connection)
    if row is None:
        return await errors.not_found(visit)
    receipt = await read_receipt(visit.desk.house, customer_id, leaf_id)
    record, customer = ids.to_text(ids.LEAF, leaf_id), ids.to_text(ids.CUSTOMER, customer_id)
    view = _view(visit, customer_id, row, receipt, _size(head))
    return visit.page(
        "receipts/receipt.html",
        visit.t("receipt.title", record=record),
        view,
        status=status,
        journey="journeys.proving.receipts.read_receipt",
        api_call=f"GET /v1/receipts/{record}?customer_id={customer}",
        cli_call=f"counterfoil verify receipt {view.file_name} --policy policy",
    )


def _view(
    visit: Visit, customer_id: int, row: Row, receipt: Receipt | Refused, size: int
) -> ReceiptPageView:
    leaf_id, why_not, data, body = row["leaf_id"], "", b"", b""
    if isinstance(receipt, Refused):
        why_not = visit.t(WHY_NOT[receipt.code])
    else:
        data = bytes(receipt)
        body = orjson.dumps(orjson.loads(receipt.body), option=orjson.OPT_INDENT_2)
    href = words.receipt_href(customer_id, leaf_id)
    return ReceiptPageView(
        record=ids.to_text(ids.LEAF, leaf_id),
        customer=ids.to_text(ids.CUSTOMER, customer_id),
        customer_href=words.customer_href(customer_id),
        list_href=words.receipts_href(customer_id),
        status=_status(visit, row, size),
        facts=_facts(visit, customer_id, row, receipt, len(data)),
        why_not=why_not,
        body=body.decode(),
        text=data.decode(),
        file_href=f"{href}/file",
        file_name=_file_name(leaf_id),
        code=_code(visit, data) if data else Markup(""),
    )


def _facts(
    visit: Visit, customer_id: int, row: Row, receipt: Receipt | Refused, length: int
) -> list[tuple[str, str, str]]:
    f, t = visit.formats, visit.t
    about, href = _subject(customer_id, row)
    facts = [
        (t("receipt.kind"), leaf_name(visit, row["leaf_type"]), ""),
        (t("receipt.about"), about, href),
        (t("receipt.created"), f.instant(_instant(row["created"]), seconds=True), ""),
        (t("receipt.index"), f.count(row["idx"]), ""),
    ]
    if isinstance(receipt, Receipt):
        size = Checkpoint.parse(receipt.proof.note.text).size
        facts += [
            (t("receipt.under"), t("receipt.under_of", size=f.count(size)), ""),
            (t("receipt.length"), t("receipt.bytes", count=f.count(length)), ""),
        ]
    return facts


def _subject(customer_id: int, row: Row) -> tuple[str, str]:
    """Return what a leaf is about and where it is shown; a number alone does not say its kind."""
    subject = row["subject_id"]
    match row["leaf_type"]:
        case LeafType.CONSENT_GIVEN | LeafType.CONSENT_WITHDRAWN if subject:
            return ids.to_text(ids.CONSENT, subject), words.consent_href(customer_id, subject)
        case LeafType.INQUIRY_INTENT | LeafType.INQUIRY_OUTCOME if subject:
            return ids.to_text(ids.INQUIRY, subject), words.inquiries_href(customer_id)
        case LeafType.LIMIT_CHANGE if subject:
            return ids.to_text(ids.LINE, subject), words.line_href(customer_id, subject)
        case _:
            return "—", ""


def _code(visit: Visit, data: bytes) -> Markup:
    try:
        code = qr_of(data)
    except RejectedError:
        return Markup("")
    return charts.qr_code(
        "receipt-code",
        [list(row) for row in code.matrix],
        title=visit.t("receipt.code"),
        description=visit.t("receipt.code_note"),
    )


def _row(visit: Visit, customer_id: int, row: Row, size: int) -> ReceiptRow:
    return ReceiptRow(
        href=words.receipt_href(customer_id, row["leaf_id"]),
        record=ids.to_text(ids.LEAF, row["leaf_id"]),
        kind=leaf_name(visit, row["leaf_type"]),
        created_at=visit.formats.instant(_instant(row["created"]), seconds=True),
        index=visit.formats.count(row["idx"]),
        status=_status(visit, row, size),
    )


def _status(visit: Visit, row: Row, size: int) -> Status:
    is_witnessed = row["idx"] is not None and row["idx"] < size
    return visit.status("leaf_status", "witnessed" if is_witnessed else "pending", _TONES)


def _size(head: Row | None) -> int:
    size: int = 0 if head is None else head["size"]
    return size


def _file_name(leaf_id: int) -> str:
    return f"{ids.to_text(ids.LEAF, leaf_id)}.receipt"


def _instant(posix_seconds: int) -> datetime:
    return datetime.fromtimestamp(posix_seconds, UTC)


def _before(visit: Visit) -> int:
    try:
        return ids.from_text(ids.LEAF, visit.request.query_params.get("before", ""))
    except ids.InvalidIdError:
        return _NEWEST


def _key(visit: Visit) -> tuple[int, int] | None:
    customer_id = _number(visit, ids.CUSTOMER, "customer")
    leaf_id = _number(visit, ids.LEAF, "leaf")
    return None if customer_id is None or leaf_id is None else (customer_id, leaf_id)


def _number(visit: Visit, prefix: str, name: str) -> int | None:
    try:
        return ids.from_text(prefix, visit.request.path_params[name])
    except ids.InvalidIdError:
        return None


_OF_CUSTOMER: Final = "/customers/{customer}/receipts"

PAGES: Final = (
    Page(path=path, show=show, permission=Permission.READ_EVIDENCE, is_sealed=True)
    for path, show in (
        (_OF_CUSTOMER, show_of_customer),
        (f"{_OF_CUSTOMER}/{{leaf}}", show_receipt),
        (f"{_OF_CUSTOMER}/{{leaf}}/file", send_file),
    )
)
