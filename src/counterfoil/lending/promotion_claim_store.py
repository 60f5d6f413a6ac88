"""What is claimed of those who fund promotions, in PostgreSQL."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

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


class ClaimsLeft(NamedTuple):
    """What is claimed of whoever funds a promotion and not paid, by book, minor units."""

    promotion_id: int
    currency: str
    by_book: list[tuple[Book, int]]


async def hold_promotion(connection: Connection, code: str) -> None:
    """Let no other payment of a promotion be booked meanwhile."""
    await QUERIES.hold_promotion.fetch(connection, code=code)


async def claims_left(connection: Connection, code: str) -> ClaimsLeft | None:
    """Return what is left of a promotion's claims; None where nobody else funds one of the code."""
    promotion = await QUERIES.promotion_of_funder.fetchrow(connection, code=code)
    if promotion is None:
        return None
    rows = await QUERIES.claims_left.fetch(connection, promotion_id=promotion["promotion_id"])
    return ClaimsLeft(
        promotion["promotion_id"],
        promotion["currency"],
        [
            ((row["lender_id"], row["product_code"], row["currency"]), row["left_minor"])
            for row in rows
        ],
    )


def settle(claimed: ClaimsLeft, amount_minor: int, currency: str) -> list[tuple[Book, int]] | None:
    """Return what of a payment settles the claims of each book; None where it is more than all."""
    left, shares = amount_minor, []
    for book, most in claimed.by_book if currency == claimed.currency else ():
        share = min(left, most)
        if share > 0:
            shares.append((book, share))
            left -= share
    return None if left else shares


async def add_payments(
    connection: Connection,
    promotion_id: int,
    shares: Sequence[tuple[Book, int]],
    *,
    receipt: str,
    value_date: date,
    booked_on: date,
    now: datetime,
) -> None:
    """Write what whoever funds a promotion has paid, by book."""
    await QUERIES.add_promotion_payments.execute(
        connection,
        promotion_id=promotion_id,
        receipt=receipt,
        value_date=value_date,
        booked_on=booked_on,
        now=now,
        lender_ids=[book[0] for book, _ in shares],
        product_codes=[book[1] for book, _ in shares],
        currencies=[book[2] for book, _ in shares],
        amounts_minor=[amount for _, amount in shares],
    )


async def claims_by_book(connection: Connection) -> dict[Book, int]:
    """Return what is claimed so far and not paid, by book, minor units."""
    return {
        (row["lender_id"], row["product_code"], row["currency"]): row["claimed_minor"]
        for row in await QUERIES.claims_by_book.fetch(connection)
    }
