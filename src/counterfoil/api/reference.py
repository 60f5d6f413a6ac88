"""The reference as pages: what the API answers and why it says no, readable offline.

Made from the API's own description under the same strict policy as every page: no script, no
style from elsewhere.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from counterfoil.api import catalogue
from counterfoil.api.desk import Desk
from counterfoil.api.openapi import document
from counterfoil.api.openapi_parts import parameters_of, responses_of
from counterfoil.api.problems import FIELD_TEXTS, status_of, title_of
from counterfoil.api.reads import API_KEY
from counterfoil.api.writes import Write
from counterfoil.kernel.errors import Refused
from counterfoil.platform.telemetry import logger
from counterfoil.platform.web.format import Formats
from counterfoil.platform.web.i18n import Catalogue
from counterfoil.platform.web.pages import Site, make_site
from counterfoil.platform.web.security import SecurityHeaders

_LOG: Final = logger("counterfoil.api")
BASE: Final = "/docs"
REPORTS: Final = f"{BASE}/csp-reports"
#: A violation report is short; what is longer is not one.
_REPORT_BYTES_MAX: Final = 65_536


class Reference:
    """The description and its pages, made at the first request for them."""

    def __init__(self, app: FastAPI, writes: tuple[Write, ...]) -> None:
        """Take the application that is described."""
        self._app = app
        self._writes = writes
        self._made: dict[str, Any] | None = None
        self._site: Site | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Return the API's description."""
        if self._made is None:
            self._made = document(self._app, self._writes)
        return self._made

    @property
    def site(self) -> Site:
        """Return the templates and files."""
        if self._site is None:
            self._site = make_site("counterfoil.api")
        return self._site

    def page(self, template: str, **values: object) -> str:
        """Return a page."""
        words = Catalogue(language="en", messages={})
        formats = Formats(language="en", zone=ZoneInfo("UTC"))
        return self.site.render(template, words, formats, base=BASE, **values)


def add_pages(app: FastAPI, writes: tuple[Write, ...], sites: Collection[str] = ()) -> None:
    """Add the description and its pages to the site, and at its root the way to what is mounted."""
    reference = Reference(app, writes)

    async def description(_request: Request) -> Response:
        content = orjson.dumps(reference.document, option=orjson.OPT_INDENT_2)
        return Response(content, media_type="application/json")

    async def overview(_request: Request) -> Response:
        made = reference.document
        page = reference.page(
            "reference.html",
            title=made["info"]["title"],
            description=made["info"]["description"],
            groups=groups_of(made),
        )
        return HTMLResponse(page)

    async def errors(_request: Request) -> Response:
        desk: Desk = app.state.desk
        rooms = rooms_of_errors(desk.texts.chinese)
        page = reference.page("errors.html", rooms=rooms, fields=FIELD_TEXTS.items())
        return HTMLResponse(page)

    async def welcome(_request: Request) -> Response:
        return HTMLResponse(reference.page("welcome.html", sites=sites))

    async def style(_request: Request) -> Response:
        asset = reference.site.assets["site.css"]
        return Response(asset.content, headers={"content-type": asset.media_type})

    routes = [
        Route(BASE, overview),
        Route(f"{BASE}/errors", errors),
        Route(f"{BASE}/site.css", style),
        Route(REPORTS, _take_report, methods=["POST"]),
    ]
    if sites:
        routes.append(Route("/", welcome))
    pages = SecurityHeaders(Starlette(routes=routes), report_path=REPORTS)
    app.router.routes.append(Route("/openapi.json", description))
    app.router.routes += [Route(route.path, endpoint=pages) for route in routes]


def rooms_of_errors(
    chinese: Mapping[str, Mapping[str, str]],
) -> list[dict[str, Any]]:
    """Return every refusal by room, with status and both languages."""
    return [
        {
            "name_en": name_en,
            "name_zh": name_zh,
            "refusals": [
                {
                    "code": refusal.code,
                    "status": status_of(Refused(refusal)),
                    "title": title_of(refusal.code),
                    "message": refusal.message,
                    "next_step": refusal.next_step,
                    "zh": chinese[refusal.code],
                }
                for refusal in catalogue.refusals_of(room)
            ],
        }
        for room, name_en, name_zh in catalogue.ROOMS
    ]


def groups_of(made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the operations by tag, as the page shows them."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in made["paths"].items():
        for method, operation in item.items():
            shown = _operation(path, method, operation, made)
            groups.setdefault(operation["tags"][0], []).append(shown)
    return [{"name": name, "operations": found} for name, found in sorted(groups.items())]


def _operation(
    path: str, method: str, operation: Mapping[str, Any], made: Mapping[str, Any]
) -> dict[str, Any]:
    request = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schemas = made["components"]["schemas"]
    said = responses_of(made, operation)
    good = next(answer for status, answer in said.items() if status.startswith("2"))
    answer = good.get("content", {}).get("application/json", {}).get("schema", {})
    example = request.get("example")
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "scopes": [scope for rule in operation.get("security", ()) for scope in rule[API_KEY]],
        "parameters": [
            {
                "name": parameter["name"],
                "place": parameter["in"],
                "type": type_text(parameter["schema"]),
                "is_required": parameter.get("required", False),
                "description": parameter.get("description")
                or parameter["schema"].get("description", ""),
            }
            for parameter in parameters_of(made, operation)
        ],
        "request": _members(request.get("schema", {}), schemas),
        "example": orjson.dumps(example, option=orjson.OPT_INDENT_2).decode() if example else "",
        "answer": _members(answer, schemas),
    }


def _members(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the members of an object, for a table."""
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    required = named.get("required", ())
    return [
        {
            "name": name,
            "type": type_text(member),
            "is_required": name in required,
            "description": member.get("description", ""),
        }
        for name, member in named.get("properties", {}).items()
    ]


def type_text(schema: Mapping[str, Any]) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(type_text(part) for part in schema.get("anyOf") or schema["oneOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(f"`{value}`" for value in schema.get("enum") or [schema["const"]])
    if schema.get("type") == "array":
        return f"list of {type_text(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))


async def _take_report(request: Request) -> Response:
    """Log that a browser saw a page break the policy; what it sends is not repeated."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _REPORT_BYTES_MAX:
            return Response(status_code=413)
    _LOG.warning("content security policy was broken on a page of the reference")
    return Response(status_code=204)
