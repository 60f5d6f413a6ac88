"""The page of prices: promotions with their cost, the rules in force; prices on a line's page."""

from datetime import timedelta

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.kernel import ids
from counterfoil.lending import price_store, promotion_store
from counterfoil.lending.promotion import read_promotion
from counterfoil.lending.repricing import LinePrice

TEXT = """[promotion]
code = "spring-console"
name_en = "Spring offer"
name_zh = "春季优惠"
products = ["cash-line-open"]
currency = "CNY"
from = 2026-03-01
to = 2026-04-01
discount = "20 %"
rate_daily_least = "0.005 %"
budget = "1000.00"
uses_most = 10
uses_per_customer = 1
funder = "merchant"
"""


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ("spring-console", "Running", "Merchant", "987.66", "12.34", "R047")),
        ("zh-CN", ("spring-console", "进行中", "商户", "987.66", "12.34", "规则包")),
    ],
)
async def test_promotions_and_rules_are_shown(
    browser: Browser, language: str, shown: tuple[str, ...]
) -> None:
    house, now = browser.house, browser.house.clock.now()
    kept = promotion_store.Kept(promotion_id=1, promotion=read_promotion(TEXT))
    signed = promotion_store.Signed(author="ana", approver="ben", approval_id=2, published_at=now)
    use = promotion_store.Use(
        customer_id=5, key="k", promotion_id=1, cost_minor=1_234, rate_daily_e8=28_000,
        rate_without_daily_e8=35_000,
    )  # fmt: skip
    async with house.database.transaction() as connection:
        await promotion_store.add(connection, kept, signed)
        await promotion_store.take(connection, use, at=now)
        await promotion_store.settle_used(connection, 5, "k", loan_id=6, at=now)
    page = await browser.get("/console/prices", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    for part in shown:
        assert part in page.text


async def test_a_line_shows_the_prices_announced_for_it(browser: Browser) -> None:
    house, today = browser.house, await browser.house.business_date()
    async with house.database.transaction() as connection:
        key = await connection.fetchrow("SELECT customer_id, line_id FROM reporting.line LIMIT 1")
        price = LinePrice(
            customer_id=key[0], line_id=key[1], price_no=1, rate_daily_e8=31_337,
            effective_on=today + timedelta(days=20), announced_at=house.clock.now(),
            author="ana", reason="good standing",
        )  # fmt: skip
        await price_store.add_price(connection, price)
    customer, line = ids.to_text(ids.CUSTOMER, key[0]), ids.to_text(ids.LINE, key[1])
    page = await browser.get(f"/console/customers/{customer}/lines/{line}")
    for part in ("0.031337%", "good standing", "Prices for new drawdowns"):
        assert part in page.text
