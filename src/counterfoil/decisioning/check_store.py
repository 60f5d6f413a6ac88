"""Decisions as the evidence commits to them, rebuilt from the record for whoever checks it."""

from hashlib import sha256
from typing import Final, NamedTuple

import orjson

from counterfoil.decisioning.canonical import record_bytes
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "check_store.sql")

#: Parts of the result that the leaf of a decision commits to.
_COMMITTED: Final = ("limit_minor", "outcome", "policy_version", "rate_daily_e8", "reasons")


class DecisionBody(NamedTuple):
    """What the leaf of one decision has to commit to."""

    customer_id: int
    application_id: int
    body: bytes


async def decision_bodies_of_range(
    connection: Connection, after: int, *, through: int
) -> list[DecisionBody]:
    """Return what was committed to of the decisions on customers after one and up to another."""
    rows = await QUERIES.decisions_of_range.fetch(connection, after=after, through=through)
    return [
        DecisionBody(
            row["customer_id"],
            row["application_id"],
            _body(row["application_id"], row["policy_hash"], row["inputs"], row["result"]),
        )
        for row in rows
    ]


def _body(application_id: int, policy_hash: str, inputs: str, result: str) -> bytes:
    """Return the body of a leaf: the same text as `Decision.leaf_body`, from what is stored."""
    parts = orjson.loads(result)
    return record_bytes(
        {
            "application_id": application_id,
            "input_hash": sha256(inputs.encode()).hexdigest(),
            "policy_hash": policy_hash,
        }
        | {name: parts[name] for name in _COMMITTED}
    )
