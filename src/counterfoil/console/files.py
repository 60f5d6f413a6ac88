"""The files that pages load, and the watermark behind them."""

from typing import Final

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from counterfoil.console.desk import Desk
from counterfoil.platform.telemetry import logger
from counterfoil.platform.web.served import routes_of
from counterfoil.platform.web.sessions import cookie_name, is_plain_loopback, unseal

_LOG: Final = logger("counterfoil.console.policy")

#: Grey and nearly clear, so that it can be read in both themes and never disturbs.
_WATERMARK: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="520" height="340" viewBox="0 0 520 340">'
    '<text x="40" y="180" transform="rotate(-24 40 180)" font-family="sans-serif" font-size="15"'
    ' fill="#7f8894" fill-opacity="0.08">{words}</text></svg>'
)


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the routes that are no pages."""

    async def watermark(request: Request) -> Response:
        plain = is_plain_loopback(request.url.scheme, request.headers.get("host", ""))
        cookie = request.cookies.get(cookie_name("session", plain=plain), "")
        now = desk.wall.now()
        session = unseal(cookie, desk.session_key, now=now)
        day = desk.formats("en").instant(now)[:10]
        words = f"{session.operator} · {day}" if session else ""
        return Response(
            _WATERMARK.format(words=escape(words)),
            media_type="image/svg+xml",
            headers={"vary": "Cookie", "cache-control": "private, max-age=300"},
        )

    return [*routes_of(desk.site, _LOG), Route("/watermark.svg", watermark, methods=["GET"])]
