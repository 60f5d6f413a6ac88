"""Prices on a real database: inside the product's range, and under its cap at each contract."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.applicants import Counter
from tests.store.branch import Branch, an_opening, open_branch

from counterfoil.decisioning.application import Status
from counterfoil.decisioning.offer_store import offers_against
from counterfoil.journeys.applying.apply import accept_offer
from counterfoil.journeys.borrowing.quote import quote
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.kernel.errors import Refused
from counterfoil.lending.catalogue import Catalogue, load_catalogue
from counterfoil.lending.commands import OpenLine
from counterfoil.lending.quote import Quote
from counterfoil.lending.terms import Method, Terms
from counterfoil.rules.shelf import load_packs

CATALOGUE = load_catalogue()
#: Drafts have no contract yet: nothing is quoted under them.
PRODUCTS = [product.terms for product in CATALOGUE.products() if product.is_binding]
C1 = 11


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


def under(terms: Terms, line_id: int, rate_daily_e8: int) -> OpenLine:
    return replace(
        an_opening(C1, line_id, rate_daily_e8=rate_daily_e8),
        product_code=terms.code,
        product_version=terms.version,
    )


@pytest.mark.parametrize("terms", PRODUCTS, ids=lambda terms: terms.code)
async def test_a_line_is_opened_only_inside_the_range_of_its_product(
    branch: Branch, terms: Terms
) -> None:
    least, most = terms.rate_daily_e8_min, terms.rate_daily_e8_max
    for line_id, rate in enumerate((least, most), start=1):
        assert not isinstance(await branch.ask(under(terms, line_id, rate)), Refused)
    for line_id, rate in enumerate((0, least - 1, most + 1), start=3):
        refused = await branch.ask(under(terms, line_id, rate))
        assert isinstance(refused, Refused)
        assert refused.code == "rate_out_of_range"
        assert refused.detail == {"minimum_daily_e8": least, "maximum_daily_e8": most}
    assert await branch.value("SELECT count(*) FROM lending.credit_line") == 2


async def test_an_offer_outside_the_range_opens_nothing_and_stands_as_before(
    branch: Branch,
) -> None:
    counter = Counter(branch.house)
    view = await counter.apply(product_code="cash-line-invited")
    await branch.rows("UPDATE decisioning.application SET rate_daily_e8 = 45001 RETURNING 1")
    await sign_for_sandbox(branch.house, [(view.customer_id, view.application_id)])
    refused = await accept_offer(
        branch.house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        repayment_day=15,
        idempotency_key="accept",
    )
    assert isinstance(refused, Refused)
    assert refused.code == "rate_out_of_range"
    assert (await counter.stored(view)).status is Status.APPROVED
    async with branch.house.database.connection() as connection:
        limits, tenors = (50_000, 20_000_000), (3, 6, 9, 12)
        found = await offers_against(
            connection,
            "cash-line-invited",
            limits_minor=limits,
            rates_e8=(15_000, 45_000),
            tenors_months=tenors,
        )
        assert (found.offers, found.by_limit, found.by_price, found.by_tenor) == (1, 0, 1, 0)
        found = await offers_against(
            connection,
            "cash-line-invited",
            limits_minor=(1, 2),
            rates_e8=(0, 90_000),
            tenors_months=(3,),
        )
        assert (found.offers, found.by_limit, found.by_price, found.by_tenor) == (1, 1, 0, 1)


async def quotes_of(branch: Branch, terms: Terms) -> list[Quote | Refused]:
    """Quote the smallest and the largest drawing by every way to repay."""
    return [
        await quote(
            branch.house,
            customer_id=C1,
            line_id=1,
            amount_minor=amount,
            currency=terms.currency,
            tenor_months=months,
            method=method,
            purpose="travel",
        )
        for amount in (terms.draw_minor_min, terms.draw_minor_max)
        for months in terms.tenors_months
        for method in terms.methods
    ]


#: A quote in a scene names a purchase; `test_scenes.py` has those.
CASH = [terms for terms in PRODUCTS if terms.scenes == ("cash",)]


@pytest.mark.parametrize("terms", CASH, ids=lambda terms: terms.code)
async def test_no_contract_of_the_house_costs_more_than_its_cap(
    branch: Branch, terms: Terms
) -> None:
    await branch.get(under(terms, 1, terms.rate_daily_e8_max))
    quotes = await quotes_of(branch, terms)
    assert len(quotes) == 2 * len(terms.tenors_months) * len(terms.methods)
    for found in quotes:
        assert isinstance(found, Quote), found
        assert 0 < found.sheet.rate_annual_effective_e8 <= terms.cost_annual_e8_cap


async def test_a_contract_above_the_cap_gets_no_token_to_draw_with(branch: Branch) -> None:
    terms = CATALOGUE.current("cash-line-open", await branch.on())
    await branch.get(under(terms, 1, terms.rate_daily_e8_max))
    quotes = [q for q in await quotes_of(branch, terms) if isinstance(q, Quote)]
    costs = [q.sheet.rate_annual_effective_e8 for q in quotes]
    capped = max(costs) - 1
    branch.house = replace(branch.house, catalogue=_with_cap(terms, capped))
    for cost, outcome in zip(costs, await quotes_of(branch, terms), strict=True):
        if cost > capped:
            assert isinstance(outcome, Refused)
            assert outcome.code == "cost_above_cap"
        else:
            assert isinstance(outcome, Quote)


def _with_cap(terms: Terms, annual_e8: int) -> Catalogue:
    [product] = [p for p in CATALOGUE.products() if p.terms == terms]
    return Catalogue([replace(product, terms=replace(terms, cost_annual_e8_cap=annual_e8))])


async def test_a_contract_above_the_packs_cap_of_its_day_is_refused_with_the_rule(
    branch: Branch,
) -> None:
    terms = CATALOGUE.current("cash-line-open", await branch.on())
    await branch.get(under(terms, 1, terms.rate_daily_e8_max))
    [pack] = load_packs().values()
    [cap] = [item for item in pack.rules if item.name == "cost_annual_most"]
    low = replace(cap, value=1_000_000)
    for rules, code in (((low,), "cost_above_rule"), ((), "cost_cap_unknown")):
        packs = {pack.pack_id: replace(pack, rules=rules)}
        catalogue = Catalogue(CATALOGUE.products(), packs)
        branch.house = replace(branch.house, catalogue=catalogue)
        for refused in await quotes_of(branch, terms):
            assert isinstance(refused, Refused)
            assert refused.code == code
            assert "cn-2026-01@" in refused.message


def test_every_method_of_the_products_is_quoted() -> None:
    assert {method for terms in PRODUCTS for method in terms.methods} == set(Method)
