"""The portal in a real browser, on a phone: with and without script, narrow, in both themes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Reader, Visitors
from tests.browser.serve_console import BORROWER

PAGES = (
    "/portal/", "/portal/loans", "/portal/consents", "/portal/record", "/portal/me",
    "/portal/rights", "/portal/profile", "/portal/decisions", "/portal/contracts",
)  # fmt: skip
PHONE = 390
LINKS = "all => all.map(one => one.getAttribute('href').split(/[?#]/)[0])"


@pytest.fixture
def number(address: str, console_home: Path) -> str:
    """The identity number of a customer of the served lender."""
    assert address, "the server writes it down before it serves"
    return (console_home / BORROWER).read_text()


def sign_in(reader: Reader, number: str) -> Page:
    page = reader.open("/portal/sign-in")
    page.locator("#field-number").fill(number)
    page.locator("main button.primary").click()
    code = page.locator("main strong.code").inner_text()
    page.locator("#field-code").fill(code)
    page.locator("main button.primary").click()
    page.wait_for_url("**/portal/")
    return page


def test_pages_fit_a_phone_in_both_themes_and_languages(visitors: Visitors, number: str) -> None:
    reader = visitors.reader(width=320, theme="dark", language="zh-CN")
    page = sign_in(reader, number)
    found = set[str]()
    for width, theme, language in ((1280, "dark", "zh-CN"), (320, "light", "en"),
                                   (PHONE, "light", "en")):  # fmt: skip
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        reader.context.set_extra_http_headers({"accept-language": language})
        for path in PAGES:
            page = reader.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            found |= set(page.locator("main a[href^='/portal/']").evaluate_all(LINKS))
    for path in sorted(found - set(PAGES)):
        if not path.endswith((".pdf", "/file")):
            page = reader.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page = reader.open("/portal/me")
    small = page.evaluate(
        "[...document.querySelectorAll('main :is(button, .button, input, select), .tabs a')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5).length"
    )
    assert small == 0


@pytest.mark.parametrize("has_script", [True, False])
def test_a_customer_withdraws_a_consent_and_draws_what_was_read(
    visitors: Visitors, number: str, *, has_script: bool
) -> None:
    reader = visitors.reader(width=PHONE, has_script=has_script)
    page = sign_in(reader, number)
    page.get_by_role("link", name="Consents", exact=True).click()
    running = page.locator("section", has=page.get_by_role("heading", name="In force"))
    if running.locator("li a").count():
        running.locator("li a").first.click()
        page.get_by_role("button", name="Withdraw now").click()
        expect(page.get_by_role("status").first).to_contain_text("holds from this moment")
    page.get_by_role("link", name="Home", exact=True).click()
    page.get_by_role("link", name="Draw money").first.click()
    page.get_by_label(re.compile("^How much")).fill("1,000")
    page.get_by_role("button", name="See what it costs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What it costs")
    page.get_by_role("button", name="I have read it").click()
    expect(page.get_by_role("alert")).to_contain_text("Please read for")
    page.wait_for_timeout(1_200)
    page.get_by_role("button", name="I have read it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One last look")
    page.get_by_role("button", name="Confirm and draw").click()
    expect(page.get_by_role("status").first).to_contain_text("on its way")
