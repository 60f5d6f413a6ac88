"""Reads and writes quotes of what settles loans; over named queries."""

from typing import Any, Final

import orjson

from counterfoil.lending.settlement import SettlementQuote
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "settlement_store.sql")

#: A number above all others.
NEWEST: Final = 2**63 - 1


async def add_quote(connection: Connection, quote: SettlementQuote) -> None:
    """Keep a quote as it was given."""
    fields = {name: getattr(quote, name) for name in SettlementQuote.__slots__}
    fields["loans"] = orjson.dumps([dict(loan) for loan in quote.loans]).decode()
    await QUERIES.add_quote.execute(connection, **fields)


async def read_quotes(
    connection: Connection,
    customer_id: int,
    *,
    line_id: int | None = None,
    quote_id: int | None = None,
    before: int = NEWEST,
    page: int,
    is_back: bool = False,
) -> list[SettlementQuote]:
    """Return a customer's quotes, newest first."""
    rows: list[Any] = await QUERIES.quotes.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        quote_id=quote_id,
        before=before,
        page=page,
        is_back=is_back,
    )
    return [
        SettlementQuote(**dict(row) | {"loans": tuple(orjson.loads(row["loans"]))}) for row in rows
    ]
