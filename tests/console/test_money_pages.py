"""Pages that only tell: reconciliation, the funnel, and credit on its way back."""

from datetime import date, timedelta

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.journeys.applying.funnel import FunnelQuestion, read_funnel
from counterfoil.kernel import ids
from counterfoil.payments.order import reference_of


async def run(browser: Browser, query: str, *values: object) -> None:
    async with browser.house.database.connection() as connection:
        await connection.execute(query, *values)


async def today(browser: Browser) -> date:
    async with browser.house.database.connection() as connection:
        found: date = await connection.fetchval("SELECT business_date FROM platform.business_date")
    return found


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_without_a_reconciled_day_the_page_says_so(browser: Browser, language: str) -> None:
    await run(browser, "DELETE FROM payments.reconciliation")
    page = await browser.get("/console/reconciliation", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    for en, zh in (("No day has been", "尚无对账记录"), ("Nothing differs", "无差异")):
        assert (en if language == "en" else zh) in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_differences_stand_with_their_age_and_lead_to_their_payments(
    browser: Browser, language: str
) -> None:
    href = first_record((await browser.get("/console/payments")).text)
    _, _, _, customer, _, payment = href.split("/")
    day = await today(browser)
    reference = reference_of(ids.from_text(ids.PAYMENT, payment))
    await run(
        browser,
        "INSERT INTO payments.difference (customer_id, reference, cause, first_seen_on,"
        " last_seen_on, order_minor, statement_minor, ledger_minor) VALUES"
        " ($1, $2, 'statement_amount_differs', $3, $3, 123456, 123457, NULL),"
        " (0, '<b>x</b>', 'unknown_on_statement', $3, $3, NULL, 5, NULL)",
        ids.from_text(ids.CUSTOMER, customer),
        reference,
        day - timedelta(days=3),
    )
    await run(
        browser,
        "INSERT INTO payments.reconciliation VALUES ('simbank', $1, now(), 41, 42, 43, 40, 9, 2),"
        " ('simbank', $2, now(), 7, 7, 7, 7, 9, 0)",
        day,
        day - timedelta(days=1),
    )
    page = await browser.get("/console/reconciliation", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    row = page.text.partition(reference)[2].partition("</tr>")[0]
    for shown in ("1,234.56", "1,234.57", ">3<", "—"):
        assert shown in row
    assert f'<a class="code" href="{href}">{reference}</a>' in page.text
    assert "<b>x</b>" not in page.text
    assert page.text.index(day.isoformat()) > 0
    runs = page.text.partition('id="reconciliations-caption"')[2]
    assert (runs.count("2 differ"), runs.count("Agrees")) == (1, 1) or language != "en"
    assert runs.index(">42<") < runs.index(">7<")
    assert f"counterfoil reconcile --on {day} --rail simbank" in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_funnel_has_the_figures_of_the_journey(browser: Browser, language: str) -> None:
    last = await today(browser)
    page = await browser.get("/console/funnel?period=90", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    question = FunnelQuestion(first_date=last - timedelta(days=89), last_date=last)
    found = await read_funnel(browser.house.database, question)
    assert found
    for one in found:
        assert f">{one.stages.received:,} · 100.0%<" in page.text
        assert f'<td class="num">{one.stages.accepted:,}</td>' in page.text
        for rule in one.triggers:
            assert f'class="code">{rule}</th>' in page.text
    assert (last - timedelta(days=89)).isoformat() in page.text
    # What law asks for has lines of its own.
    steps = {step.step for one in found for step in one.steps}
    assert {"cost_sheet_reading", "agreement_reading", "agreement"} <= steps
    assert {"en": "required by law", "zh-CN": "法定环节"}[language] in page.text
    for caption in ("kinds-offers", "kinds-outcomes", "segments-offers", "segments-outcomes"):
        assert f'id="{caption}-caption"' in page.text


async def test_a_funnel_of_nothing_says_so_and_a_strange_period_is_the_usual_one(
    browser: Browser,
) -> None:
    strange = await browser.get("/console/funnel?period=9e9")
    assert '<option value="30" selected>' in strange.text
    await run(browser, "UPDATE platform.business_date SET business_date = DATE '2031-01-01'")
    page = await browser.get("/console/funnel")
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "No applications in this period" in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_line_shows_the_credit_that_went_back(browser: Browser, language: str) -> None:
    href = first_record((await browser.get("/console/lines")).text)
    before = await browser.get(href, language=language)
    assert "line-returns" not in before.text
    _, _, _, customer, _, line = href.split("/")
    await run(
        browser,
        "INSERT INTO lending.credit_return (customer_id, return_id, line_id, amount_minor,"
        " currency, payee_ref, requested_on, status, value_date, rail_reference, failure_code,"
        " settled_on)"
        " VALUES ($1, 5, $2, 30512, 'CNY', 'acct-secret', DATE '2026-03-01', 'paid',"
        " DATE '2026-03-02', 'RAIL-77', NULL, DATE '2026-03-02'),"
        " ($1, 6, $2, 12, 'CNY', 'acct-secret', DATE '2026-03-03', 'failed', NULL, NULL,"
        " 'account_closed', DATE '2026-03-04')",
        ids.from_text(ids.CUSTOMER, customer),
        ids.from_text(ids.LINE, line),
    )
    assert "RAIL-77" not in (await browser.get(href, language=language)).text
    await browser.sign_in("auditor")
    page = await browser.get(href, language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    returns = page.text.partition('id="line-returns-caption"')[2].partition("</table>")[0]
    assert returns.index("account_closed") < returns.index("305.12") < returns.index("RAIL-77")
    assert "acct-secret" not in page.text
