"""Decisions as the evidence commits to them, rebuilt from the record for whoever checks it."""

from typing import Final, NamedTuple

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.replay import StoredDecision, leaf_body
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "check_store.sql")


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
    return [DecisionBody(row["customer_id"], row["application_id"], _body(row)) for row in rows]


def _body(row: Row) -> bytes:
    stored = StoredDecision(
        policy_hash=row["policy_hash"],
        inputs=row["inputs"].encode(),
        result=row["result"].encode(),
    )
    by_person = None if row["decided_by"] == BY_POLICY else Outcome(row["outcome"])
    return leaf_body(row["application_id"], stored, by_person=by_person)
