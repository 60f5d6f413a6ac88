"""Reads which loans repayments paid for, and which of these they closed."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "repaid_store.sql")


class Repaid(NamedTuple):
    """One loan that a repayment paid for."""

    #: Of the repayment among those asked for.
    place: int
    loan_id: int
    #: Whether the repayment closed it.
    is_closed: bool


async def loans_of_repayments(
    connection: Connection, repayments: Sequence[tuple[int, int, int]]
) -> list[Repaid]:
    """Return the loans of repayments, each given as place, customer and repayment."""
    if not repayments:
        return []
    places, customers, numbers = zip(*repayments, strict=True)
    rows = await QUERIES.loans_of_repayments.fetch(
        connection,
        places=list(places),
        customer_ids=list(customers),
        repayment_ids=list(numbers),
    )
    return [Repaid(row["place"], row["loan_id"], row["is_closed"]) for row in rows]
