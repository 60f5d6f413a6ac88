"""Reads what tables there are, and what they say about one customer, as the register names them."""

from typing import Any, Final

import orjson

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries
from counterfoil.privacy.data_register import Declared

_QUERIES: Final = Queries.load("counterfoil.privacy", "register_store.sql")

#: Most rows of one table that are given of one customer.
ROWS_MAX: Final = 10_000


async def read_columns(connection: Connection) -> dict[str, list[str]]:
    """Return the columns of every table of the database, by its name with the schema."""
    rows = await _QUERIES.columns_there.fetch(connection)
    return {row["name"]: list(row["columns"]) for row in rows}


async def rows_about(
    connection: Connection, table: Declared, customer_id: int
) -> list[dict[str, Any]]:
    """Return what one table says of a customer, at most `ROWS_MAX` rows, in told columns only."""
    schema, _, name = table.name.partition(".")
    rows = await _QUERIES.rows_about.fetch(
        connection,
        of_schema=schema,
        of_table=name,
        columns=list(table.told_columns),
        customer_id=customer_id,
        page=ROWS_MAX,
    )
    return [orjson.loads(row["row"]) for row in rows]
