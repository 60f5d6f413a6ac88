"""Reads of offers that customers have not taken yet; over named queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "offer_store.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersAgainst:
    """Open offers of a product, and how many would not be made within other bounds."""

    offers: int
    by_limit: int
    by_price: int
    by_tenor: int


async def offers_against(
    connection: Connection,
    product_code: str,
    *,
    limits_minor: tuple[int, int],
    rates_e8: tuple[int, int],
    tenors_months: Sequence[int],
) -> OffersAgainst:
    """Return how many open offers of a product lie outside bounds, each from least to most."""
    row = await QUERIES.offers_against.fetchrow(
        connection,
        product_code=product_code,
        limit_min_minor=limits_minor[0],
        limit_max_minor=limits_minor[1],
        rate_min_e8=rates_e8[0],
        rate_max_e8=rates_e8[1],
        tenors_months=list(tenors_months),
    )
    assert row is not None, "counts are always there"
    return OffersAgainst(**dict(row))
