"""Reads how lines fared by the version that had approved them and the month of their opening."""

from datetime import date
from typing import Any, Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "vintage_store.sql")
#: Ten years of months of a handful of versions.
VINTAGES_MAX: Final = 600


class Vintage(NamedTuple):
    """What a version foresaw of a month's lines, and what came; the order is that of the query."""

    policy_version: str
    policy_hash: str
    #: First day of the month in which the lines were opened.
    opened_in: date
    currency: str
    lines: int
    #: Lines with an instalment that has fallen due.
    observed: int
    #: Observed lines with an instalment at least 90 days late.
    defaulted: int
    #: Observed lines of which the version gave a probability of default, and its mean; None
    #: where it gave none, as a card of points without a model.
    foreseen_of: int
    foreseen_ppm: int | None
    #: Of those lines, the ones in default.
    foreseen_defaulted: int
    lent_minor: int
    #: Principal of open loans at least 90 days past due.
    lost_minor: int


async def read_vintages(connection: Connection) -> list[Vintage]:
    """Return the vintages of every version that approved anything, newest month first."""
    rows: list[Any] = await QUERIES.vintages.fetch(connection, page=VINTAGES_MAX)
    return [Vintage(*row) for row in rows]
