"""Every page: for who may open it, in both languages, well-formed, and true."""

import re
from itertools import pairwise

import pytest
from tests.console.accessibility import faults, parse
from tests.console.conftest import Browser

from counterfoil.console import reading
from counterfoil.kernel import ids
from counterfoil.platform.web import lists

LISTS = (
    "/console/",
    "/console/quality",
    "/console/applications",
    "/console/customers",
    "/console/lines",
    "/console/loans",
    "/console/loans?status=closed",
    "/console/payments",
    "/console/rails",
    "/console/payment-cases",
    "/console/funnel",
    "/console/funnel?period=365",
    "/console/data",
    "/console/experiments",
    "/console/exposure",
    "/console/reconciliation",
    "/console/evidence",
    "/console/ledger",
    "/console/ledger/accounts/1301",
    "/console/days",
    "/console/search",
    "/console/keys",
    "/console/_gallery",
)

#: List → what its first record's page is asked to hold.
RECORDS = {
    "/console/applications": "Decision 1",
    "/console/applications?status=declined": "What the customer is told",
    "/console/customers": "Timeline",
    "/console/lines": "History",
    "/console/loans": "Transactions and their entries",
    "/console/loans?status=closed": "Explain this figure",
    "/console/loans?bucket=1": "Due now",
    "/console/payments": "What was asked of the rail",
    "/console/ledger": "Postings",
    "/console/days": "Steps of this close",
}


def first_record(text: str) -> str:
    """Return the address in the first cell of the last table of a page."""
    table = text.rpartition("<table")[2]
    found = re.search(r'<th scope="row"><a[^>]* href="([^"]*)"', table)
    assert found is not None, "the list is empty"
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_list_reads_well(browser: Browser, path: str, language: str) -> None:
    page = await browser.get(path, language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    assert f'<html lang="{language}"' in page.text


@pytest.mark.parametrize("path", RECORDS)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_record_reads_well(browser: Browser, path: str, language: str) -> None:
    href = first_record((await browser.get(path)).text)
    page = await browser.get(href, language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    if language == "en":
        assert RECORDS[path] in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/console/nothing",
        "/console/customers/cu_0000000000000",
        "/console/customers/x",
        "/console/customers/cu_0000000000000/loans/lo_0000000000000",
        "/console/customers/cu_0000000000000/loans/ln_0000000000000",
        "/console/customers/cu_0000000000000/lines/ln_0000000000000",
        "/console/customers/cu_0000000000000/applications/ap_0000000000000",
        "/console/customers/cu_0000000000000/payments/pm_0000000000000",
        "/console/ledger/accounts/9999",
        "/console/ledger/accounts/x",
        "/console/ledger/journals/house/jr_0000000000000",
        "/console/days/2020-01-01",
        "/console/days/x",
        "/console/days/0001-01-01",
        "/console/figures/nothing.csv",
    ],
)
async def test_what_is_not_there_says_what_to_do(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert page.status_code == 404
    assert "Search finds a record" in page.text
    assert faults(page.text) == []


async def test_another_customers_loan_is_not_shown_under_a_customer(browser: Browser) -> None:
    text = (await browser.get("/console/loans")).text
    links = re.findall(r"/console/customers/(cu_\w+)/loans/(lo_\w+)", text)
    owner, loan = links[0]
    other = next(customer for customer, _ in links if customer != owner)
    page = await browser.get(f"/console/customers/{other}/loans/{loan}")
    assert page.status_code == 404


async def test_environment_and_business_date_stand_on_every_page(browser: Browser) -> None:
    async with browser.house.database.connection() as connection:
        today = await connection.fetchval("SELECT business_date FROM platform.business_date")
    for path in LISTS:
        page = await browser.get(path)
        assert f"Sandbox · {today}" in page.text, path


async def test_a_page_with_no_figures_says_so(browser: Browser) -> None:
    page = await browser.get("/console/loans?status=cancelled&days=999999")
    assert "Nothing matches" in page.text
    page = await browser.get("/console/loans?status=stolen")
    assert page.status_code == 400
    assert "Left out because it was not understood: status" in page.text


async def test_the_answer_to_head_is_the_answer_to_get_without_a_body(browser: Browser) -> None:
    answer = await browser.client.head("/console/loans")
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of seven rows, so that a small world has several."""
    monkeypatch.setattr(lists, "PAGE_ROWS", 7)
    monkeypatch.setattr(reading, "PAGE_ROWS", 7)


@pytest.mark.usefixtures("short_pages")
async def test_lists_walk_through_all_rows_in_order(browser: Browser) -> None:
    async with browser.house.database.connection() as connection:
        rows = await connection.fetch("SELECT loan_id FROM lending.loan ORDER BY loan_id DESC")
    expected = [ids.to_text(ids.LOAN, row["loan_id"]) for row in rows]
    for query, ordered in (("", expected), ("?sort=number&order=asc", expected[::-1])):
        seen, href = [], "/console/loans" + query
        while href:
            text = (await browser.get(href)).text
            seen += re.findall(r'<tr><th scope="row"><a class="code" href="[^"]*">(lo_\w+)', text)
            found = re.search(r'rel="next" href="([^"]*)"', text)
            href = found[1].replace("&amp;", "&") if found else ""
        assert seen == ordered


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_the_database_sorts_by_a_figure_over_all_pages(browser: Browser, order: str) -> None:
    amounts: list[float] = []
    href = f"/console/loans?sort=original&order={order}"
    while href:
        text = (await browser.get(href)).text
        root, _ = parse(text)
        body = next(t for t in root.all("table")).all("tbody")[0]
        amounts += [float(row.all("td")[2].text.replace(",", "")) for row in body.all("tr")]
        found = re.search(r'rel="next" href="([^"]*)"', text)
        href = found[1].replace("&amp;", "&") if found else ""
    steps = list(pairwise(amounts))
    assert all(a <= b for a, b in steps) if order == "asc" else all(a >= b for a, b in steps)
    assert len(amounts) > 3 * 7


async def test_the_trial_balance_balances_and_equals_the_journals(browser: Browser) -> None:
    page = await browser.get("/console/ledger")
    assert "debits equal credits" in page.text
    async with browser.house.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT account, sum(debit_minor)::bigint AS debit FROM ledger.posting GROUP BY account"
        )
    for row in rows:
        major = f"{row['debit'] // 100:,}.{row['debit'] % 100:02d}"
        assert f'<td class="num">{major}</td>' in page.text, row["account"]


async def test_a_trial_balance_of_an_earlier_day_leaves_later_entries_out(browser: Browser) -> None:
    page = await browser.get("/console/ledger?on=2026-01-04")
    assert "No entries up to this date" in page.text
    assert (await browser.get("/console/ledger?on=yesterday")).status_code == 400


async def test_the_overview_agrees_with_the_ledger(browser: Browser) -> None:
    async with browser.house.database.connection() as connection:
        principal = await connection.fetchval(
            "SELECT sum(principal_minor)::bigint FROM lending.accrual_day WHERE business_date = "
            "(SELECT max(business_date) FROM lending.accrual_day)"
        )
    page = await browser.get("/console/")
    assert f"CNY {principal // 100:,}.{principal % 100:02d}" in page.text


async def test_every_chart_has_its_table_and_its_file(browser: Browser) -> None:
    for path in ("/console/", "/console/quality"):
        text = (await browser.get(path)).text
        files = re.findall(r'href="(/console/figures/[a-z]+\.csv)"', text)
        assert len(files) == text.count('class="chart"')
        for file in files:
            answer = await browser.get(file)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/csv")
            assert "attachment" in answer.headers["content-disposition"]
            first, header, *rows = answer.text.splitlines()
            assert "administrator" in first
            assert header
            assert rows


async def test_a_late_loan_is_never_shown_as_current(browser: Browser) -> None:
    text = (await browser.get("/console/loans?days=1")).text
    root, _ = parse(text)
    rows = root.all("tbody")[0].all("tr")
    assert rows
    for row in rows:
        cells = row.all("td")
        assert int(cells[6].text) > 0
        assert cells[7].words() != "C"


async def test_the_same_request_asks_a_bounded_number_of_statements(browser: Browser) -> None:
    for path in LISTS:
        text = (await browser.get(path)).text
        found = re.search(r"<dd>(\d+) · [\d.]+ ms</dd>", text)
        assert found is not None, path
        assert int(found[1]) <= 12, path
