"""Consents over HTTP: notices to show, decisions to keep, withdrawal, records, refusals."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import orjson
import pytest
from tests.api.conftest import Json, Site
from tests.api.signing import Signing, drawn
from tests.store.applicants import Counter

from counterfoil.consents.status_list import is_withdrawn
from counterfoil.evidence.leaf import LeafType
from counterfoil.kernel import ids
from counterfoil.platform.access import Scope
from counterfoil.simulator.people import invent

_numbers = count(1)
PEOPLE = list(invent(3, seed=3, on=datetime(2026, 1, 5, tzinfo=UTC).date()))


async def register(site: Site, number: int = 0) -> str:
    person = PEOPLE[number]
    body = {"name": person.name, "id_number": person.id_number, "phone": person.phone}
    answered = await site.post("/v1/applicants", body)
    assert answered.status_code == 201, answered.text
    customer: str = answered.json()["customer_id"]
    return customer


def soon(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def decision(site: Site, customer: str, code: str = "inquiry-origination") -> Json:
    """Return a body that can be kept, made from the notice as it is given out."""
    notice = (await site.get(f"/v1/notices/{code}")).json()
    text = next(text for text in notice["texts"] if text["language"] == "zh")
    assert sha256(text["text"].encode()).hexdigest() == text["sha256"]
    return {
        "customer_id": customer,
        "notice": code,
        "notice_version": notice["version"],
        "decision": "given",
        "preselected": False,
        "display": {
            "language": "zh",
            "text_sha256": text["sha256"],
            "screen_sha256": sha256(f"screen {next(_numbers)}".encode()).hexdigest(),
            "dwell_ms": notice["reading_ms_min"],
        },
        "authentication": {
            "method": "one_time_code",
            "level": notice["authentication_level_min"],
            "authenticated_at": soon(-60),
            "evidence_sha256": "00" * 32,
        },
    }


async def give(site: Site, customer: str, code: str = "inquiry-origination") -> Json:
    answered = await site.post("/v1/consents", await decision(site, customer, code))
    assert answered.status_code == 201, answered.text
    given: Json = answered.json()
    return given


async def test_every_notice_says_what_it_asks_in_both_languages(site: Site) -> None:
    notices = (await site.get("/v1/notices")).json()["items"]
    assert {notice["purpose"] for notice in notices} >= {
        *("inquiry_origination", "inquiry_limit_increase", "inquiry_review", "reporting"),
        *("recipient:funding-bank", "marketing", "improvement"),
    }
    for notice in notices:
        assert [text["language"] for text in notice["texts"]] == ["zh", "en"]
        assert all(text["stops"] and text["keeps"] for text in notice["texts"])
    missing = await site.get("/v1/notices/newsletter")
    assert (missing.status_code, missing.json()["code"]) == (404, "notice_not_found")


async def test_a_consent_is_given_read_and_withdrawn(site: Site) -> None:
    customer = await register(site)
    body = await decision(site, customer)
    first = await site.post("/v1/consents", body, key="give-1")
    again = await site.post("/v1/consents", body, key="give-1")
    assert (first.status_code, first.content) == (201, again.content)
    assert again.headers["idempotent-replayed"] == "true"
    given = first.json()
    listed = (await site.get("/v1/consents", customer_id=customer)).json()
    assert [item["id"] for item in listed["items"]] == [given["consent_id"]]
    path = f"/v1/consents/{given['consent_id']}"
    read = (await site.get(path, customer_id=customer)).json()
    assert (read["status"], read["recipient_name"], read["uses"]) == ("given", "示例征信机构", 0)
    assert sha256(read["text"].encode()).hexdigest() == read["text_sha256"]
    assert [event["kind"] for event in read["events"]] == ["given"]

    left = await site.post(f"{path}/withdrawal", {"customer_id": customer, "channel": "portal"})
    assert left.status_code == 200, left.text
    assert left.json()["status"] == "withdrawn"
    assert left.json()["stops"].startswith("不再以本授权查询")
    after = (await site.get(path, customer_id=customer)).json()
    assert [event["kind"] for event in after["events"]] == ["given", "withdrawn"]


async def test_the_record_has_its_four_sections_and_checks_out(site: Site) -> None:
    customer = await register(site)
    given = await give(site, customer, "recipient-funding-bank")
    path = f"/v1/consents/{given['consent_id']}/record"
    record = (await site.get(path, customer_id=customer)).json()
    assert record["header"]["record_id"] == given["record"]
    [purpose] = record["pii_processing"]["purposes"]
    assert purpose["recipient_third_parties"] == ["fundbank.example"]
    assert [party["party_id"] for party in record["party_identification"]] == [
        "lender.example",
        "fundbank.example",
    ]
    assert [event["event_state"] for event in record["events"]] == ["given"]
    body = base64.b64decode(record["receipt"]["body"])
    assert sha256(body).hexdigest() == given["record_sha256"] == record["receipt"]["sha256"]


async def test_a_withdrawal_stands_in_the_public_list_and_nobody_needs_a_key(site: Site) -> None:
    customer = await register(site)
    kept, left = await give(site, customer), await give(site, customer)
    await site.post(f"/v1/consents/{left['consent_id']}/withdrawal", {"customer_id": customer})
    items = (await site.get("/v1/consents", customer_id=customer)).json()["items"]
    places = {item["id"]: item["status_list"] for item in items}
    answered = await site.client.get("/v1/status-lists/0", headers={"authorization": ""})
    assert answered.status_code == 200
    listed = answered.json()
    assert answered.headers["cache-control"] == f"public, max-age={listed['ttl']}"
    assert {place["uri"] for place in places.values()} == {listed["sub"]}
    lst = listed["status_list"]["lst"]
    assert is_withdrawn(lst, places[left["consent_id"]]["index"])
    assert not is_withdrawn(lst, places[kept["consent_id"]]["index"])
    missing = await site.get("/v1/status-lists/1")
    assert (missing.status_code, missing.json()["code"]) == (404, "status_list_not_found")


async def test_a_refusal_of_the_customer_is_kept_and_shown(site: Site) -> None:
    customer = await register(site)
    body = await decision(site, customer, "marketing")
    body["decision"] = "refused"
    body["display"]["dwell_ms"] = 0
    answered = await site.post("/v1/consents", body)
    assert (answered.status_code, answered.json()["status"]) == (201, "refused")
    listed = (await site.get("/v1/consents", customer_id=customer)).json()
    assert listed["items"] == []
    assert [item["notice"] for item in listed["refused"]] == ["marketing"]
    await give(site, customer)


def changed(body: Json, path: str, value: object) -> Json:
    """Return a body in which one member is another."""
    *parents, name = path.split(".")
    made = {key: dict(item) if isinstance(item, dict) else item for key, item in body.items()}
    place: Any = made
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[name]
    else:
        place[name] = value
    return made


DAY = 86_400


@dataclass(frozen=True)
class Seconds:
    """So many seconds from the moment of the test."""

    count: int


@pytest.mark.parametrize(
    ("path", "value", "status", "code", "pointer"),
    [
        ("customer_id", "cu_01hv4zq3k2f00", 404, "customer_not_found", None),
        ("notice", "newsletter", 404, "notice_not_found", None),
        ("notice_version", 2, 409, "notice_outdated", "#/notice_version"),
        ("display.text_sha256", "ab" * 32, 409, "notice_text_mismatch", "#/display/text_sha256"),
        ("display.language", "en", 409, "notice_text_mismatch", "#/display/text_sha256"),
        ("display.dwell_ms", 4_999, 422, "consent_dwell_too_short", "#/display/dwell_ms"),
        ("authentication.level", "low", 422, "consent_authentication_weak",
         "#/authentication/level"),
        ("authentication.authenticated_at", Seconds(-7_200), 422, "consent_authentication_stale",
         "#/authentication/authenticated_at"),
        ("valid_from", Seconds(-3_600), 422, "consent_in_the_past", "#/valid_from"),
        ("valid_to", Seconds(-1), 422, "consent_in_the_past", "#/valid_from"),
        ("valid_to", Seconds(31 * DAY), 422, "consent_too_long", "#/valid_to"),
        ("application_id", "ap_01hv4zq3k2f00", 404, "application_not_found", None),
        ("preselected", True, 422, "request_invalid", "#/preselected"),
        ("preselected", None, 422, "request_invalid", "#/preselected"),
        ("decision", None, 422, "request_invalid", "#/decision"),
        ("decision", "yes", 422, "request_invalid", "#/decision"),
        ("notice", ["inquiry-origination", "marketing"], 422, "request_invalid", "#/notice"),
        ("also_agrees_to", "marketing", 422, "request_invalid", "#/also_agrees_to"),
        ("display.screen_sha256", None, 422, "request_invalid", "#/display/screen_sha256"),
        ("display.text_sha256", "zz", 422, "request_invalid", "#/display/text_sha256"),
        ("authentication", None, 422, "request_invalid", "#/authentication"),
        ("valid_to", "2026-13-01T00:00:00Z", 422, "request_invalid", "#/valid_to"),
    ],
)  # fmt: skip
async def test_what_is_no_consent_is_refused_with_a_code_and_changes_nothing(
    site: Site, path: str, value: object, status: int, code: str, pointer: str | None
) -> None:
    customer = await register(site)
    sent = soon(value.count) if isinstance(value, Seconds) else value
    body = changed(await decision(site, customer), path, sent)
    answered = await site.post("/v1/consents", body)
    assert (answered.status_code, answered.json()["code"]) == (status, code), answered.text
    assert answered.json()["next_step"]
    if pointer is not None:
        assert pointer in [fault["pointer"] for fault in answered.json()["errors"]]
    listed = (await site.get("/v1/consents", customer_id=customer)).json()
    assert (listed["items"], listed["refused"]) == ([], [])


async def test_two_notices_on_one_screen_are_a_bundle(site: Site) -> None:
    customer = await register(site)
    first = await decision(site, customer)
    second = await decision(site, customer, "reporting")
    second["display"]["screen_sha256"] = first["display"]["screen_sha256"]
    assert (await site.post("/v1/consents", first)).status_code == 201
    answered = await site.post("/v1/consents", second)
    assert (answered.status_code, answered.json()["code"]) == (409, "consent_bundled")


async def test_somebody_elses_consent_is_neither_read_nor_withdrawn(site: Site) -> None:
    owner, stranger = await register(site, 0), await register(site, 1)
    given = await give(site, owner)
    path = f"/v1/consents/{given['consent_id']}"
    for read in (path, f"{path}/record"):
        answered = await site.get(read, customer_id=stranger)
        assert (answered.status_code, answered.json()["code"]) == (404, "consent_not_found")
    answered = await site.post(f"{path}/withdrawal", {"customer_id": stranger})
    assert (answered.status_code, answered.json()["code"]) == (409, "consent_of_another_person")
    nobody = ids.to_text(ids.CONSENT, 5)
    answered = await site.post(f"/v1/consents/{nobody}/withdrawal", {"customer_id": owner})
    assert (answered.status_code, answered.json()["code"]) == (404, "consent_not_found")


async def test_a_running_consent_is_confirmed_once_more(site: Site) -> None:
    customer = await register(site)
    given = await give(site, customer, "reporting")
    shown = await decision(site, customer, "reporting")
    body = {name: shown[name] for name in ("customer_id", "display", "authentication")}
    path = f"/v1/consents/{given['consent_id']}"
    answered = await site.post(f"{path}/reconfirmation", body)
    assert answered.status_code == 200, answered.text
    read = (await site.get(path, customer_id=customer)).json()
    assert [event["kind"] for event in read["events"]] == ["given", "reconfirmed"]
    # The act has a leaf of its own: the whole record, with what was confirmed when.
    record = (await site.get(f"{path}/record", customer_id=customer)).json()
    first, second = (event["leaf_id"] for event in record["events"])
    assert first != second
    async with site.house.database.connection() as connection:
        kind, body = (
            await connection.fetch(
                "SELECT leaf_type, body FROM evidence.leaf_staged WHERE leaf_id = $1",
                ids.from_text(ids.LEAF, second),
            )
        )[0]
    fields = orjson.loads(body)
    assert (kind, fields["id"]) == (LeafType.CONSENT_GIVEN, given["record"])
    assert fields["reconfirmed"]["record_sha256"] == given["record_sha256"]
    assert fields["reconfirmed"]["notice"]["text_sha256"] == shown["display"]["text_sha256"]


async def test_pages_of_consents_continue_where_the_last_one_ended(site: Site) -> None:
    customer = await register(site)
    given = [(await give(site, customer))["consent_id"] for _ in range(3)]
    first = (await site.get("/v1/consents", customer_id=customer, limit="2")).json()
    second = (
        await site.get("/v1/consents", customer_id=customer, limit="2", after=first["next"])
    ).json()
    found = [item["id"] for page in (first, second) for item in page["items"]]
    assert found == given[::-1]
    assert second["next"] is None


async def test_reading_and_writing_need_their_own_scopes(site: Site) -> None:
    customer = await register(site)
    body = await decision(site, customer)
    reader = {"authorization": f"Bearer {await site.secret(Scope.CONSENTS_READ)}"}
    answered = await site.post("/v1/consents", body, headers=reader)
    assert (answered.status_code, answered.json()["code"]) == (403, "scope_missing")
    writer = {"authorization": f"Bearer {await site.secret(Scope.CONSENTS_WRITE)}"}
    assert (await site.post("/v1/consents", body, headers=writer)).status_code == 201
    listed = await site.client.get("/v1/consents", params={"customer_id": customer}, headers=writer)
    assert listed.status_code == 403


async def test_who_refuses_every_optional_consent_applies_signs_and_draws(site: Site) -> None:
    counter = Counter(site.house)
    number = await counter.register("refuses")
    customer = ids.to_text(ids.CUSTOMER, number)
    notices = (await site.get("/v1/notices")).json()["items"]
    optional = [one["code"] for one in notices if one["is_optional"]]
    assert {"marketing", "improvement", "income-proof", "household-link"} <= set(optional)
    for code in optional:
        body = await decision(site, customer, code)
        body["decision"] = "refused"
        answered = await site.post("/v1/consents", body)
        assert (answered.status_code, answered.json()["status"]) == (201, "refused"), code
    signing = Signing(site, counter)
    signing.view = await counter.apply(customer_id=number)
    signing.customer_id = customer
    signing.application_id = ids.to_text(ids.APPLICATION, signing.view.application_id)
    _, loan = await drawn(signing)
    assert loan["status"] == "pending"
    listed = (await site.get("/v1/consents", customer_id=customer)).json()
    assert {one["notice"] for one in listed["refused"]} == set(optional)
