"""What every site serves besides pages: the files that pages load, and reports of violations."""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from counterfoil.platform.web.pages import ASSET_CACHE, Site

#: A report is a few hundred bytes; browsers send several at once.
_REPORT_BYTES_MAX: Final = 32 * 1024
_REPORTS_MAX: Final = 20


def routes_of(site: Site, log: Any) -> list[BaseRoute]:
    """Return the routes of a site that are no pages; `log` hears of violations."""

    async def asset(request: Request) -> Response:
        found = site.assets.get(request.path_params["name"])
        if found is None:
            return Response("Not found", status_code=404, media_type="text/plain")
        return Response(
            found.content, media_type=found.media_type, headers={"cache-control": ASSET_CACHE}
        )

    async def take_reports(request: Request) -> Response:
        """Log which directive was violated on which page; the address is cut before its query."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _REPORT_BYTES_MAX:
                return Response(status_code=413)
        for directive, path in _violations(body):
            log.warning("content security policy violated", directive=directive, page=path)
        return Response(status_code=204)

    return [
        Route("/static/{name}", asset, methods=["GET"]),
        Route("/csp-reports", take_reports, methods=["POST"]),
    ]


def _violations(body: bytes) -> list[tuple[str, str]]:
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
