"""What a new product version does: cost sheets side by side, and offers that are still open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.decisioning.offer_store import OffersAgainst
    from counterfoil.lending.product_effect import Cost, CostChange
    from counterfoil.lending.terms import Terms
    from counterfoil.platform.database import Connection


def costs_of(published: Mapping[str, Any], wanted: Mapping[str, Any]) -> "list[CostChange]":
    """Return the examples under the published version and under the wanted one."""
    from counterfoil.lending.product_effect import cost_changes

    on = wanted["meta"]["effective_from"]
    return cost_changes(_terms(published), _terms(wanted), on=on)


def offers_of(wanted: Mapping[str, Any]) -> "OffersAgainst":
    """Return how many open offers of the installation the wanted version would not make."""
    from counterfoil.cli.connection import with_connection
    from counterfoil.decisioning.offer_store import OffersAgainst, offers_against

    terms = _terms(wanted)

    async def work(connection: "Connection") -> OffersAgainst:
        return await offers_against(
            connection,
            terms.code,
            limits_minor=(terms.limit_minor_min, terms.limit_minor_max),
            rates_e8=(terms.rate_daily_e8_min, terms.rate_daily_e8_max),
            tenors_months=terms.tenors_months,
        )

    return with_connection(work)


def write_costs(costs: "list[CostChange]") -> None:
    """Show what the examples cost."""
    if not costs:
        return
    rows = [
        (str(one.tenor_months), one.price, *_shown(one.before), *_shown(one.after)) for one in costs
    ]
    columns = ("months", "at the", "cost before", "a year", "cost after", "a year")
    output.write_table("What 10,000.00 costs", columns, rows)


def write_offers(found: "OffersAgainst") -> None:
    """Show what becomes of open offers."""
    columns = ("open offers", "outside by limit", "by price", "by tenor")
    rows = [(found.offers, found.by_limit, found.by_price, found.by_tenor)]
    output.write_table("Offers that the new version would not make", columns, rows)


def _shown(cost: "Cost") -> tuple[str, str]:
    from counterfoil.kernel.rates import percent_text

    if cost.cost_minor is None or cost.rate_annual_effective_e8 is None:
        return f"not lent: {cost.refused}", ""
    return f"{cost.cost_minor:,} minor", f"{percent_text(cost.rate_annual_effective_e8)} %"


def _terms(document: Mapping[str, Any]) -> "Terms":
    from counterfoil.lending.product_file import Product, read_product

    product = read_product("", document)
    assert isinstance(product, Product), "the catalogue was loaded whole"
    return product.terms
