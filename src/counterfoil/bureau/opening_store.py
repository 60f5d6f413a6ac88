"""Reads openings of reports by customer; many customers at once."""

from collections.abc import Collection
from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.bureau", "opening_store.sql")


class MachineOpening(NamedTuple):
    """One opening of a report for a decision by machine."""

    customer_id: int
    opening_id: int
    report_id: int
    #: The purpose of the consent that the report was obtained under.
    purpose: str
    consent_id: int
    #: Seconds that the report still lived when it was opened.
    life_seconds: int


async def openings_of_customers(
    connection: Connection, customer_ids: Collection[int]
) -> dict[int, list[MachineOpening]]:
    """Return openings by customer, in the order of their numbers."""
    found: dict[int, list[MachineOpening]] = {customer_id: [] for customer_id in customer_ids}
    rows = await QUERIES.openings_of_customers.fetch(connection, customer_ids=sorted(found))
    for row in rows:
        found[row["customer_id"]].append(MachineOpening(**dict(row)))
    return found
