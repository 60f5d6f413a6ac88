"""Cutting answers down to what a program reaches, in the very bytes that are about to be sent.

Rule        What an answer names by an identifier has to lie within the lenders, products and
            regions of whoever reads: an item of a list that does not is left out, anything else is
            refused. A read that is added later cannot be forgotten.
Cost        None for programs without attributes; one query for an answer of others.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

import orjson

from counterfoil.api.desk import wanted_of
from counterfoil.journeys.entry import in_queue
from counterfoil.journeys.house import House
from counterfoil.kernel.clock import SystemClock
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.holdings import OUT_OF_REACH, Reach, Wanted

_ITEMS: Final = "items"
_LENDERS: Final = ("lender_id", "lender")


async def cut_to_reach(
    house: House, reach: Reach, asked: Wanted, body: bytes, *, holder: str
) -> bytes | Refused:
    """Return an answer without what lies out of reach; `asked` is what the request named.

    A list keeps its cursor: a page may come shorter, and the next one goes on behind it.
    """
    document = orjson.loads(body)
    items = document.get(_ITEMS) if isinstance(document, Mapping) else None
    rows = items if isinstance(items, list) else [document]
    named = [wanted_of(row).each(customer_ids=asked.customer_ids) for row in rows]
    seen = await in_queue(
        house, reach, frozenset(chain.from_iterable(named)), now=SystemClock().now()
    )
    kept = [
        row
        for row, matters in zip(rows, named, strict=True)
        if matters <= seen and _is_of_business(row, reach)
    ]
    if len(kept) == len(rows):
        return body
    if not isinstance(items, list):
        return refuse(OUT_OF_REACH, holder=holder)
    return orjson.dumps({**document, _ITEMS: kept})


def _is_of_business(row: Any, reach: Reach) -> bool:
    """Tell whether the product and the lender that a row says are among those in reach."""
    products = wanted_of(row).product_codes
    lenders = {row[name] for name in _LENDERS if isinstance(row, Mapping) and row.get(name)}
    return (reach.products is None or reach.products.issuperset(products)) and (
        reach.lenders is None or reach.lenders.issuperset(lenders)
    )
