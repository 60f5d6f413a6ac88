"""Reads which lines a product has; over named queries."""

from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "selection_store.sql")


async def count_lines(connection: Connection, product_code: str, of_version: int | None) -> int:
    """Return how many lines of a product are not closed; None counts every version."""
    found: int = await QUERIES.count_lines.fetchval(
        connection, product_code=product_code, of_version=of_version
    )
    return found


async def lines_of_product(
    connection: Connection,
    product_code: str,
    of_version: int | None,
    *,
    after: tuple[int, int],
    page: int,
) -> list[tuple[int, int]]:
    """Return customer and line of a product's lines behind a key, in their order."""
    rows = await QUERIES.lines_of_product.fetch(
        connection,
        product_code=product_code,
        of_version=of_version,
        after_customer_id=after[0],
        after_line_id=after[1],
        page=page,
    )
    return [(row["customer_id"], row["line_id"]) for row in rows]
