"""Who comes in, what each role may open, and from where a form is taken."""

import re
from datetime import timedelta

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import ORIGIN, PASSWORD, Browser
from tests.console.test_pages import LISTS, first_record

from counterfoil.console.access import ROLES, Permission, may
from counterfoil.console.pages.sign_in import own_path
from counterfoil.journeys.trail import find_trail
from counterfoil.platform import access
from counterfoil.platform.trail import Wanted
from counterfoil.platform.trail_book import STRANGER
from counterfoil.platform.web.sessions import SESSION_LIFE


@pytest.mark.parametrize("path", LISTS)
async def test_nothing_is_shown_without_a_sign_in(stranger: Browser, path: str) -> None:
    page = await stranger.get(path)
    assert page.status_code == 401
    assert 'name="password"' in page.text
    assert not re.search(r"\b(lo|cu|ln|ap)_[0-9a-z]{13}\b", page.text)
    assert faults(page.text) == []


async def test_after_the_sign_in_the_wanted_page_is_shown(stranger: Browser) -> None:
    wanted = "/console/loans?status=open&sort=balance&order=desc"
    page = await stranger.get(wanted)
    answer = await stranger.submit(
        page, "/console/sign-in", operator="operations", password=PASSWORD
    )
    assert answer.status_code == 303
    assert answer.headers["location"].replace("&amp;", "&") == wanted


@pytest.mark.parametrize(("name", "password"), [("operations", "wrong"), ("nobody", PASSWORD)])
async def test_a_wrong_sign_in_says_the_same_for_name_and_password(
    stranger: Browser, name: str, password: str
) -> None:
    page = await stranger.get("/console/sign-in")
    answer = await stranger.submit(page, "/console/sign-in", operator=name, password=password)
    assert answer.status_code == 422
    assert "Name and password do not belong together" in answer.text
    assert password not in answer.text
    assert faults(answer.text) == []


async def test_a_disabled_operator_is_out_at_once(stranger: Browser) -> None:
    await stranger.sign_in("collector")
    assert (await stranger.get("/console/loans")).status_code == 200
    async with stranger.house.database.transaction() as connection:
        await access.disable_operator(connection, "collector", now=stranger.house.clock.now())
    assert (await stranger.get("/console/loans")).status_code == 401


async def test_a_session_ends_after_a_working_day(stranger: Browser) -> None:
    await stranger.sign_in("operations")
    clock = stranger.house.clock
    clock.advance(SESSION_LIFE - timedelta(seconds=1))  # type: ignore[attr-defined]
    assert (await stranger.get("/console/loans")).status_code == 200
    clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
    assert (await stranger.get("/console/loans")).status_code == 401


async def test_signing_out_ends_the_session(browser: Browser) -> None:
    page = await browser.get("/console/")
    answer = await browser.submit(page, "/console/sign-out")
    assert answer.headers["location"] == "/console/sign-in"
    assert (await browser.get("/console/")).status_code == 401


async def test_cookies_are_guarded(stranger: Browser) -> None:
    answer = await stranger.sign_in("operations")
    cookies = answer.headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith("__Host-counterfoil-session="))
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in session
    assert "Domain" not in session


@pytest.mark.parametrize("role", list(ROLES))
async def test_navigation_shows_what_the_role_may_open_and_nothing_else(
    stranger: Browser, role: str
) -> None:
    await stranger.sign_in(role)
    text = (await stranger.get("/console/")).text
    ledger = await stranger.get("/console/ledger")
    shows_ledger = 'href="/console/ledger"' in text
    assert shows_ledger is may(role, Permission.READ_LEDGER)
    assert ledger.status_code == (200 if shows_ledger else 403)
    assert faults(ledger.text) == []


async def test_the_gallery_and_the_drawer_are_for_those_who_develop(stranger: Browser) -> None:
    await stranger.sign_in("operations")
    assert (await stranger.get("/console/_gallery")).status_code == 403
    assert "For developers" not in (await stranger.get("/console/loans")).text


@pytest.mark.parametrize(
    ("role", "action"), [("auditor", "repay"), ("auditor", "limit"), ("operations", "limit")]
)
async def test_an_action_that_a_role_may_not_take_is_refused_at_its_address(
    stranger: Browser, role: str, action: str
) -> None:
    await stranger.sign_in(role)
    where = "/console/loans?status=open" if action == "repay" else "/console/lines"
    href = first_record((await stranger.get(where)).text)
    record = await stranger.get(href)
    assert f'href="{href}/{action}"' not in record.text
    assert "Your role may not do this" in record.text
    assert (await stranger.get(f"{href}/{action}")).status_code == 403


def test_an_unknown_role_may_nothing() -> None:
    assert not any(may("stranger", permission) for permission in Permission)
    assert set(ROLES) == {role.value for role in access.Role}


async def test_every_answer_carries_the_policy(browser: Browser) -> None:
    paths = ("/console/", "/console/nothing", "/console/static/site.css", "/console/watermark.svg")
    for path in (*paths, "/console/figures/late.csv", "/console/static/nothing"):
        answer = await browser.get(path)
        assert "require-trusted-types-for 'script'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await browser.get("/console/")).headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.test", "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
async def test_a_form_of_another_site_does_nothing(
    browser: Browser, headers: dict[str, str]
) -> None:
    async with browser.house.database.connection() as connection:
        before = await connection.fetchval("SELECT business_date FROM platform.business_date")
        page = await browser.get("/console/days")
        token = re.findall(r'name="csrf_token" value="([^"]*)"', page.text)[0]
        answer = await browser.post(
            "/console/days", {"csrf_token": token, "business_date": str(before)}, headers=headers
        )
        after = await connection.fetchval("SELECT business_date FROM platform.business_date")
    assert answer.status_code == 403
    assert "was not sent by a page of this console" in answer.text
    [line] = await find_trail(browser.house, Wanted(actor=STRANGER))
    assert (line.act, line.subject, line.outcome) == ("console", "/days", "foreign_post")
    assert after == before


async def test_a_stale_form_keeps_its_input_and_does_nothing(browser: Browser) -> None:
    href = first_record((await browser.get("/console/loans?status=open")).text)
    page = await browser.get(f"{href}/repay")
    fields = {"amount": "12.34", "value_date": "2026-03-08", "mode": "next_instalment"}
    answer = await browser.submit(
        page, f"{href}/repay", step="confirm", csrf_token="A" * 88, **fields
    )
    assert answer.status_code == 422
    assert 'value="12.34"' in answer.text
    assert "Your input is kept" in answer.text
    assert faults(answer.text) == []


async def test_input_survives_a_session_that_ended_meanwhile(stranger: Browser) -> None:
    await stranger.sign_in("administrator")
    href = first_record((await stranger.get("/console/loans?status=open")).text)
    page = await stranger.get(f"{href}/repay")
    stranger.house.clock.advance(SESSION_LIFE)  # type: ignore[attr-defined]
    fields = {"amount": "43.21", "value_date": "2026-03-08", "mode": "next_instalment"}
    asked = await stranger.submit(page, f"{href}/repay", step="preview", **fields)
    assert asked.status_code == 401
    assert "What you had typed is kept" in asked.text
    signed_in = await stranger.submit(
        asked, "/console/sign-in", operator="administrator", password=PASSWORD
    )
    assert signed_in.status_code == 200
    assert faults(signed_in.text) == []
    again = await stranger.submit(signed_in, f"{href}/repay")
    assert again.status_code == 200
    assert 'value="43.21"' in again.text


async def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    answer = await browser.post("/console/search", {"find": "x" * 70_000})
    assert answer.status_code == 413
    assert faults(answer.text) == []


async def test_a_page_that_takes_no_posts_says_so(browser: Browser) -> None:
    answer = await browser.post("/console/loans", {})
    assert answer.status_code == 405
    assert faults(answer.text) == []


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/console/loans?status=open", "/console/loans?status=open"),
        ("https://elsewhere.test/console/", "/console/"),
        ("//elsewhere.test/console/", "/console/"),
        ("/console//elsewhere.test", "/console/"),
        ("/console/\\elsewhere", "/console/"),
        ("/consolewhere", "/console/"),
        ("/v1/loans", "/console/"),
        ("", "/console/"),
    ],
)
def test_a_redirect_never_leads_out_of_the_console(path: str, leads_to: str) -> None:
    assert own_path(path) == leads_to


async def test_theme_and_language_are_kept_in_a_cookie(browser: Browser) -> None:
    page = await browser.get("/console/loans")
    assert "data-theme" not in page.text
    answer = await browser.submit(page, "/console/preferences", theme="dark", language="zh-CN")
    assert answer.headers["location"] == "/console/loans"
    page = await browser.get("/console/loans")
    assert 'data-theme="dark"' in page.text
    assert '<html lang="zh-CN"' in page.text
    await browser.submit(page, "/console/preferences", theme="sideways", keys="off")
    page = await browser.get("/console/loans")
    assert 'data-theme="dark"' in page.text
    assert 'data-keys="off"' in page.text


async def test_the_watermark_names_the_operator_and_nobody_else(stranger: Browser) -> None:
    assert "administrator" not in (await stranger.get("/console/watermark.svg")).text
    await stranger.sign_in("administrator")
    answer = await stranger.get("/console/watermark.svg")
    assert "administrator · 2026-06-01" in answer.text
    assert answer.headers["vary"] == "Cookie"
    assert answer.headers["cache-control"].startswith("private")


async def test_violations_are_taken_without_their_query_strings(
    stranger: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    report = [
        {
            "type": "csp-violation",
            "body": {"effectiveDirective": "script-src", "documentURL": f"{ORIGIN}/console/?q=1"},
        },
        "nonsense",
    ]
    answer = await stranger.client.post("/console/csp-reports", json=report)
    assert answer.status_code == 204
    assert (await stranger.client.post("/console/csp-reports", content=b"{")).status_code == 204
    large = await stranger.client.post("/console/csp-reports", content=b"x" * 40_000)
    assert large.status_code == 413
    said = capsys.readouterr()
    assert "script-src" in said.out + said.err
    assert "q=1" not in said.out + said.err


async def test_a_fault_of_ours_is_a_page_with_a_number_and_without_a_trace(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("counterfoil.console.pages.loans.read_list", broken)
    page = await browser.get("/console/loans")
    assert page.status_code == 500
    assert "secret detail" not in page.text
    assert page.headers["x-request-id"] in page.text
    assert faults(page.text) == []


async def test_guessing_passwords_gets_slower_and_waiting_helps(stranger: Browser) -> None:
    page = await stranger.get("/console/sign-in")
    fields = {"operator": "auditor", "password": "wrong"}
    tries = [await stranger.submit(page, "/console/sign-in", **fields) for _ in range(6)]
    assert [answer.status_code for answer in tries] == [422] * 5 + [429]
    assert "Too many tries" in tries[-1].text
    right = await stranger.submit(page, "/console/sign-in", operator="auditor", password=PASSWORD)
    assert right.status_code == 429
    stranger.house.clock.advance(timedelta(seconds=2))  # type: ignore[attr-defined]
    assert (await stranger.sign_in("auditor")).status_code == 303
