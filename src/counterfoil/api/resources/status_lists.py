"""Withdrawals as a bitmap: open to everybody, because it names nobody."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path
from starlette.responses import Response

from counterfoil.api.reads import HouseOf
from counterfoil.api.shapes import View
from counterfoil.consents.status_list import TTL_SECONDS
from counterfoil.journeys.consenting import consent as journey
from counterfoil.kernel.errors import Refused, RefusedError

TAG = "Consents"
router = APIRouter()
#: More lists than consents will ever fill.
_NUMBER_MAX = 1_000_000


class BitmapView(View):
    """One bit a consent, 1 where it was withdrawn."""

    #: Bits a consent.
    bits: int
    #: ZLIB-compressed bytes in base64url without padding; index n is bit n mod 8 of byte n div 8.
    lst: str


class StatusListView(View):
    """A list of withdrawals (OAuth Token Status List)."""

    #: The list's own address.
    sub: str
    #: POSIX seconds.
    iat: int
    exp: int
    #: Seconds for which a copy may be used.
    ttl: int
    status_list: BitmapView


@router.get(
    "/v1/status-lists/{number}",
    tags=[TAG],
    summary="Read a list of withdrawals",
    response_model=StatusListView,
)
async def get_status_list(
    house: HouseOf,
    number: Annotated[int, Path(ge=0, le=_NUMBER_MAX, description="Number of the list.")],
) -> Response:
    """Return which consents were withdrawn; needs no key."""
    found = await journey.status_list(house, number)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return Response(
        orjson.dumps(found, option=orjson.OPT_SORT_KEYS),
        media_type="application/json",
        headers={"cache-control": f"public, max-age={TTL_SECONDS}"},
    )
