"""Decisions as the evidence commits to them, rebuilt from the record for whoever checks it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.line_review.record import review_leaf_facts
from counterfoil.decisioning.line_review.store import records_of_range
from counterfoil.decisioning.replay import StoredDecision, leaf_facts, raise_leaf_facts
from counterfoil.decisioning.store import models_of
from counterfoil.kernel import ids
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "check_store.sql")


class DecisionFacts(NamedTuple):
    """What the leaf of one decision has to say."""

    customer_id: int
    #: Number of the application, request for a higher limit or review, as people read it.
    subject: str
    facts: dict[str, Any]


async def decision_facts_of_range(
    connection: Connection, after: int, *, through: int
) -> list[DecisionFacts]:
    """Return what was committed to of the decisions on customers after one and up to another."""
    rows = await QUERIES.decisions_of_range.fetch(connection, after=after, through=through)
    models = await models_of(connection, {row["policy_hash"] for row in rows})
    reviews = await records_of_range(connection, after, through=through)
    return [_facts(row, models) for row in rows] + [_review_facts(*item) for item in reviews]


def _review_facts(
    customer_id: int, review_id: int, line_id: int, stored: StoredDecision
) -> DecisionFacts:
    facts = review_leaf_facts(review_id, line_id, stored)
    return DecisionFacts(customer_id, ids.to_text(ids.LINE_REVIEW, review_id), facts)


def _facts(row: Row, models: Mapping[str, str]) -> DecisionFacts:
    stored = StoredDecision(
        policy_hash=row["policy_hash"],
        inputs=row["inputs"].encode(),
        result=row["result"].encode(),
    )
    # A policy that is not kept any more is found by itself; what its leaf said does not come out.
    model = models.get(stored.policy_hash, "")
    by_person = None if row["decided_by"] == BY_POLICY else Outcome(row["outcome"])
    number = row["subject_id"]
    if row["about"] == "limit_request":
        facts = raise_leaf_facts(number, stored, model=model, by_person=by_person)
        return DecisionFacts(row["customer_id"], ids.to_text(ids.LIMIT_REQUEST, number), facts)
    facts = leaf_facts(number, stored, model=model, by_person=by_person)
    return DecisionFacts(row["customer_id"], ids.to_text(ids.APPLICATION, number), facts)
