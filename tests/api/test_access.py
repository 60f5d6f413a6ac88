"""Who may come in: every operation without a key, with a key of another scope, with its own."""

from functools import cache

import pytest
from fastapi.routing import APIRoute
from tests.api.conftest import Json, Site
from tests.api.test_bad_input import check_problem

from counterfoil.api.app import WRITES, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.openapi import document
from counterfoil.api.openapi_parts import parameters_of
from counterfoil.api.problems import load_texts
from counterfoil.api.resources.commands import COMMANDS
from counterfoil.kernel.errors import refuse
from counterfoil.platform.access import Scope, revoke_api_key
from counterfoil.platform.holdings import PURPOSE_NOT_GIVEN

#: Open to whoever has a receipt: bits of which nobody can tell whose they are.
LISTS = {"/v1/status-lists/{number}"}
#: Open to everybody: they say nothing about customers or money.
PUBLIC = {"/livez", "/readyz", "/openapi.json", "/docs"}
#: For parameters that the description gives no example of.
SAMPLES = {
    "account": "1301",
    "product_code": "cash-line-open",
    "code": "inquiry_origination",
    "version": "1",
    "language": "zh",
    "model_sha256": "0" * 64,
    "registry_sha256": "0" * 64,
    "line_review_case_id": "lx_01hv4zq3k2f00",
    "call_request_id": "cb_01hv4zq3k2f00",
    "contact_case_id": "nc_01hv4zq3k2f00",
}


def sample(parameter: Json) -> str:
    """Return a value that has the form described."""
    schema = described()["components"]["schemas"]
    own = parameter["schema"]
    own = schema[own["$ref"].rpartition("/")[2]] if "$ref" in own else own
    values = parameter.get("examples") or own.get("examples") or own.get("enum")
    return str(values[0]) if values else SAMPLES[parameter["name"]]


def operations() -> list[tuple[str, str, set[Scope]]]:
    """Return method, address and the scopes any of which lets in, of every operation described."""
    writes = {write.path: write for write in WRITES}
    found = []
    for path, item in described()["paths"].items():
        for method, operation in item.items():
            if path in PUBLIC | LISTS:
                assert "security" not in operation
                continue
            ((scope,),) = [rule["apiKey"] for rule in operation["security"]]
            others = writes[path].other_scopes if method == "post" else set()
            within = [p for p in parameters_of(described(), operation) if p["in"] == "path"]
            address = path.format(**{p["name"]: sample(p) for p in within})
            found.append((method.upper(), address, {Scope(scope), *others}))
    return found


@cache
def described() -> Json:
    return document(site_of(Desk(load_texts()))._router, WRITES)  # type: ignore[arg-type]


OPERATIONS = operations()


def test_every_write_and_many_reads_are_looked_at() -> None:
    assert len(OPERATIONS) > 35
    assert sum(method == "POST" for method, _, _ in OPERATIONS) == len(WRITES)


async def test_every_operation_asks_for_a_key_and_for_its_scope(site: Site) -> None:
    admin = site.client.headers.pop("authorization")
    before = await site.books()
    others = {
        scope: await site.secret(*(set(Scope) - {scope}), client=f"all-but-{scope}")
        for scope in Scope
    }
    none_of_commands = await site.secret(Scope.LOANS_READ)
    for method, path, scopes in OPERATIONS:
        for headers in ({}, {"Authorization": "Bearer cfk_" + "A" * 42}, {"Authorization": "x"}):
            answer = await site.client.request(method, path, headers=headers)
            check_problem(answer, 401, "not_authenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        lacking = none_of_commands if len(scopes) > 1 else others[next(iter(scopes))]
        headers = {"Authorization": f"Bearer {lacking}"}
        answer = await site.client.request(method, path, headers=headers)
        problem = check_problem(answer, 403, "scope_missing")
        assert any(scope in problem["detail"] for scope in scopes)
        answer = await site.client.request(method, path, headers={"Authorization": admin})
        assert answer.status_code not in (401, 403), f"{method} {path}: {answer.text}"
    assert await site.books() == before


@pytest.mark.parametrize("path", sorted(PUBLIC))
async def test_what_is_public_needs_no_key(site: Site, path: str) -> None:
    del site.client.headers["authorization"]
    answer = await site.client.get(path, follow_redirects=True)
    assert answer.status_code == 200
    head = await site.client.head(path, follow_redirects=True)
    assert (head.status_code, head.content) == (200, b"")


async def test_a_command_of_a_list_needs_the_scope_of_its_own_operation(site: Site) -> None:
    borrower = await site.borrower()
    secret = await site.secret(Scope.LINES_WRITE)
    freeze = {
        "kind": "freeze_line",
        "idempotency_key": "a",
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "reason": "suspected_fraud",
    }
    draw = {**await site.drawdown(borrower), "kind": "draw", "idempotency_key": "b"}
    answered = await site.post(
        COMMANDS.path,
        {"commands": [draw, freeze]},
        headers={"Authorization": f"Bearer {secret}"},
    )
    answers = answered.json()["answers"]
    assert [answer["status"] for answer in answers] == [403, 200]
    assert answers[0]["problem"]["code"] == "scope_missing"


async def test_a_revoked_key_stops_to_work(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = await site.secret(Scope.LINES_READ)
    headers = {"Authorization": f"Bearer {secret}"}
    assert (await site.client.get("/v1/lines", headers=headers)).status_code == 200
    async with site.house.database.transaction() as connection:
        number = await connection.fetchval(
            "SELECT api_key_id FROM platform.api_key WHERE scopes = '{lines:read}'"
        )
        assert await revoke_api_key(connection, number, now=site.house.clock.now())
    monkeypatch.setattr("counterfoil.api.desk._KNOWN_SECONDS", -1.0)
    monkeypatch.setattr("counterfoil.platform.access.FRESH_SECONDS", -1.0)
    site.desk._known_until = 0.0
    refused = await site.client.get("/v1/lines", headers=headers)
    check_problem(refused, 401, "not_authenticated")


async def test_changes_are_recorded_under_the_name_of_the_client(site: Site) -> None:
    borrower = await site.borrower()
    body = {"customer_id": borrower.customer_id, "cap_minor": 500_000}
    await site.post(f"/v1/lines/{borrower.line_id}/own-cap", body)
    path = f"/v1/lines/{borrower.line_id}/history"
    events = (await site.get(path, customer_id=borrower.customer_id)).json()["items"]
    assert [(event["kind"], event["author"]) for event in events] == [
        ("opened", "customer"),
        ("own_cap_set", "api:shop"),
    ]


async def test_a_client_that_is_turned_away_is_in_the_trail(
    site: Site,
) -> None:
    secret = await site.secret(Scope.LINES_READ, client="curious")
    headers = {"Authorization": f"Bearer {secret}"}
    for _ in range(3):
        await site.client.get("/v1/trail", headers=headers)
        await site.client.post("/v1/reveals", headers=headers, json={})
    found = (await site.get("/v1/trail", actor="api:curious")).json()["items"]
    assert sorted((entry["subject"], entry["outcome"]) for entry in found) == [
        *[("reveal_personal_data", "scope_missing")] * 3,
        *[("search_trail", "scope_missing")] * 3,
    ]
    assert {entry["source"] for entry in found} == {"api 127.0.0.1"}


async def test_a_read_says_for_what_and_one_outside_is_refused_and_recorded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrower = await site.borrower()
    path = f"/v1/lines/{borrower.line_id}"
    answered = await site.get(path, customer_id=borrower.customer_id)
    assert answered.status_code == 200
    outside = refuse(PURPOSE_NOT_GIVEN, act="it", holder="scope", purpose="law")
    for room in ("reads", "writes"):
        monkeypatch.setattr(f"counterfoil.api.{room}.refuse_program", lambda *_: outside)
    check_problem(await site.client.get("/v1/loans"), 403, "purpose_not_given")
    check_problem(await site.post(f"{path}/freeze", {}), 403, "purpose_not_given")
    monkeypatch.undo()
    found = (await site.get("/v1/trail", actor="api:shop")).json()["items"]
    lines = {(entry["subject"], entry["outcome"]): entry["purpose"] for entry in found}
    assert lines["get_line", "done"] == "contract"
    assert lines["list_loans", "purpose_not_given"] == "contract"
    assert "contract" in lines["freeze_line", "purpose_not_given"]


def test_every_route_that_answers_is_described_with_its_scope() -> None:
    app = site_of(Desk(load_texts()))._router
    described_paths = set(described()["paths"])
    others = {
        route.path
        for route in app.router.routes  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and route.path not in described_paths
    }
    assert others == set()
    outside = {
        getattr(route, "path", "")
        for route in app.router.routes  # type: ignore[attr-defined]
        if not isinstance(route, APIRoute)
    }
    # The reference, which is the same for everybody, and the log, whose files are public.
    assert outside <= {"/docs", "/docs/errors", "/docs/site.css", "/docs/csp-reports",
                       "/openapi.json", "/log", "/metrics", ""}, outside  # fmt: skip
