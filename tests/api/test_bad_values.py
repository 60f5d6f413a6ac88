"""Values that have the form described and that no calendar, database or canonical JSON takes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unicodedata import is_normalized

from tests.api.conftest import Json, Site
from tests.api.test_access import described
from tests.api.test_bad_input import check_problem, fault_of

from counterfoil.api.app import WRITES
from counterfoil.api.openapi_parts import parameters_of
from counterfoil.api.writes import Came, _take, _Taken
from counterfoil.platform.access import ApiKey, Scope

#: An e with its accent as two characters, and as the one that they are.
TWO, ONE = "e\u0301", "\u00e9"


async def test_what_neither_the_database_nor_canonical_json_takes_is_refused(site: Site) -> None:
    good = {"kind": "policy_publication", "payload": {"act": "x"}, "summary": "s", "reason": "r"}
    for changes, fault in (
        ({"payload": {"count": 2**53}}, ("#/payload", "out_of_range")),
        ({"summary": "two\nlines and a \0"}, ("#/summary", "characters_not_allowed")),
    ):
        answer = await site.post("/v1/approvals", {**good, **changes})
        assert fault_of(check_problem(answer, 422, "request_invalid")) == fault


async def test_days_at_the_ends_of_the_calendar_fail_nowhere(site: Site) -> None:
    asked = 0
    for path, operations in described()["paths"].items():
        given = parameters_of(described(), operations["get"]) if "get" in operations else []
        days = [one["name"] for one in given if _is_day(one)]
        for day in ("0001-01-01", "9999-12-31") if days else ():
            answer = await site.client.get(path, params=dict.fromkeys(days, day))
            assert answer.status_code < 500, (path, answer.text)
            asked += 1
    assert asked >= 20


def _is_day(parameter: Json) -> bool:
    schema = parameter.get("schema", {})
    return any(one.get("format") == "date" for one in (schema, *schema.get("anyOf", ())))


async def test_every_text_of_every_write_is_taken_in_one_form() -> None:
    """Also a text that nobody has thought of: the body is put into the form before it is read."""
    key = ApiKey(
        api_key_id=1,
        lookup="",
        client="shop",
        scopes=frozenset(Scope),
        created_at=datetime.now(UTC),
        expires_at=None,
        revoked_at=None,
        last_used_on=None,
    )
    headers = {b"content-type": b"application/json", b"idempotency-key": b"one"}
    taken = 0
    for write in WRITES:
        for changed in _with_each_text(write.example):
            for is_escaped in (True, False):
                raw = json.dumps(changed, ensure_ascii=is_escaped).encode()

                async def receive(raw: bytes = raw) -> Json:
                    return {"type": "http.request", "body": raw}

                found = await _take(key, write, Came(receive, headers, "api"))
                if isinstance(found, _Taken):
                    assert all(is_normalized("NFC", text) for text in _texts(found.body))
                    assert ONE in json.dumps(json.loads(found.raw), ensure_ascii=False)
                    taken += 1
    assert taken >= 140, "references, reasons, notes and names, in either spelling"


async def test_two_spellings_of_a_request_are_one_request(site: Site) -> None:
    borrower = await site.borrower()
    body = (await site.drawdown(borrower)) | {"payee_ref": f"acct-caf{TWO}"}
    first = await site.post("/v1/drawdowns", body, key="one")
    assert first.status_code == 201, first.text
    again = await site.post("/v1/drawdowns", body | {"payee_ref": f"acct-caf{ONE}"}, key="one")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content


def _with_each_text(said: Any) -> Iterator[Any]:
    """Yield a document once for each of its texts, with that one in two characters more."""
    if isinstance(said, str):
        yield said + TWO
    elif isinstance(said, dict):
        for name, value in said.items():
            yield from (said | {name: other} for other in _with_each_text(value))
    elif isinstance(said, list):
        for at, value in enumerate(said):
            yield from ([*said[:at], other, *said[at + 1 :]] for other in _with_each_text(value))


def _texts(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        yield from (text for value in body.values() for text in _texts(value))
    elif isinstance(body, list | tuple | set | frozenset):
        yield from (text for value in body for text in _texts(value))
    elif hasattr(body, "model_dump"):
        yield from _texts(body.model_dump())
