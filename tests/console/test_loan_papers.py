"""The page of a loan: its fees as agreed, and its papers as they were given."""

from collections.abc import Sequence

import pytest
from tests.console.conftest import Browser

from counterfoil.journeys.borrowing.papers import keep_papers, papers_consumer
from counterfoil.kernel import ids
from counterfoil.lending import paper_store, store
from counterfoil.lending.fees import fees_to_text
from counterfoil.lending.paper_store import StoredSheet
from counterfoil.lending.terms import Fee, FeeBasis, FeeTiming

FEES = (
    Fee(
        code="late", name_en="Reminder fee", name_zh="催告费", payee="lender",
        timing=FeeTiming.LATE, amount_minor=1_000,
    ),
    Fee(
        code="guarantee", name_en="Guarantee fee", name_zh="担保费", payee="guarantor",
        timing=FeeTiming.EARLY_REPAYMENT, basis=FeeBasis.REPAID_PRINCIPAL, share_e8=500_000,
        cap_minor=20_000,
    ),
)  # fmt: skip


async def page_of(browser: Browser, key: Sequence[int], language: str = "en") -> str:
    customer, loan = ids.to_text(ids.CUSTOMER, key[0]), ids.to_text(ids.LOAN, key[1])
    page = await browser.get(f"/console/customers/{customer}/loans/{loan}", language=language)
    assert page.status_code == 200
    return page.text


async def a_loan_without_late_days(browser: Browser) -> tuple[int, int]:
    async with browser.house.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT customer_id, loan_id FROM lending.loan WHERE status = 'open' AND bucket = 0"
            " AND oldest_due_date IS NULL AND next_instalment_no = 1 LIMIT 1"
        )
    return tuple(row)


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ("Reminder fee", "once when an instalment is late", "at most CNY 200.00")),
        ("zh-CN", ("催告费", "单期逾期时收取一次", "担保人")),
    ],
)
async def test_fees_are_shown_as_they_were_agreed_to(
    browser: Browser, language: str, shown: Sequence[str]
) -> None:
    key = await a_loan_without_late_days(browser)
    before = await page_of(browser, key)
    assert "Fees agreed to" not in before
    async with browser.house.database.transaction() as connection:
        await connection.execute(
            "UPDATE lending.loan SET fees = $3 WHERE customer_id = $1 AND loan_id = $2",
            *key,
            fees_to_text(FEES),
        )
    page = await page_of(browser, key, language)
    for part in shown:
        assert part in page


async def test_kept_sheets_and_versions_of_statements_stand_on_the_page(browser: Browser) -> None:
    house = browser.house
    consumer = papers_consumer(house)
    await consumer.register()
    while await consumer.waiting():
        await keep_papers(house, consumer)
    key = await a_loan_without_late_days(browser)
    async with house.database.transaction() as connection:
        sheets = await paper_store.read_sheets(connection, *key)
        loan = await store.read_loan(connection, *key)
        assert loan is not None
        made = StoredSheet(
            customer_id=key[0], loan_id=key[1], sheet_no=0, cause="replan", transaction_id=7,
            language="en", read_ms=4_000, made_on=loan.requested_on, made_at=house.clock.now(),
            sheet='{"rate_daily_e8":30000,"rows":[{"fee_minor":125}],"total_minor":70125,'
            '"annual_cost":{"effective_e8":11570000}}',
            sheet_sha256=b"\x5a" * 32, before_sha256=b"\x5b" * 32,
            difference='{"figures":{},"words":{"en":"Still to pay: 701.25","zh":"剩余"}}',
        )  # fmt: skip
        await paper_store.add_sheet(connection, made)
    await browser.sign_in("auditor")
    page = await page_of(browser, key)
    for part in ("Plan changed", "read for 4 s", "Still to pay: 701.25", "11.57%", "5a5a5a5a5a5a"):
        assert part in page
    for sheet in sheets:
        assert sheet.sheet_sha256.hex()[:12] in page
