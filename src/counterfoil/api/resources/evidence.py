"""Evidence: a customer's receipts and what opens them, and the log itself as static files.

Privacy     Receipts and openings are of one customer, who is named in every request; entries of
            the log are for regulators and mirrors, heads and hash tiles for everybody.
Follows     C2SP tlog-tiles v0.1.0 (paths, media types, caching).
"""

import asyncio
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from counterfoil.api import refusals
from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import Guard, HouseOf, reads
from counterfoil.api.shapes import CustomerId, LeafId, View
from counterfoil.evidence import log_store
from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.formats.tile import ENTRIES, parse_tile_path
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.log_files import CHECKPOINT, POLICY, LogFiles
from counterfoil.evidence.refusals import LOG_NOT_BEGUN
from counterfoil.journeys.proving.publish_log import directory_of
from counterfoil.journeys.proving.receipts import (
    ReceiptListed,
    list_receipts,
    read_opening,
    read_receipt,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope

TAG = "Evidence"
router = APIRouter()

#: Identifiers end here: a list begins with the newest.
NEWEST: Final = 2**63 - 1
_TEXT: Final = "text/plain; charset=utf-8"
_TILE: Final = "application/octet-stream"
_SHORT: Final = {"cache-control": "public, max-age=1"}
#: What a tile of some width holds never changes.
_LONG: Final = {"cache-control": "public, max-age=31536000, immutable"}
_RECEIPT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The receipt."}
}


class ReceiptView(View):
    """A leaf of the log that is about a customer."""

    leaf_id: str
    type: int
    #: Name of the type.
    kind: str
    #: POSIX seconds by the house's clock.
    created: int
    #: Number in the log; None while the leaf is staged.
    index: int | None
    #: `pending` until witnesses have signed a head that covers the leaf, then `witnessed`.
    status: str


class Receipts(PageView):
    """A page of a customer's leaves, newest first."""

    items: list[ReceiptView]


class OpeningView(View):
    """What a leaf commits to."""

    leaf_id: str
    type: int
    kind: str
    index: int
    #: Base64.
    salt: str
    body: dict[str, Any]
    #: Base64; SHA-256 of type, salt and body.
    commitment: str


class LogView(View):
    """The log as it is."""

    origin: str
    #: Leaves with their numbers.
    size: int
    #: Leaves under the last head that witnesses have signed.
    witnessed_size: int
    #: Base64; None before the first.
    witnessed_root: str | None


@router.get("/v1/receipts", **reads(Scope.EVIDENCE_READ, TAG, "List a customer's receipts"))
async def list_customer_receipts(
    house: HouseOf,
    customer_id: Annotated[CustomerId, Query()],
    turn: Paging,
) -> Receipts:
    """Return the leaves that are about a customer, newest first."""
    before = turn.number(NEWEST)
    found = await list_receipts(
        house, customer_id, before=before, page=turn.page, is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, item.leaf.leaf_id))
    return Receipts(
        items=[_receipt_view(item) for item in page.items],
        **page.cursors,
    )


@router.get(
    "/v1/receipts/{leaf_id}",
    response_class=Response,
    responses=_RECEIPT,
    **reads(Scope.EVIDENCE_READ, TAG, "Read a receipt"),
)
async def get_receipt(
    house: HouseOf, leaf_id: LeafId, customer_id: Annotated[CustomerId, Query()]
) -> Response:
    """Return the receipt as the file that is verified offline."""
    receipt = await read_receipt(house, customer_id, leaf_id)
    if isinstance(receipt, Refused):
        raise RefusedError(receipt)
    return Response(bytes(receipt), media_type=_TEXT, headers={"cache-control": "no-store"})


@router.get(
    "/v1/receipts/{leaf_id}/opening", **reads(Scope.EVIDENCE_READ, TAG, "Read what opens a leaf")
)
async def get_opening(
    house: HouseOf, leaf_id: LeafId, customer_id: Annotated[CustomerId, Query()]
) -> OpeningView:
    """Return type, salt and body of a leaf, also before it is witnessed."""
    opening = await read_opening(house, customer_id, leaf_id)
    if isinstance(opening, Refused):
        raise RefusedError(opening)
    leaf = opening.leaf
    return OpeningView(
        leaf_id=ids.to_text(ids.LEAF, leaf.leaf_id),
        type=leaf.leaf_type,
        kind=LeafType(leaf.leaf_type).name.lower(),
        index=leaf.idx,
        salt=format_base64(opening.salt),
        body=orjson.loads(opening.body),
        commitment=format_base64(leaf.commitment),
    )


@router.get("/v1/log", **reads(Scope.EVIDENCE_READ, TAG, "Read the log's head"))
async def get_log(house: HouseOf) -> LogView:
    """Return the log's name, its size, and what witnesses have signed of it."""
    async with house.database.connection() as connection:
        origin = await log_store.origin_of(connection)
        head = await log_store.last_head(connection)
        witnessed = await log_store.last_witnessed(connection)
    if origin is None:
        raise RefusedError(refuse(LOG_NOT_BEGUN))
    return LogView(
        origin=origin,
        size=0 if head is None else head.size,
        witnessed_size=0 if witnessed is None else witnessed.size,
        witnessed_root=None if witnessed is None else format_base64(witnessed.root),
    )


@router.get("/log/{path:path}", include_in_schema=False)
async def get_log_file(request: Request, house: HouseOf, path: str) -> Response:
    """Return a file of the log; entries only to whoever may read evidence."""
    tile = parse_tile_path(path)
    if tile is None and path not in {CHECKPOINT, POLICY}:
        raise RefusedError(refuse(refusals.ROUTE_NOT_FOUND))
    if tile is not None and tile.level == ENTRIES:
        await Guard(Scope.EVIDENCE_READ)(request)
    data = await asyncio.to_thread(LogFiles(directory_of(house.settings)).read, path)
    if data is None:
        raise RefusedError(refuse(refusals.ROUTE_NOT_FOUND))
    if tile is None:
        return Response(data, media_type=_TEXT, headers=_SHORT)
    return Response(data, media_type=_TILE, headers=_LONG)


def _receipt_view(item: ReceiptListed) -> ReceiptView:
    leaf = item.leaf
    return ReceiptView(
        leaf_id=ids.to_text(ids.LEAF, leaf.leaf_id),
        type=leaf.leaf_type,
        kind=LeafType(leaf.leaf_type).name.lower(),
        created=leaf.created,
        index=leaf.idx,
        status="witnessed" if item.is_witnessed else "pending",
    )
