"""Seeing in clear, deciding for two, and the trail, as the pages of the console do it."""

import re
from collections import Counter
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from starlette.routing import Route
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record
from tests.store.test_feature_registry import ANALYST, OWN, registry_with

from counterfoil.console.access import ROLES, may
from counterfoil.console.app import PAGES, create_console
from counterfoil.console.desk import LENDER_ZONE
from counterfoil.console.page import Page
from counterfoil.console.pages import approvals
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing import publish_registry
from counterfoil.journeys.knowing.publish_registry import report_of, request_registry
from counterfoil.journeys.knowing.registry_impact import Impact
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import Actor, load_matrix, reading
from counterfoil.platform.approvals import Approval
from counterfoil.platform.read_acts import Door, load_read_acts
from counterfoil.platform.trail import Wanted
from counterfoil.privacy.masking import mask_id_number, mask_name
from counterfoil.privacy.person_store import read_clear
from counterfoil.privacy.vault import Purpose

SAMPLES = {
    "customer": ids.to_text(ids.CUSTOMER, 1),
    "application": ids.to_text(ids.APPLICATION, 1),
    "line": ids.to_text(ids.LINE, 1),
    "loan": ids.to_text(ids.LOAN, 1),
    "payment": ids.to_text(ids.PAYMENT, 1),
    "repayment": ids.to_text(ids.REPAYMENT, 1),
    "approval": ids.to_text(ids.APPROVAL, 1),
}


def address(page: Page) -> str:
    """Return an address of a page; what it names need not be there."""

    def sample(match: re.Match[str]) -> str:
        return SAMPLES.get(match[1].partition(":")[0], "1")

    return "/console" + re.sub(r"\{([^}]*)\}", sample, page.path)


async def a_customer(browser: Browser) -> tuple[str, int]:
    href = first_record((await browser.get("/console/customers")).text)
    return href, ids.from_text(ids.CUSTOMER, href.rsplit("/", 1)[1])


async def clear(browser: Browser, customer_id: int) -> dict[str, str]:
    async with browser.house.database.connection() as connection:
        found = await read_clear(
            connection,
            browser.house.vault,
            customer_id,
            Purpose.IDENTITY,
            reading("person_export"),
        )
    assert found is not None
    return found


async def look(browser: Browser, href: str, **fields: str) -> httpx.Response:
    page = await browser.get(f"{href}/reveal")
    given = {"purpose": "customer_request", "ticket": "T-1", "reason": "asks", **fields}
    return await browser.submit(page, f"{href}/reveal", **given)


async def test_a_clerk_sees_a_person_after_saying_why(stranger: Browser) -> None:
    await stranger.sign_in("operations")
    href, customer_id = await a_customer(stranger)
    person = await clear(stranger, customer_id)
    record = await stranger.get(href)
    assert f'href="{href}/reveal"' in record.text
    assert person["id_number"] not in record.text
    answer = await look(stranger, href)
    assert answer.status_code == 200
    assert person["id_number"] in answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    assert faults(answer.text) == []
    [entry] = await find_trail(stranger.house, Wanted(act="reveal"))
    assert (entry.actor, entry.outcome, entry.customer_id) == ("operations", "done", customer_id)
    assert entry.source.startswith("console ")
    assert person["id_number"] not in (await stranger.get(href)).text


@pytest.mark.parametrize(
    ("field", "value"), [("reason", ""), ("ticket", ""), ("purpose", "legal_request")]
)
async def test_without_purpose_ticket_and_reason_nothing_is_shown(
    stranger: Browser, field: str, value: str
) -> None:
    await stranger.sign_in("operations")
    href, customer_id = await a_customer(stranger)
    person = await clear(stranger, customer_id)
    answer = await look(stranger, href, **{field: value})
    assert answer.status_code == 422
    assert person["id_number"] not in answer.text
    assert faults(answer.text) == []
    assert await find_trail(stranger.house, Wanted(act="reveal")) == []


async def test_each_role_sees_of_a_person_what_it_reads_for(stranger: Browser) -> None:
    """Pages, and the trail of them: for what, and of whom; one line a page."""
    shown: dict[str, str] = {}
    for role in ("operations", "finance", "risk_analyst", "support"):
        await stranger.sign_in(role)
        href, customer_id = await a_customer(stranger)
        person = await clear(stranger, customer_id)
        masked = mask_name(person["name"])
        pages = [await stranger.get(path) for path in (href, f"{href}/settings")]
        assert [page.status_code for page in pages] == [200, 200]
        assert faults(pages[1].text) == []
        text = "".join([(await stranger.get("/console/customers")).text, *(p.text for p in pages)])
        assert person["name"] not in text
        sees_persons = role in ("operations", "finance")
        assert (masked in text) is sees_persons, role
        assert (mask_id_number(person["id_number"]) in text) is sees_persons, role
        shown[role] = text
    assert [role for role, text in shown.items() if "Pseudonym" in text] == [
        "risk_analyst", "support",
    ]  # fmt: skip
    lines = await find_trail(stranger.house, Wanted(act="view"))
    purposes = {
        line.actor: line.purpose for line in lines if line.subject == "/customers/{customer}"
    }
    assert purposes == {
        "operations": "contract credit_decision security",
        "finance": "contract",
        "risk_analyst": "contract credit_decision security",
        "support": "contract",
    }
    refused = await find_trail(stranger.house, Wanted(act="open"))
    assert {(line.actor, line.outcome, line.after) for line in refused} == {
        ("finance", "read_outside_purpose", "contact")
    }
    assert "is not read for the purpose" in shown["finance"]


async def test_a_role_without_a_purpose_is_turned_away_on_record(stranger: Browser) -> None:
    await stranger.sign_in("finance")
    href, _ = await a_customer(stranger)
    assert f"{href}/reveal" not in (await stranger.get(href)).text
    assert (await stranger.get(f"{href}/reveal")).status_code == 403
    [entry] = await find_trail(stranger.house, Wanted(only_refused=True))
    assert (entry.actor, entry.act, entry.outcome) == ("finance", "console", "forbidden")


async def test_a_second_person_decides_in_the_console(stranger: Browser) -> None:
    asked = await ask_approval(
        stranger.house,
        Actor(name="admin.x", role="administrator", source="test"),
        "key_rotation",
        {"act": "rotation"},
        summary="Change the wrapping key.",
        reason="yearly",
    )
    assert isinstance(asked, Approval)
    await stranger.sign_in("compliance")
    listed = await stranger.get("/console/approvals")
    assert "Change the wrapping key." in listed.text
    assert faults(listed.text) == []
    href = f"/console/approvals/{ids.to_text(ids.APPROVAL, asked.approval_id)}"
    page = await stranger.get(href)
    assert asked.payload_hash.hex() in page.text
    assert faults(page.text) == []
    missing = await stranger.submit(page, href, decision="approve", reason="")
    assert missing.status_code == 422
    done = await stranger.submit(page, href, decision="approve", reason="checked")
    assert done.status_code == 303
    again = await stranger.submit(page, href, decision="refuse", reason="changed my mind")
    assert again.status_code == 422
    assert "Approved" in (await stranger.get("/console/approvals")).text


async def test_whoever_approves_a_registry_reads_its_difference_and_impact_first(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def impact_of(*_: object) -> Impact:
        return Impact(
            cases=7,
            values={"own_limits_opened_minor": Counter(changed=4)},
            outcomes=Counter({"approve > decline": 3}),
        )

    monkeypatch.setattr(publish_registry, "impact_of", impact_of)
    registry = registry_with(OWN)
    asked = await request_registry(stranger.house, ANALYST, registry, reason="more to go by")
    assert isinstance(asked, Approval)
    await stranger.sign_in("compliance")
    href = f"/console/approvals/{ids.to_text(ids.APPROVAL, asked.approval_id)}"
    page = await stranger.get(href)
    assert faults(page.text) == []
    for told in ("What changes", "added", "Values in 7 recorded decisions", "approve &gt; decline"):
        assert told in page.text
    held = await report_of(stranger.house, asked)
    assert held is not None
    assert held["policies"]
    for version in held["policies"]:
        assert version in page.text
    wrong = await stranger.submit(page, href, decision="approve", reason="")
    assert "own_limits_opened_minor" in wrong.text


async def test_nobody_decides_in_the_console_on_their_own_request(stranger: Browser) -> None:
    asked = await ask_approval(
        stranger.house,
        Actor(name="compliance", role="compliance", source="test"),
        "key_rotation",
        {"act": "rotation"},
        summary="x",
        reason="x",
    )
    assert isinstance(asked, Approval)
    await stranger.sign_in("compliance")
    href = f"/console/approvals/{ids.to_text(ids.APPROVAL, asked.approval_id)}"
    page = await stranger.get(href)
    answer = await stranger.submit(page, href, decision="approve", reason="mine")
    assert answer.status_code == 422
    assert "Nobody decides on a request of their own" in answer.text


async def test_the_trail_is_searched(stranger: Browser) -> None:
    await stranger.sign_in("operations")
    href, _ = await a_customer(stranger)
    await look(stranger, href)
    assert (await stranger.get("/console/trail")).status_code == 403
    await stranger.sign_in("auditor")
    text = (await stranger.get("/console/trail")).text
    assert "reveal" in text
    assert "forbidden" in text
    assert faults(text) == []
    refused = (await stranger.get("/console/trail?refused=1&actor=operations")).text
    assert "forbidden" in refused
    assert "T-1" not in refused
    assert "Nothing was recorded" in (await stranger.get("/console/trail?act=nothing")).text


async def test_a_list_of_people_names_the_damaged_one_and_shows_the_others(
    stranger: Browser,
) -> None:
    await stranger.sign_in("operations")
    _, customer_id = await a_customer(stranger)
    before = (await stranger.get("/console/customers")).text
    async with stranger.house.database.connection() as connection:
        await connection.execute(
            "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00'"
            f" WHERE customer_id = {customer_id} AND purpose = 'identity'"
        )
    text = (await stranger.get("/console/customers")).text
    assert (faults(text), text.count("cannot be read")) == ([], 1)
    names = re.compile(r"<td>(\S+?\*+)")
    assert len(names.findall(text)) == len(names.findall(before)) - 1 > 0


async def test_the_trail_is_cut_by_days(stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    await stranger.sign_in("operations")
    await look(stranger, (await a_customer(stranger))[0])
    await stranger.sign_in("auditor")
    last, *_ = await find_trail(stranger.house, Wanted(act="reveal"))
    day = last.at.astimezone(LENDER_ZONE).date()
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    monkeypatch.setattr(approvals, "ROWS", 1)
    text = (await stranger.get(f"/console/trail?act=reveal&from={day}&to={day}")).text
    assert ("reveal" in text, faults(text)) == (True, [])
    newest = (await stranger.get(f"/console/trail?to={day}")).text
    older = re.search(r'rel="next" href="([^"]+)"', newest)
    assert older
    assert f"to={day}" in older[1]
    assert "Nothing was recorded" not in (await stranger.get(unescape(older[1]))).text
    for bound in (f"from={after}", f"to={before}"):
        text = (await stranger.get(f"/console/trail?act=reveal&{bound}")).text
        assert "Nothing was recorded" in text
    wrong = (await stranger.get("/console/trail?from=yesterday", language="zh-CN")).text
    assert ("起始日" in wrong, "请按 2026-09-21" in wrong, faults(wrong)) == (True, True, [])


@pytest.mark.parametrize("role", list(ROLES))
async def test_every_page_is_open_to_a_role_as_the_matrix_says(
    stranger: Browser, role: str
) -> None:
    await stranger.sign_in(role)
    reads = load_read_acts()[Door.CONSOLE]
    given = load_matrix().purposes_given(Actor(name=role, role=role, source="test"))
    for page in PAGES:
        answer = await stranger.get(address(page))
        denied = page.permission is not None and not may(role, page.permission)
        # A page is closed, too, to who is not given what it reads for.
        denied = denied or (page.permission is not None and not reads[page.path].purposes <= given)
        # What is signed with numbers that all have is closed to who sees pseudonyms.
        denied = denied or (page.is_sealed and stranger.aliases is not None)
        assert (answer.status_code == 403) is denied, f"{role} {page.path}"
        assert answer.status_code < 500, f"{role} {page.path}"
        if page.submit is not None and page.path not in ("/sign-out", "/sign-in"):
            # A post without our token does nothing, but who may not come in is told so first.
            posted = await stranger.post(address(page), {})
            assert (posted.status_code == 403) is denied, f"post {role} {page.path}"


def test_every_route_of_the_console_is_a_declared_page_or_a_file(house: House) -> None:
    """Every address stands in PAGES with its permission; the rest gives files and takes reports."""
    mounted = create_console(house, wall=house.clock)
    inner: Any = getattr(mounted, "app", None) or mounted._app
    declared = {page.path for page in PAGES}
    others = {route.path for route in inner.routes if isinstance(route, Route)} - declared
    assert others <= {
        *("/static/{name}", "/watermark.svg", "/figures/{name}.csv", "/csp-reports"),
        *("/static/{name:path}", "/fonts/{name}", "/figures/{name}"),
    }, others
    public = {page.path for page in PAGES if page.permission is None}
    assert public == {"/sign-in", "/sign-out", "/preferences"}
