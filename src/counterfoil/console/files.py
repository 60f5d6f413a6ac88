"""What pages load, the watermark behind them, and where browsers report violations."""

import json
from typing import Final

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from counterfoil.console.desk import Desk
from counterfoil.platform.telemetry import logger
from counterfoil.platform.web.pages import ASSET_CACHE
from counterfoil.platform.web.sessions import cookie_name, is_plain_loopback, unseal

_LOG: Final = logger("counterfoil.console.policy")

#: A report is a few hundred bytes; browsers send several at once.
_REPORT_BYTES_MAX: Final = 32 * 1024
_REPORTS_MAX: Final = 20

#: Grey and nearly clear, so that it can be read in both themes and never disturbs.
_WATERMARK: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="520" height="340" viewBox="0 0 520 340">'
    '<text x="40" y="180" transform="rotate(-24 40 180)" font-family="sans-serif" font-size="15"'
    ' fill="#7f8894" fill-opacity="0.08">{words}</text></svg>'
)


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the routes that are no pages."""

    async def asset(request: Request) -> Response:
        found = desk.site.assets.get(request.path_params["name"])
        if found is None:
            return Response("Not found", status_code=404, media_type="text/plain")
        return Response(
            found.content, media_type=found.media_type, headers={"cache-control": ASSET_CACHE}
        )

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

    return [
        Route("/static/{name}", asset, methods=["GET"]),
        Route("/watermark.svg", watermark, methods=["GET"]),
        Route("/csp-reports", take_reports, methods=["POST"]),
    ]


async def take_reports(request: Request) -> Response:
    """Log which directive was violated on which page; the address is cut before its query."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _REPORT_BYTES_MAX:
            return Response(status_code=413)
    for directive, path in violations(body):
        _LOG.warning("content security policy violated", directive=directive, page=path)
    return Response(status_code=204)


def violations(body: bytes) -> list[tuple[str, str]]:
    """Return directive and page of each violation in a report; nothing where it is not one."""
    try:
        reports = json.loads(body)
    except ValueError:
        return []
    found = []
    for report in reports[:_REPORTS_MAX] if isinstance(reports, list) else []:
        detail = report.get("body") if isinstance(report, dict) else None
        if isinstance(detail, dict):
            directive = _plain(detail.get("effectiveDirective"))
            path = _plain(detail.get("documentURL")).partition("?")[0]
            found.append((directive, path))
    return found


def _plain(value: object) -> str:
    """Return at most a line of printable text: what a stranger posts goes to a log."""
    return "".join(letter for letter in str(value)[:200] if letter.isprintable())
