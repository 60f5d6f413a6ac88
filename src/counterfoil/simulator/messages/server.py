"""The simulated carrier over HTTP.

Lenders     `PUT /messages/{reference}/{channel}` and `GET` of the same, with the bearer token.
Operators   `GET /taken`; `PUT /manner` with `{"channel": "email", "manner": "up|down|slow|…"}`.
"""

import asyncio
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.simulator.messages.service import Manner, MessageService

#: Longer than callers wait.
SLOW_SECONDS: Final = 30.0
_NOT_ALLOWED: Final = 401
_UNAVAILABLE: Final = 503


def make_app(service: MessageService, *, slow_seconds: float = SLOW_SECONDS) -> Starlette:
    """Return the carrier as a web application."""

    async def message(request: Request) -> Response:
        return await _answer(service, request, slow_seconds)

    async def taken(_request: Request) -> Response:
        shown = [
            {"reference": reference, "channel": channel, "subject": parcel["subject"]}
            for (reference, channel), parcel in service.taken.items()
        ]
        return JSONResponse({"taken": shown, "repeated": service.repeated})

    async def change(request: Request) -> Response:
        given = orjson.loads(await request.body())
        service.manners[given["channel"]] = Manner(given["manner"])
        return JSONResponse(service.manners)

    return Starlette(
        routes=[
            Route("/messages/{reference}/{channel}", message, methods=["GET", "PUT"]),
            Route("/taken", taken),
            Route("/manner", change, methods=["PUT"]),
        ]
    )


async def _answer(service: MessageService, request: Request, slow_seconds: float) -> Response:
    """Answer in the manner of the moment."""
    if service.token and request.headers.get("authorization") != f"Bearer {service.token}":
        return Response(status_code=_NOT_ALLOWED)
    reference, channel = request.path_params["reference"], request.path_params["channel"]
    manner = service.manner_of(channel)
    if manner is Manner.DOWN:
        return Response(status_code=_UNAVAILABLE)
    if manner is Manner.MALFORMED:
        return Response(b'{"reference": ', media_type="application/json")
    if request.method == "PUT":
        status, said = service.take(reference, channel, await request.body())
    else:
        status, said = service.report(reference, channel)
    if manner is Manner.SLOW:
        await asyncio.sleep(slow_seconds)
    return JSONResponse(said, status_code=status)
