"""Recorded commands as they are, for whoever checks the books."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.platform", "recorded.sql")


class Recorded(NamedTuple):
    """One accepted command with its answer."""

    customer_id: int
    idempotency_key: str
    kind: str
    #: JSON text as it was acknowledged.
    answer: str
    accepted_at: datetime


async def commands_of_range(connection: Connection, after: int, *, through: int) -> list[Recorded]:
    """Return the commands of customers after one and up to another."""
    rows: list[Any] = await QUERIES.commands_of_range.fetch(
        connection, after=after, through=through
    )
    return [Recorded(*row) for row in rows]


class KindAndAnswer(NamedTuple):
    """What a command was, and what it was answered."""

    kind: str
    #: JSON text as it was acknowledged.
    answer: str


async def answers_of(
    connection: Connection, customer_id: int, keys: Sequence[str]
) -> dict[str, KindAndAnswer]:
    """Return the answers of a customer's commands by their keys."""
    rows = await QUERIES.answers_of.fetch(connection, customer_id=customer_id, keys=list(keys))
    return {row["idempotency_key"]: KindAndAnswer(row["kind"], row["answer"]) for row in rows}
