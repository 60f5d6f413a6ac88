"""What is claimed of those who fund promotions, in PostgreSQL."""

from datetime import date, timedelta
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "promotion_claim_store.sql")

#: Lender, product and currency.
Book = tuple[str, str, str]


async def add_claims(connection: Connection, book_date: date) -> dict[Book, int]:
    """Write what a closed day adds to claims; return it by book, minor units."""
    rows = await QUERIES.add_claims.fetch(
        connection, book_date=book_date, on_date=book_date + timedelta(days=1)
    )
    sums: dict[Book, int] = {}
    for row in rows:
        book = (row["lender_id"], row["product_code"], row["currency"])
        sums[book] = sums.get(book, 0) + row["booked_minor"]
    return sums


async def claims_by_book(connection: Connection) -> dict[Book, int]:
    """Return what is claimed so far, by book, minor units."""
    return {
        (row["lender_id"], row["product_code"], row["currency"]): row["claimed_minor"]
        for row in await QUERIES.claims_by_book.fetch(connection)
    }
