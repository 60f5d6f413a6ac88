"""The description, the reference, and sites beside the API: offline, and under the policy."""

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.api.conftest import Json, Site
from tests.api.test_bad_input import check_problem
from tests.reading_watch import alone

import counterfoil
from counterfoil.api.app import serving, site_of
from counterfoil.api.catalogue import ROOMS, refusals_of
from counterfoil.api.desk import Desk
from counterfoil.api.openapi_parts import parameters_of, responses_of
from counterfoil.api.problems import load_texts
from counterfoil.kernel.errors import Refusal
from counterfoil.platform.web.security import policy_text


async def test_the_reference_shows_every_operation_under_the_strict_policy(site: Site) -> None:
    document = (await site.get("/openapi.json")).json()
    page = await site.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == policy_text("/docs")
    for path, item in document["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}" in page.text
    for text in (page.text, (await site.get("/docs/errors")).text):
        assert "<script" not in text
        assert "style=" not in text
        assert not re.search(r"""(?:href|src)=["'](?:https?:)?//""", text)


def by_code() -> dict[str, Refusal]:
    """Return every refusal by its code; no code stands for two."""
    found: dict[str, Refusal] = {}
    for room, _, _ in ROOMS:
        for refusal in refusals_of(room):
            assert found.setdefault(refusal.code, refusal) is refusal, f"{refusal.code} twice"
    return found


def test_no_refusal_of_the_product_is_left_out() -> None:
    declared = {
        value.code
        for found in pkgutil.walk_packages(counterfoil.__path__, "counterfoil.")
        if not found.name.endswith("__main__")
        for value in vars(importlib.import_module(found.name)).values()
        if isinstance(value, Refusal)
    }
    assert declared == set(by_code())


async def test_every_code_has_its_place_on_the_page_of_errors_in_both_languages(
    site: Site,
) -> None:
    page = (await site.get("/docs/errors")).text
    chinese = load_texts().chinese
    for code, refusal in by_code().items():
        assert f'id="{code}"' in page
        assert chinese[code]["title"] in page
        english = re.findall(r"\{(\w+)\}", refusal.message + refusal.next_step)
        named = re.findall(r"\{(\w+)\}", chinese[code]["message"] + chinese[code]["next_step"])
        assert set(named) <= set(english), code
    assert set(chinese) == set(by_code())


async def test_the_style_sheet_and_a_violation_report_are_taken(site: Site) -> None:
    style = await site.get("/docs/site.css")
    assert style.headers["content-type"].startswith("text/css")
    taken = await site.client.post("/docs/csp-reports", content=b"[]")
    assert taken.status_code == 204
    flood = await site.client.post("/docs/csp-reports", content=b" " * 70_000)
    assert flood.status_code == 413


@pytest.mark.parametrize("path", ["/livez", "/v1/lines", "/docs", "/openapi.json"])
async def test_a_head_is_a_get_without_its_body(site: Site, path: str) -> None:
    full = await site.client.get(path)
    head = await site.client.head(path)
    assert head.status_code == full.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == full.headers["content-length"]


async def test_every_answer_has_a_request_identifier_and_is_not_kept(site: Site) -> None:
    seen = set()
    for path in ("/livez", "/v1/lines", "/v1/nothing", "/openapi.json"):
        answer = await site.get(path)
        seen.add(answer.headers["x-request-id"])
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(seen) == 4


async def test_a_site_is_mounted_and_its_bare_path_leads_to_its_root(site: Site) -> None:
    made: list[Any] = []

    def make_site(house: Any) -> Callable[[Any, Any, Any], Awaitable[None]]:
        made.append(house)

        async def hello(_request: Any) -> PlainTextResponse:
            return PlainTextResponse("hello")

        return Starlette(routes=[Route("/", hello)])

    desk = Desk(load_texts())
    app = site_of(desk, sites={"/console": make_site})
    transport = httpx.ASGITransport(alone(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        check_problem(await client.get("/console/"), 503, "not_ready")
        async with serving(desk, site.house):
            bare = await client.get("/console")
            assert bare.headers["location"] == "/console/"
            root = await client.get("/")
            assert 'href="/console/"' in root.text
            assert "/portal/" not in root.text
            for _ in range(2):
                assert (await client.get("/console/")).text == "hello"
    assert made == [site.house]


def references(value: object) -> set[str]:
    """Return every schema that something points to."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set()


async def test_the_description_is_whole(site: Site) -> None:
    document: Json = (await site.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    known = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "parameters", "responses")
        for name in document["components"][kind]
    }
    assert references(document) <= known
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names)
    for path, method, operation in operations:
        assert operation["summary"], path
        assert "application/problem+json" in responses_of(document, operation)["default"]["content"]
        if method == "post":
            media = operation["requestBody"]["content"]["application/json"]
            said = document["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
            assert bool(media["example"]) == bool(said.get("properties")), path
            heads = [p["name"] for p in parameters_of(document, operation) if p["in"] == "header"]
            without = (
                *("/v1/quotes", "/v1/commands", "/v1/reveals", "/v1/reveals/{grant_id}/again"),
                *("/v1/trial-limits", "/v1/rights-requests/{request_id}/export"),
                "/v1/loans/{loan_id}/plan-preview",
            )
            assert heads == ([] if path in without else ["Idempotency-Key"]), path


async def test_shapes_of_answers_have_no_defaults(site: Site) -> None:
    schemas = (await site.get("/openapi.json")).json()["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith(("View", "Answer")) or name == "Problem":
            assert set(schema["required"]) == set(schema["properties"]), name


def _example_of(parameter: Json) -> str:
    """Return an identifier of nobody, of the kind that a path wants."""
    own = parameter["schema"]
    found = parameter.get("example") or (own.get("examples") or ["1"])[0]
    return str(found)


async def test_every_example_of_a_write_has_the_form_described(site: Site) -> None:
    """An example speaks of nobody who is here: it is refused for that, not for its form."""
    document: Json = (await site.get("/openapi.json")).json()
    ids = {"line_id": "ln_01hv4zq3k2f00", "application_id": "ap_01hv4zq3k2f00"}
    ids["repayment_id"] = "rp_01hv4zq3k2f00"
    ids |= {
        "grant_id": "ag_01hv4zq3k2f00",
        "hold_id": "lh_01hv4zq3k2f00",
        "consent_id": "cs_01hv4zq3k2f00",
    }
    ids["contract_id"] = "ct_01hv4zq3k2f00"
    ids["limit_request_id"] = "lr_01hv4zq3k2f00"
    for path, item in document["paths"].items():
        if "post" not in item:
            continue
        media = item["post"]["requestBody"]["content"]["application/json"]
        within = {p["name"]: p for p in parameters_of(document, item["post"]) if p["in"] == "path"}
        named = {name: ids.get(name) or _example_of(p) for name, p in within.items()}
        answer = await site.post(path.format(**named), media["example"])
        assert answer.status_code < 500, path
        if answer.status_code >= 400:
            assert answer.json()["code"] != "request_invalid", (path, answer.text)
