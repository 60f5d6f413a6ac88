"""The console in a real browser: with and without script, by keyboard, narrow, in both themes."""

import re

import pytest
from playwright.sync_api import Dialog, Page, expect
from tests.browser.conftest import Visitors

PAGES = (
    "/console/",
    "/console/quality",
    "/console/applications",
    "/console/customers",
    "/console/lines",
    "/console/loans",
    "/console/payments",
    "/console/funnel?period=365",
    "/console/reconciliation",
    "/console/evidence",
    "/console/ledger",
    "/console/days",
    "/console/search",
    "/console/keys",
    "/console/_gallery",
)


def _first_record(page: Page) -> str:
    return page.locator("main table").last.locator("tbody th a").first.get_attribute("href") or ""


@pytest.mark.parametrize("width", [1440, 820, 390, 320])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_is_wider_than_the_window_or_says_anything_to_the_console(
    visitors: Visitors, width: int, theme: str
) -> None:
    reader = visitors.reader(width=width, theme=theme, language="zh-CN")
    reader.sign_in()
    records = []
    for path in PAGES:
        page = reader.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".bar .badge.warn")).to_be_in_viewport()
        if path in {"/console/applications", "/console/lines", "/console/loans"}:
            records.append(_first_record(page))
    for href in records:
        page = reader.open(href)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, href


def test_the_system_decides_the_theme_until_the_reader_does(visitors: Visitors) -> None:
    reader = visitors.reader(theme="dark")
    page = reader.sign_in()
    ground = "getComputedStyle(document.querySelector('.bar')).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert (dark, light) == ("rgb(24, 30, 39)", "rgb(255, 255, 255)")
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) == dark
    page.wait_for_function("document.cookie !== null")
    page.goto(reader.address + "/console/loans")
    assert page.evaluate(ground) == dark


def test_everything_can_be_done_without_script(visitors: Visitors) -> None:
    reader = visitors.reader(has_script=False)
    page = reader.sign_in()
    page.get_by_role("link", name="Loans", exact=True).click()
    page.get_by_label("State").select_option("open")
    page.locator("main").get_by_role("button", name="Search").click()
    assert "status=open" in page.url
    page.get_by_role("link", name=re.compile("^Outstanding")).click()
    assert "sort=balance" in page.url
    page.locator("tbody th a").first.click()
    page.get_by_role("link", name="Book a repayment").click()
    page.get_by_label("Amount").fill("100")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Nothing is done yet")).to_be_visible()
    page.get_by_role("button", name="Change the input").click()
    expect(page.get_by_label("Amount")).to_have_value("100")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Book CNY 100.00").click()
    expect(page.get_by_text("The repayment is booked")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="主题").click()
    page.get_by_role("button", name="深色").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_filter_swaps_the_results_and_keeps_the_focus(visitors: Visitors) -> None:
    reader = visitors.reader()
    reader.sign_in()
    page = reader.open("/console/loans")
    page.evaluate("window.stays = true")
    field = page.get_by_label("Days past due ≥")
    field.fill("1")
    field.press("Enter")
    page.wait_for_url("**/console/loans?days=1")
    expect(field).to_be_focused()
    assert page.evaluate("window.stays") is True
    expect(page.locator("#voice")).to_contain_text("on this page")
    assert page.locator("#results tbody tr").count() > 0
    page.go_back()
    page.wait_for_url("**/console/loans")
    # The swap takes a moment after the address has changed.
    expect(page.get_by_label("Days past due ≥")).to_have_value("")


def test_the_keyboard_reaches_everything_in_reading_order(visitors: Visitors) -> None:
    reader = visitors.reader()
    page = reader.sign_in()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).to_be_focused()
    page.keyboard.type("/")
    expect(page.locator("[data-find]")).to_have_value("/")
    page = reader.open("/console/loans")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/console/lines")
    page.keyboard.press("?")
    page.wait_for_url("**/console/keys")
    page.get_by_role("button", name="Switch single keys off").click()
    page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).not_to_be_focused()


def test_focus_is_never_hidden_under_the_bar(visitors: Visitors) -> None:
    reader = visitors.reader(width=820)
    reader.sign_in()
    page = reader.open("/console/loans")
    hidden = page.evaluate(
        """() => {
          const bar = document.querySelector('.bar').getBoundingClientRect().bottom;
          const found = [];
          for (const link of document.querySelectorAll('tbody a')) {
            window.scrollTo(0, document.body.scrollHeight);
            link.focus();
            const top = link.getBoundingClientRect().top;
            if (top < bar) found.push([link.textContent, top, bar]);
          }
          return found;
        }"""
    )
    assert hidden == []


def test_targets_are_large_enough(visitors: Visitors) -> None:
    reader = visitors.reader(width=390)
    reader.sign_in()
    for path in PAGES:
        page = reader.open(path)
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, .button, select, summary, .nav a, '
                + 'input:not([type=hidden])')]
              .filter((e) => e.offsetParent !== null)
              .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
              .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24))
              .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
        )
        assert small == [], path


def test_on_a_narrow_window_the_navigation_opens_without_script(visitors: Visitors) -> None:
    reader = visitors.reader(width=390, has_script=False)
    page = reader.sign_in()
    expect(page.locator("#nav")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(page.locator("#nav")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#nav")).to_be_hidden()
    page.get_by_role("link", name="Search", exact=True).click()
    page.wait_for_url("**/console/search")


def test_a_definition_opens_beside_its_figure_without_script(visitors: Visitors) -> None:
    reader = visitors.reader(has_script=False)
    page = reader.sign_in()
    page.get_by_role("button", name="What Balance counts").click()
    expect(page.get_by_text("Principal of all open loans at the end")).to_be_visible()


def test_leaving_a_changed_form_asks_first(visitors: Visitors) -> None:
    reader = visitors.reader()
    reader.sign_in()
    href = _first_record(reader.open("/console/lines"))
    page = reader.open(f"{href}/limit")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.get_by_label("New limit").fill("700")
    page.goto(reader.address + "/console/lines")
    assert asked == ["beforeunload"]


def test_at_twice_the_size_every_page_still_fits(visitors: Visitors) -> None:
    # Zooming a window of 1280 pixels to 200 % leaves 640 of them.
    reader = visitors.reader(width=640)
    reader.sign_in()
    for path in PAGES:
        page = reader.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path


def test_the_policy_blocks_what_a_page_should_never_do(visitors: Visitors) -> None:
    reader = visitors.reader()
    page = reader.sign_in()
    blocked = page.evaluate(
        """() => {
          const found = [];
          try { document.body.innerHTML = '<b>x</b>'; } catch { found.push('innerHTML'); }
          try { trustedTypes.createPolicy('other', {}); } catch { found.push('policy'); }
          const script = document.createElement('script');
          try { script.text = 'window.ran = true'; } catch { found.push('script'); }
          return found;
        }"""
    )
    assert blocked == ["innerHTML", "policy", "script"]
    # The browser reports each of them; they are what this test provoked.
    reader.said.clear()
