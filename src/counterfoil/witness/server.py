"""The witness over HTTP.

Submission  `POST /add-checkpoint`
Monitoring  `GET /<SHA-256 of the origin in hex>/checkpoint`
Bound       A body is read up to the largest request that the protocol knows, then refused with 413.
            One request is judged after the other: each takes well below a millisecond and one
            flush, and no other order would be safe.
Follows     C2SP tlog-witness; submission and monitoring prefix are the same.
"""

from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from counterfoil.evidence.formats.witness_protocol import ADD_CHECKPOINT, REQUEST_BYTES_MAX
from counterfoil.witness.home import WitnessHome
from counterfoil.witness.witness import TEXT_CONTENT_TYPE, Witness

_DIGEST_DIGITS: Final = 64
_TOO_LARGE: Final = 413
_NOT_FOUND: Final = 404


def make_app(witness: Witness, home: WitnessHome) -> Starlette:
    """Return the witness as a web application."""

    async def add_checkpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response("too large\n", _TOO_LARGE, media_type="text/plain")
        reply = witness.add_checkpoint(body)
        headers = {"content-type": reply.content_type}
        return Response(reply.body, reply.status, headers)

    async def checkpoint(request: Request) -> Response:
        digest = request.path_params["digest"]
        is_digest = len(digest) == _DIGEST_DIGITS and not set(digest) - set("0123456789abcdef")
        note = home.head_of_digest(digest) if is_digest else None
        if note is None:
            return Response("nothing cosigned yet\n", _NOT_FOUND, media_type="text/plain")
        headers = {"content-type": TEXT_CONTENT_TYPE, "cache-control": "no-store"}
        return Response(note, headers=headers)

    return Starlette(
        routes=[
            Route(f"/{ADD_CHECKPOINT}", add_checkpoint, methods=["POST"]),
            Route("/{digest}/checkpoint", checkpoint, methods=["GET"]),
        ]
    )


async def _body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is longer than any request can be."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > REQUEST_BYTES_MAX:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)
