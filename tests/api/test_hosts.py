"""Host apps: what their keys open, whom and what they see."""

from datetime import date

import pytest
from tests.api.conftest import Site
from tests.api.hosting import (
    ADULT,
    ANALYST,
    OFFICER,
    PERSON,
    browsing,
    guest,
    register,
    terms,
)
from tests.api.test_access import OPERATIONS, described
from tests.api.test_bad_input import check_problem

from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.guarding.assess import NewAssessment, assess, conclude_assessment
from counterfoil.journeys.hosting import hosts
from counterfoil.journeys.hosting.hosts import HostWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import load_matrix
from counterfoil.platform.approvals import Approval
from counterfoil.privacy import assessment as rules
from counterfoil.privacy.assessment import AssessmentAct, Findings, Processing


def name_of(method: str, address: str) -> str:
    """Return the name of the operation behind an address."""
    parts = address.split("/")
    for template, item in described()["paths"].items():
        pieces = template.split("/")
        pairs = zip(pieces, parts, strict=False)
        is_same = len(pieces) == len(parts) and all(p[:1] == "{" or p == q for p, q in pairs)
        if is_same and (template == address or "{" in template) and method.lower() in item:
            return str(item[method.lower()]["operationId"])
    raise AssertionError(address)


async def test_a_host_opens_what_the_matrix_declares_and_nothing_else(site: Site) -> None:
    visitor = await guest(site, "travel", *Scope)
    matrix = load_matrix()
    names = {name_of(method, address) for method, address, _ in OPERATIONS}
    assert matrix.host_operations.keys() <= names
    assert matrix.customer_acts <= names
    before = await site.books()
    for method, address, _ in OPERATIONS:
        name = name_of(method, address)
        answer = await site.client.request(method, address, headers=visitor.headers)
        if name in matrix.host_operations:
            assert answer.status_code not in (401, 403), f"{name}: {answer.text}"
        else:
            is_act = name in matrix.customer_acts
            check_problem(answer, 403, "host_acts_for_customer" if is_act else "host_route_closed")
    assert await site.books() == before


async def test_a_host_of_which_no_assessment_is_about_is_not_even_asked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "is_for_sandbox", lambda *_: False)
    wish = HostWish(terms=terms("travel"), reason="contract")
    refused = await hosts.register_host(site.house, ANALYST, wish)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail["subject"]) == ("assessment_needed", "host:travel")
    new = NewAssessment(
        processing=Processing.PROVIDING,
        subject="host:travel",
        findings=Findings(purpose="p", necessity="n", risks=("r",), measures=("m",), decision="d"),
        review_on=date(2030, 1, 1),
    )
    made = await assess(site.house, ANALYST, new)
    assert not isinstance(made, Refused)
    await conclude_assessment(
        site.house,
        OFFICER,
        assessment_id=made.assessment_id,
        step=AssessmentAct.APPROVED,
        reason="read",
    )
    assert isinstance(await hosts.register_host(site.house, ANALYST, wish), Approval)


async def test_registration_takes_two_people_and_a_stop_one(site: Site) -> None:
    wish = HostWish(terms=terms("travel"), reason="contract")
    asked = await hosts.register_host(site.house, ANALYST, wish)
    assert isinstance(asked, Approval)
    own = await decide_approval(
        site.house, ANALYST, asked.approval_id, is_approved=True, reason="mine"
    )
    assert isinstance(own, Refused)
    assert await hosts.list_hosts(site.house) == []
    visitor = await guest(site, "travel")
    unknown = await visitor.get("/v1/host/links", customer="u1")
    check_problem(unknown, 404, "host_customer_not_found")
    path = f"/v1/hosts/{ids.to_text(ids.HOST, visitor.host_id)}/stop"
    assert (await site.post(path, {"reason": "keys leaked"})).json()["state"] == "stopped"
    check_problem(await visitor.get("/v1/host/links", customer="u1"), 403, "host_not_active")
    changed = HostWish(terms=terms("travel"), reason="keys changed", host_id=visitor.host_id)
    assert (await register(site, changed)).version_no == 2
    assert (await visitor.get("/v1/host/links", customer="u1")).status_code == 404


async def test_a_known_person_is_one_customer_and_neither_host_is_told(site: Site) -> None:
    travel, school = await guest(site, "travel"), await guest(site, "school")
    first = await travel.link("u1", ADULT)
    second = await school.link("pupil-9", {**ADULT, "phone": "13900139000"})
    third = await school.link("pupil-10", PERSON)
    answers = [(a.status_code, sorted(a.json().items())) for a in (first, second, third)]
    assert answers == [
        (201, [("customer", name), ("state", "pending")]) for name in ("u1", "pupil-9", "pupil-10")
    ]
    async with site.house.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM customers.customer") == 2
        rows = await connection.fetch(
            "SELECT customer_id FROM hosts.link WHERE reference IN ('u1', 'pupil-9')"
        )
    assert len({row["customer_id"] for row in rows}) == 1
    check_problem(await school.link("pupil-9", PERSON), 409, "host_reference_taken")
    check_problem(await school.get("/v1/host/links", customer="u1"), 404, "host_customer_not_found")
    again = await travel.link("u1", ADULT)
    assert again.json() == first.json()


async def test_a_link_shows_nothing_before_the_customer_has_confirmed_it(site: Site) -> None:
    visitor = await guest(site, "travel")
    await visitor.link("u1", ADULT)
    check_problem(await visitor.get("/v1/host/limits", customer="u1"), 409, "host_link_pending")
    asked = {"notice": "inquiry-origination", "product_code": "cash-line-open"}
    page = await visitor.ask("u1", "consent", **asked)
    async with browsing(site) as browser:
        act = await browser.open(page)
        assert (await browser.client.get(page["url"])).status_code == 409
        assert (await browser.choose(act, page, choice="agree")).status_code == 303
        end = await browser.client.get(f"/portal/hosted/{page['id']}")
    assert f"{visitor.origin}/back?from=lender&amp;result={page['id']}" in end.text
    assert await visitor.state(page) == "done"
    assert (await visitor.get("/v1/host/limits", customer="u1")).json()["items"] == []
    over = await visitor.post("/v1/host/links/end", {"customer": "u1"})
    assert over.json()["state"] == "ended"
    check_problem(await visitor.get("/v1/host/limits", customer="u1"), 410, "host_link_ended")


async def test_pages_return_to_registered_origins_and_products_are_the_hosts_own(
    site: Site,
) -> None:
    visitor = await guest(site, "travel")
    await visitor.link("u1", ADULT)
    body = {
        "customer": "u1",
        "act": "consent",
        "notice": "inquiry-origination",
        "product_code": "cash-line-open",
        "return_url": f"{visitor.origin}/back",
    }
    for address in ("https://evil.example/", f"{visitor.origin}@evil.example/", "javascript:1"):
        refused = await visitor.post("/v1/hosted-pages", {**body, "return_url": address})
        check_problem(refused, 422, "origin_not_registered")
    other = {**body, "product_code": "cash-line-invited"}
    check_problem(await visitor.post("/v1/hosted-pages", other), 403, "host_product_closed")
    marketing = {**body, "notice": "marketing"}
    check_problem(await visitor.post("/v1/hosted-pages", marketing), 422, "page_form_invalid")
    extra = {**body, "amount_minor": 1}
    check_problem(await visitor.post("/v1/hosted-pages", extra), 422, "page_form_invalid")
