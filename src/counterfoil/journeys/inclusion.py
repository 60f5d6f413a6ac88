"""The inclusion report: how kinds of customers fare, with honest denominators.

Counted     Applications received on the dates of a span, in UTC, whatever became of them since.
Complaints  Are not kept in this house; requests for review by a person stand in their place.
"""

from datetime import UTC, date, datetime, time

from counterfoil.decisioning.inclusion import KindCount
from counterfoil.decisioning.inclusion_store import count_kinds
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.platform.database import Connection


async def read_inclusion(
    connection: Connection, *, first_date: date, last_date: date
) -> list[KindCount]:
    """Return how each kind of customers fared, all of them first."""
    return await count_kinds(
        connection,
        received_from=datetime.combine(first_date, time(), UTC),
        received_before=datetime.combine(last_date + ONE_DAY, time(), UTC),
    )
