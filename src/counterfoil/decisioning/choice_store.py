"""Reads and writes what customers chose about decisions by machine."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from counterfoil.decisioning.wishes import Choice
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "choice_store.sql")


async def add_choice(
    connection: Connection,
    *,
    customer_id: int,
    choice_id: int,
    choice: Choice,
    is_on: bool,
    at: datetime,
    channel: str,
) -> None:
    """Keep a customer's word; it holds from now on."""
    await QUERIES.add_choice.execute(
        connection,
        customer_id=customer_id,
        choice_id=choice_id,
        choice=choice.value,
        is_on=is_on,
        chosen_at=at,
        channel=channel,
    )


async def choices_of(
    connection: Connection, customer_ids: Sequence[int]
) -> dict[int, dict[Choice, datetime]]:
    """Return the choices that customers have made and not taken back, each with its instant."""
    rows = await QUERIES.choices_of.fetch(connection, customer_ids=list(customer_ids))
    found: defaultdict[int, dict[Choice, datetime]] = defaultdict(dict)
    for row in rows:
        if row["is_on"]:
            found[row["customer_id"]][Choice(row["choice"])] = row["chosen_at"]
    return found
