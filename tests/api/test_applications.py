"""From a person to an open line over HTTP."""

import httpx
from tests.api.conftest import Json, Site
from tests.api.test_bad_input import check_problem

from counterfoil.customers.identity import check_character
from counterfoil.customers.link_store import add_step
from counterfoil.customers.record_link import LinkStep, Step
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.kernel import ids

SOUND = {
    "income_monthly_minor": 1_500_000,
    "debt_monthly_minor": 100_000,
    "history_months": 60,
    "delay_months_latest": 0,
    "delay_months_max": 0,
    "late_months_count": 0,
    "unpaid_months_count": 0,
    "utilisation_ppm": 100_000,
    "payment_share_ppm": 900_000,
    "lenders_count": 1,
    "is_student": False,
}


def person(number: int) -> Json:
    digits = f"1101051990{number % 12 + 1:02}15{number:03}"
    return {
        "name": "张三",
        "id_number": digits + check_character(digits),
        "phone": f"138{number:08}",
        "language": "zh",
    }


async def register(site: Site, number: int = 1) -> str:
    answered = await site.post("/v1/applicants", person(number))
    assert answered.status_code == 201, answered.text
    customer_id: str = answered.json()["customer_id"]
    return customer_id


def wish(customer_id: str, **changes: object) -> Json:
    return {
        "customer_id": customer_id,
        "product_code": "cash-line-open",
        "requested_minor": None,
        "purpose": "daily_consumption",
        "facts": SOUND,
        **changes,
    }


async def apply(site: Site, customer_id: str, **changes: object) -> httpx.Response:
    return await site.post("/v1/applications", wish(customer_id, **changes))


async def test_a_person_registers_once_and_nothing_personal_comes_back(site: Site) -> None:
    first = await site.post("/v1/applicants", person(1), key="r1")
    again = await site.post("/v1/applicants", person(1), key="r1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    other = await site.post("/v1/applicants", person(2), key="r1")
    check_problem(other, 422, "idempotency_key_reused")
    customer_id = first.json()["customer_id"]
    read = await site.get(f"/v1/applicants/{customer_id}")
    assert set(read.json()) == {"customer_id", "status", "language", "created_at"}
    assert (await site.get("/v1/applicants")).json()["items"] == [read.json()]
    unknown = await site.get("/v1/applicants/cu_01hv4zq3k2f00")
    check_problem(unknown, 404, "customer_not_found")


async def test_links_are_read_from_either_record_and_applying_goes_to_the_one_that_goes_on(
    site: Site,
) -> None:
    given, surviving = await register(site, 1), await register(site, 13)
    house = site.house
    step = LinkStep(
        customer_id=ids.from_text(ids.CUSTOMER, given),
        step_id=house.ids.next(),
        link_id=1,
        surviving_id=ids.from_text(ids.CUSTOMER, surviving),
        step=Step.MERGED,
        approval_id=1,
        done_by="ana",
        done_at=house.clock.now(),
    )
    async with house.database.transaction() as connection:
        await add_step(connection, step)
    seen = (await site.get(f"/v1/applicants/{given}/links")).json()
    assert seen == (await site.get(f"/v1/applicants/{surviving}/links")).json()
    [item] = seen["items"]
    assert (item["step"], item["customer_id"], item["surviving_id"]) == ("merged", given, surviving)
    check_problem(await apply(site, given), 409, "record_merged")
    check_problem(
        await site.get("/v1/applicants/cu_01hv4zq3k2f00/links"), 404, "customer_not_found"
    )


async def test_particulars_that_cannot_be_are_refused_without_being_repeated(site: Site) -> None:
    for name, value, code in (
        ("name", "12345", "name_invalid"),
        ("id_number", "110105194912310021", "id_number_invalid"),
        ("phone", "123", "phone_invalid"),
    ):
        answer = await site.post("/v1/applicants", {**person(3), name: value})
        problem = check_problem(answer, 422, code)
        assert problem["errors"] == [{"pointer": f"#/{name}", "code": code}]
        assert value not in answer.text


async def test_an_approved_application_becomes_a_line_that_can_be_drawn_on(site: Site) -> None:
    customer_id = await register(site)
    applied = await site.post("/v1/applications", wish(customer_id), key="a1")
    assert applied.status_code == 201, applied.text
    offer = applied.json()
    assert offer["status"] == "approved"
    again = await site.post("/v1/applications", wish(customer_id), key="a1")
    assert again.content == applied.content
    assert again.headers["idempotent-replayed"] == "true"
    path = f"/v1/applications/{offer['id']}"
    read = (await site.get(path, customer_id=customer_id)).json()
    assert read["limit_minor"] == offer["limit_minor"]
    taken = {"customer_id": customer_id, "repayment_day": 15}
    check_problem(await site.post(f"{path}/acceptance", taken), 409, "contract_not_signed")
    key = ids.from_text(ids.CUSTOMER, customer_id), ids.from_text(ids.APPLICATION, offer["id"])
    await sign_for_sandbox(site.house, [key])
    line = await site.post(f"{path}/acceptance", taken, key="t1")
    assert line.status_code == 201, line.text
    assert line.json()["limit_minor"] == offer["limit_minor"]
    repeated = await site.post(f"{path}/acceptance", taken, key="t1")
    assert repeated.content == line.content
    twice = await site.post(f"{path}/acceptance", taken)
    check_problem(twice, 409, "line_exists")
    quoted = await site.post(
        "/v1/quotes",
        {
            "customer_id": customer_id,
            "line_id": line.json()["id"],
            "amount_minor": 50_000,
            "currency": "CNY",
            "tenor_months": 3,
            "method": "bullet",
            "purpose": "travel",
        },
    )
    assert quoted.status_code == 200, quoted.text
    ended = (await site.get(path, customer_id=customer_id)).json()
    assert (ended["status"], ended["line_id"]) == ("accepted", line.json()["id"])


async def test_applications_that_cannot_be_are_refused(site: Site) -> None:
    customer_id = await register(site)
    stranger = await register(site, 2)
    before = await site.books()
    cases: list[tuple[Json, int, str]] = [
        ({"product_code": "gold-line"}, 404, "product_not_offered"),
        ({"requested_minor": 1}, 422, "requested_out_of_range"),
        ({"facts": {"shoe_size": 42}}, 422, "fact_not_declared"),
        ({"facts": {"history_months": -1}}, 422, "fact_out_of_range"),
        ({"facts": {"history_months": 1.5}}, 422, "request_invalid"),
        ({"facts": {"history_months": [1]}}, 422, "request_invalid"),
        ({"facts": {f"f{n}": 1 for n in range(101)}}, 422, "request_invalid"),
        ({"customer_id": "cu_01hv4zq3k2f00"}, 404, "customer_not_found"),
    ]
    for changes, status, code in cases:
        body = wish(customer_id) | changes
        check_problem(await site.post("/v1/applications", body), status, code)
    assert await site.books() == before
    offer = (await apply(site, customer_id)).json()
    second = await apply(site, customer_id)
    check_problem(second, 409, "application_already_open")
    path = f"/v1/applications/{offer['id']}"
    check_problem(await site.get(path, customer_id=stranger), 404, "application_not_found")
    taken = await site.post(f"{path}/acceptance", {"customer_id": stranger, "repayment_day": 15})
    check_problem(taken, 404, "application_not_found")
    decision = {
        "customer_id": customer_id,
        "outcome": "approved",
        "reason": "looks fine",
        "decided_by": "li-wei",
    }
    check_problem(await site.post(f"{path}/decision", decision), 409, "application_not_open")


async def test_an_application_is_withdrawn_once(site: Site) -> None:
    customer_id = await register(site)
    offer = (await apply(site, customer_id)).json()
    path = f"/v1/applications/{offer['id']}/withdrawal"
    first = await site.post(path, {"customer_id": customer_id}, key="w1")
    assert (first.status_code, first.json()["status"]) == (200, "withdrawn")
    again = await site.post(path, {"customer_id": customer_id}, key="w1")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    listed = (await site.get("/v1/applications", status="withdrawn")).json()["items"]
    assert [item["id"] for item in listed] == [offer["id"]]
    own = (await site.get(f"/v1/applicants/{customer_id}/applications")).json()["items"]
    assert own == listed


async def test_a_referred_application_is_decided_by_a_named_person(site: Site) -> None:
    customer_id = await register(site)
    referred = await find_referred(site, customer_id)
    path = f"/v1/applications/{referred['id']}/decision"
    body = {
        "customer_id": customer_id,
        "outcome": "declined",
        "reason": "income not plausible",
        "decided_by": "li-wei",
    }
    first = await site.post(path, body, key="d1")
    assert first.status_code == 200, first.text
    assert first.json()["status"] == "declined"
    assert first.json()["decided_by"] == "api:shop:li-wei"
    again = await site.post(path, body, key="d1")
    assert again.content == first.content
    other = await site.post(path, {**body, "reason": "another"}, key="d1")
    check_problem(other, 422, "idempotency_key_reused")
    late = await site.post(path, {**body, "outcome": "approved"}, key="d2")
    check_problem(late, 409, "application_not_open")


async def find_referred(site: Site, customer_id: str) -> Json:
    """Apply with little known until the policy wants a person."""
    for facts in ({}, {"history_months": 0}, {"is_student": None}, {**SOUND, "lenders_count": 6}):
        answer: Json = (await apply(site, customer_id, facts=facts)).json()
        if answer["status"] == "referred":
            return answer
        if answer["status"] == "approved":
            path = f"/v1/applications/{answer['id']}/withdrawal"
            await site.post(path, {"customer_id": customer_id})
    raise AssertionError("no case was referred")
