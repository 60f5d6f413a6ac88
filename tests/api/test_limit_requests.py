"""Asking for a higher limit over HTTP, from the wish to the raised line."""

import pytest
from tests.api.conftest import Json, Site
from tests.api.signing import certificate, leaf_bodies, plain, printed, verdict
from tests.api.test_bad_input import check_problem
from tests.store.raise_desk import open_line

from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.journeys.lines import raise_limit
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel import ids

SOUND = {
    "delay_months_latest": 0,
    "late_months_count": 0,
    "credit_elsewhere_minor": 10_000_000,
    "balance_elsewhere_minor": 2_000_000,
}


class Line:
    """A customer's line with some history."""

    def __init__(self, site: Site, customer: int, line: int) -> None:
        self.site = site
        self.customer, self.line = customer, line
        self.customer_id = ids.to_text(ids.CUSTOMER, customer)
        self.path = f"/v1/lines/{ids.to_text(ids.LINE, line)}"

    def wish(self, **changes: object) -> Json:
        return {
            "customer_id": self.customer_id,
            "requested_minor": 800_000,
            "facts": SOUND,
            **changes,
        }

    async def asked(self, **changes: object) -> Json:
        answered = await self.site.post(f"{self.path}/limit-requests", self.wish(**changes))
        assert answered.status_code == 201, answered.text
        request: Json = answered.json()
        return request

    async def agreement(self, request: Json, language: str = "zh") -> Json:
        path = f"/v1/limit-requests/{request['id']}/amendment"
        shown = await self.site.get(path, customer_id=self.customer_id, language=language)
        assert shown.status_code == 200, shown.text
        return {
            "customer_id": self.customer_id,
            "language": language,
            "document_sha256": shown.json()["document_sha256"],
            "dwell_ms": 8_000,
            "authentication_level": "substantial",
        }

    async def limit(self) -> int:
        read = await self.site.get(self.path, customer_id=self.customer_id)
        limit: int = read.json()["limit_minor"]
        return limit


@pytest.fixture
async def line(site: Site) -> Line:
    customer = site.house.ids.next()
    return Line(site, customer, await open_line(site.house, customer))


async def test_a_wish_becomes_an_offer_and_the_agreement_raises_the_limit(
    site: Site, line: Line
) -> None:
    asked = await site.post(f"{line.path}/limit-requests", line.wish(), key="l1")
    assert asked.status_code == 201, asked.text
    request = asked.json()
    assert (request["status"], request["limit_minor"]) == ("approved", 800_000)
    assert request["rate_daily_e8"] == 40_000
    again = await site.post(f"{line.path}/limit-requests", line.wish(), key="l1")
    assert again.content == asked.content
    assert again.headers["idempotent-replayed"] == "true"
    other = line.wish(requested_minor=900_000)
    check_problem(
        await site.post(f"{line.path}/limit-requests", other, key="l1"),
        422,
        "idempotency_key_reused",
    )
    path = f"/v1/limit-requests/{request['id']}"
    assert (await site.get(path, customer_id=line.customer_id)).json() == request
    listed = await site.get(f"{line.path}/limit-requests", customer_id=line.customer_id)
    assert listed.json() == {"items": [request], "next": None, "prev": None}
    assert await line.limit() == 500_000
    agreement = await line.agreement(request)
    raised = await site.post(f"{path}/acceptance", agreement, key="y1")
    assert raised.status_code == 200, raised.text
    assert raised.json()["limit_minor"] == 800_000
    repeated = await site.post(f"{path}/acceptance", agreement, key="y1")
    assert repeated.content == raised.content
    assert await line.limit() == 800_000
    ended = (await site.get(path, customer_id=line.customer_id)).json()
    assert ended["status"] == "accepted"
    shown = await line.agreement(request, "en")
    assert shown["document_sha256"] != agreement["document_sha256"]


async def test_the_amendment_is_a_file_that_says_the_terms_and_verifies_offline(
    site: Site, line: Line
) -> None:
    request = await line.asked()
    path = f"/v1/limit-requests/{request['id']}"
    early = await site.get(f"{path}/amendment.pdf", customer_id=line.customer_id)
    check_problem(early, 409, "contract_not_signed")
    text = (await site.get(f"{path}/amendment", customer_id=line.customer_id)).json()["text"]
    for figure in ("5000.00", "8000.00", request["valid_until"]):
        assert figure in text, figure
    raised = await site.post(f"{path}/acceptance", await line.agreement(request))
    assert raised.status_code == 200, raised.text
    read = await site.get(f"{path}/amendment.pdf", customer_id=line.customer_id)
    assert read.status_code == 200, read.text
    pdf, pem = read.content, certificate(site)
    assert printed(pdf) == plain(text)
    [body] = [one for one in await leaf_bodies(site) if one["event"] == "limit_amended"]
    for leaf in (None, body):
        found = await verdict(pdf, pem, body=leaf)
        assert found.accepted, found.faults
    other = body | {"customer_signature": {"document_sha256": "00" * 32}}
    assert [code for code, _ in (await verdict(pdf, pem, body=other)).faults] == ["log_differs"]
    for place in range(0, len(pdf), 997):
        changed = bytearray(pdf)
        changed[place] ^= 0x01
        assert not (await verdict(bytes(changed), pem)).accepted, place
    stranger = ids.to_text(ids.CUSTOMER, 1)
    lost = await site.get(f"{path}/amendment.pdf", customer_id=stranger)
    check_problem(lost, 404, "limit_request_not_found")


async def test_wishes_that_cannot_be_are_refused(site: Site, line: Line) -> None:
    cases: list[tuple[Json, int, str]] = [
        ({"requested_minor": 500_000}, 422, "limit_request_not_above"),
        ({"requested_minor": 20_010_000}, 422, "limit_request_out_of_range"),
        ({"requested_minor": 800_001}, 422, "limit_request_out_of_range"),
        ({"facts": {"shoe_size": 1}}, 422, "fact_not_declared"),
        ({"facts": {"own_months": 99}}, 422, "fact_not_declared"),
        ({"facts": {"late_months_count": 6}}, 422, "fact_out_of_range"),
        ({"customer_id": "cu_01hv4zq3k2f00"}, 404, "line_not_found"),
        ({"amount": 1}, 422, "request_invalid"),
    ]
    before = await site.books()
    for changes, status, expected in cases:
        answered = await site.post(f"{line.path}/limit-requests", line.wish(**changes))
        check_problem(answered, status, expected)
    assert await site.books() == before
    frozen = {"customer_id": line.customer_id, "until": None, "reason": "suspected_fraud"}
    await site.post(f"{line.path}/freeze", frozen)
    answered = await site.post(f"{line.path}/limit-requests", line.wish())
    check_problem(answered, 409, "line_frozen")


async def test_a_decline_is_told_in_words_for_the_customer(site: Site, line: Line) -> None:
    request = await line.asked(facts={**SOUND, "delay_months_latest": 3})
    assert (request["status"], request["limit_minor"]) == ("declined", 0)
    assert [reason["code"] for reason in request["reasons"]] == ["DLQ_ELSEWHERE"]
    assert request["reasons"][0]["zh"] == "信用报告中近期有逾期记录"
    path = f"/v1/limit-requests/{request['id']}"
    amendment = await site.get(f"{path}/amendment", customer_id=line.customer_id)
    check_problem(amendment, 409, "limit_request_not_open")
    assert await line.limit() == 500_000


async def test_a_referral_is_decided_by_a_person_and_an_open_one_withdrawn(
    site: Site, line: Line
) -> None:
    referred = await line.asked(facts={**SOUND, "has_fraud_warning": True})
    assert (referred["status"], referred["limit_minor"]) == ("referred", 0)
    second = await site.post(f"{line.path}/limit-requests", line.wish())
    check_problem(second, 409, "limit_request_already_open")
    decision = {
        "customer_id": line.customer_id,
        "outcome": "approved",
        "reason": "warning was a mistake",
        "decided_by": "li-wei",
    }
    path = f"/v1/limit-requests/{referred['id']}"
    decided = await site.post(f"{path}/decision", decision, key="d1")
    assert decided.status_code == 200, decided.text
    assert (decided.json()["status"], decided.json()["limit_minor"]) == ("approved", 800_000)
    assert (await site.post(f"{path}/decision", decision, key="d1")).content == decided.content
    wish = {"customer_id": line.customer_id}
    withdrawn = await site.post(f"{path}/withdrawal", wish, key="w1")
    assert withdrawn.json()["status"] == "withdrawn"
    agreement = {
        **wish,
        "language": "zh",
        "document_sha256": "0" * 64,
        "dwell_ms": 8_000,
        "authentication_level": "substantial",
    }
    refused = await site.post(f"{path}/acceptance", agreement)
    check_problem(refused, 409, "limit_request_not_open")
    assert (await line.asked())["status"] == "approved"


async def test_nobody_reads_or_takes_somebody_elses_offer(site: Site, line: Line) -> None:
    request = await line.asked()
    stranger = ids.to_text(ids.CUSTOMER, site.house.ids.next())
    path = f"/v1/limit-requests/{request['id']}"
    agreement = await line.agreement(request)
    for answered in (
        await site.get(path, customer_id=stranger),
        await site.get(f"{path}/amendment", customer_id=stranger),
        await site.post(f"{path}/acceptance", {**agreement, "customer_id": stranger}),
        await site.post(f"{path}/withdrawal", {"customer_id": stranger}),
    ):
        check_problem(answered, 404, "limit_request_not_found")
    listed = await site.get(f"{line.path}/limit-requests", customer_id=stranger)
    check_problem(listed, 404, "line_not_found")
    assert await line.limit() == 500_000


async def test_a_request_of_the_house_itself_reads_the_same_over_http(
    site: Site, line: Line
) -> None:
    wish = RaiseWish(
        customer_id=line.customer,
        line_id=line.line,
        requested_minor=800_000,
        idempotency_key="in-house",
        facts=SOUND,
    )
    [request] = await raise_limit.request_many(site.house, [wish])
    assert isinstance(request, LimitRequest), request
    listed = await site.get(f"{line.path}/limit-requests", customer_id=line.customer_id)
    [shown] = listed.json()["items"]
    assert shown["id"] == ids.to_text(ids.LIMIT_REQUEST, request.request_id)
    assert shown["status"] == "approved"
