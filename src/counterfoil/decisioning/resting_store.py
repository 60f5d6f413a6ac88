"""Reads the offers of many applicants, with what they rest on."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "resting_store.sql")


class Offer(NamedTuple):
    """An offer with the inputs of the decision that made it."""

    customer_id: int
    application_id: int
    policy_hash: str
    inputs: dict[str, Any]


async def offers_of_keys(connection: Connection, keys: Sequence[tuple[int, int]]) -> list[Offer]:
    """Return the offers among applications, by customer and application."""
    rows = await QUERIES.offers_of_keys.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        application_ids=[application_id for _, application_id in keys],
    )
    return [Offer(**dict(row) | {"inputs": orjson.loads(row["inputs"])}) for row in rows]
