"""The simulated host over HTTP.

Notices     `POST /notices`
Return      `GET /back`, where customers come back to from hosted pages.
Operators   `GET /counts`; `PUT /manner` with `{"manner": "up|down|slow|wrong|elsewhere"}` and
            `PUT /secret` with `{"secret": "whsec_…"}`.
"""

import asyncio
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from counterfoil.simulator.host.host import HostApp, Manner

#: Longer than senders wait.
SLOW_SECONDS: Final = 30.0
_UNAVAILABLE: Final = 503
_FAILED: Final = 500


def make_app(host: HostApp, *, slow_seconds: float = SLOW_SECONDS) -> Starlette:
    """Return the host as a web application."""

    async def notices(request: Request) -> Response:
        return await _take(host, request, slow_seconds)

    async def back(request: Request) -> Response:
        return PlainTextResponse(f"back with {request.query_params.get('result', 'nothing')}\n")

    async def counts(_request: Request) -> Response:
        types = [item["type"] for item in host.acted_on]
        shown = {"acted_on": types, "repeated": host.repeated, "refused": host.refused}
        return JSONResponse(shown)

    async def change(request: Request) -> Response:
        given = orjson.loads(await request.body())
        if "secret" in given:
            host.secret = given["secret"]
        if "manner" in given:
            host.manner = Manner(given["manner"])
        return JSONResponse({"manner": host.manner})

    return Starlette(
        routes=[
            Route("/notices", notices, methods=["POST"]),
            Route("/back", back),
            Route("/counts", counts),
            Route("/manner", change, methods=["PUT"]),
            Route("/secret", change, methods=["PUT"]),
        ]
    )


async def _take(host: HostApp, request: Request, slow_seconds: float) -> Response:
    """Take a notice in the manner of the moment."""
    body = await request.body()
    match host.manner:
        case Manner.DOWN:
            return Response(status_code=_UNAVAILABLE)
        case Manner.ELSEWHERE:
            return RedirectResponse("http://127.0.0.1:9/elsewhere", status_code=307)
        case Manner.SLOW:
            await asyncio.sleep(slow_seconds)
        case Manner.UP | Manner.WRONG:
            pass
    status = host.take(request.headers, body)
    return Response(status_code=_FAILED if host.manner is Manner.WRONG else status)
