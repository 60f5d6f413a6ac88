"""Signing in with a code, rights that expire, emergencies and exports, as the pages show them."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.console.accessibility import faults
from tests.console.conftest import ORIGIN, PASSWORD, Browser
from tests.console.test_pages import first_record
from tests.reading_watch import alone

from counterfoil.console.app import create_console
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import find_trail
from counterfoil.platform import access, totp
from counterfoil.platform.access import Role
from counterfoil.platform.trail import Wanted

FACTOR = "/console/second-factor"


@pytest.fixture
async def guarded(house: House) -> AsyncIterator[Browser]:
    """Somebody at a console whose staff is guarded as in production."""
    settings = house.settings.model_copy(update={"staff_safeguards": True})
    kept = replace(house, settings=settings)
    async with house.database.transaction() as connection:
        for role in Role:
            # Their rights begin today, so that they have their days.
            await connection.execute(
                "UPDATE platform.operator SET rights_since = $2 WHERE name = $1",
                role.value,
                house.clock.now(),
            )
    site = Starlette(routes=[Mount("/console", app=create_console(kept, wall=house.clock))])
    transport = httpx.ASGITransport(app=alone(site))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield Browser(client, kept)


def code_now(browser: Browser, secret: bytes) -> str:
    return totp.code_at(secret, totp.step_at(browser.house.clock.now().timestamp()))


async def enrol(browser: Browser) -> tuple[bytes, str]:
    page = await browser.get(FACTOR)
    begun = await browser.submit(page, FACTOR)
    assert faults(begun.text) == []
    assert "<svg" in begun.text
    found = re.search(r"<figcaption[^>]*>([A-Z2-7 ]+)<", begun.text)
    assert found is not None
    secret = base64.b32decode(found[1].replace(" ", ""))
    wrong = await browser.submit(begun, FACTOR, code="000000")
    assert wrong.status_code == 422
    done = await browser.submit(begun, FACTOR, code=code_now(browser, secret))
    assert done.status_code == 200
    assert faults(done.text) == []
    codes = re.findall(r'<li class="code">([a-z2-7-]+)<', done.text)
    assert len(codes) == 10
    return secret, codes[0]


async def test_who_sees_persons_gets_no_further_without_a_second_factor(guarded: Browser) -> None:
    await guarded.sign_in("operations")
    answer = await guarded.get("/console/loans")
    assert (answer.status_code, answer.headers["location"]) == (303, FACTOR)
    secret, recovery = await enrol(guarded)
    assert (await guarded.get("/console/loans")).status_code == 200
    without = await guarded.sign_in("operations")
    assert without.status_code == 422
    assert "asks for a code" in without.text
    guarded.house.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]
    code = code_now(guarded, secret)
    assert (await sign_in(guarded, code)).status_code == 303
    again = await sign_in(guarded, code)
    assert again.status_code == 422
    assert faults(again.text) == []
    assert (await sign_in(guarded, recovery)).status_code == 303


async def sign_in(browser: Browser, code: str) -> httpx.Response:
    page = await browser.get("/console/sign-in")
    fields = {"operator": "operations", "password": PASSWORD, "code": code}
    return await browser.submit(page, "/console/sign-in", **fields)


async def test_who_sees_nobody_signs_in_as_before(guarded: Browser) -> None:
    await guarded.sign_in("finance")
    assert (await guarded.get("/console/loans")).status_code == 200


async def test_a_sandbox_asks_for_no_second_factor_and_keeps_one_that_is_set(
    stranger: Browser,
) -> None:
    await stranger.sign_in("operations")
    assert (await stranger.get("/console/loans")).status_code == 200
    await enrol(stranger)
    assert (await stranger.sign_in("operations")).status_code == 422


async def test_rights_of_one_who_was_away_are_gone_until_confirmed(guarded: Browser) -> None:
    await guarded.sign_in("finance")
    assert (await guarded.get("/console/ledger")).status_code == 200
    guarded.house.clock.advance(timedelta(days=80))  # type: ignore[attr-defined]
    await guarded.sign_in("finance")
    assert (await guarded.get("/console/loans")).status_code == 200
    guarded.house.clock.advance(timedelta(days=20))  # type: ignore[attr-defined]
    await guarded.sign_in("finance")
    assert (await guarded.get("/console/loans")).status_code == 200
    assert (await guarded.get("/console/ledger")).status_code == 403


async def test_a_new_password_ends_sessions_and_so_does_leaving_for_good(
    stranger: Browser,
) -> None:
    await stranger.sign_in("collector")
    assert (await stranger.get("/console/loans")).status_code == 200
    stranger.house.clock.advance(timedelta(seconds=5))  # type: ignore[attr-defined]
    async with stranger.house.database.transaction() as connection:
        now = stranger.house.clock.now()
        await access.disable_operator(connection, "collector", now=now)
        await access.set_operator(
            connection,
            operator_id=1,
            name="collector",
            role=Role.COLLECTOR,
            password=PASSWORD,
            now=now,
        )
    assert (await stranger.get("/console/loans")).status_code == 401
    stranger.house.clock.advance(timedelta(seconds=5))  # type: ignore[attr-defined]
    await stranger.sign_in("collector")
    assert (await stranger.get("/console/loans")).status_code == 200


async def test_an_emergency_is_on_every_page_and_looked_into_by_another(
    stranger: Browser,
) -> None:
    await stranger.sign_in("operations")
    assert (await stranger.get("/console/trail")).status_code == 403
    page = await stranger.get("/console/emergency")
    assert faults(page.text) == []
    begun = await stranger.submit(
        page, "/console/emergency", role="compliance", ticket="INC-1", reason="nobody reachable"
    )
    assert begun.status_code == 303
    assert (await stranger.get("/console/trail")).status_code == 200
    for permission in ("approvals", "staff"):
        assert (await stranger.get(f"/console/{permission}")).status_code == 403
    loans = await stranger.get("/console/loans")
    assert "Emergency access: you act with the rights of" in loans.text
    assert faults(loans.text) == []
    page = await stranger.get("/console/emergency")
    assert (await stranger.submit(page, "/console/emergency", step="end")).status_code == 303
    assert (await stranger.get("/console/trail")).status_code == 403
    stranger.house.clock.advance(timedelta(seconds=5))  # type: ignore[attr-defined]
    await stranger.sign_in("compliance")
    assert "wait for a review: 1" in (await stranger.get("/console/loans")).text
    staff = await stranger.get("/console/staff")
    assert faults(staff.text) == []
    href = re.search(r'href="(/console/staff/emergencies/[^"]+)"', staff.text)
    assert href is not None
    form = await stranger.get(href[1])
    assert faults(form.text) == []
    done = await stranger.submit(form, href[1], finding="justified", reason="the log agrees")
    assert done.status_code == 303
    assert "wait for a review" not in (await stranger.get("/console/staff")).text


async def test_a_right_is_confirmed_by_somebody_else(stranger: Browser) -> None:
    await stranger.sign_in("compliance")
    page = await stranger.get("/console/staff/operations")
    done = await stranger.submit(
        page, "/console/staff/operations", permission="reveal", reason="still at the desk"
    )
    assert done.status_code == 303
    own = await stranger.get("/console/staff/compliance")
    refused = await stranger.submit(
        own, "/console/staff/compliance", permission="", reason="I need it"
    )
    assert refused.status_code == 422
    assert (await stranger.get("/console/staff/nobody")).status_code == 404


async def test_who_opens_a_customer_stands_in_the_trail(stranger: Browser) -> None:
    await stranger.sign_in("auditor")
    href = first_record((await stranger.get("/console/customers")).text)
    await stranger.get(href)
    opened, listed = await find_trail(stranger.house, Wanted(act="view"))
    for entry, subject in ((opened, "/customers/{customer}"), (listed, "/customers")):
        assert (entry.actor, entry.outcome, entry.subject) == ("auditor", "done", subject)
    assert len(opened.customer_ids) == 1
    assert set(opened.customer_ids) < set(listed.customer_ids)


async def test_the_list_of_exports_is_for_those_who_export(stranger: Browser) -> None:
    await stranger.sign_in("compliance")
    page = await stranger.get("/console/exports", language="zh-CN")
    assert page.status_code == 200
    assert faults(page.text) == []
    await stranger.sign_in("collector")
    assert (await stranger.get("/console/exports")).status_code == 403
