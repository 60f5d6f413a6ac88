"""The record of a review: what is stored, what its leaf says, and the review made again."""

from hashlib import sha256
from typing import Any

import orjson

from counterfoil.decisioning.assigned import assigned_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.line_review.decide import review
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.review import Review, reviewed_line_of
from counterfoil.decisioning.replay import (
    Replay,
    StoredDecision,
    UnreadableRecordError,
    guards_of,
    versions_of,
)
from counterfoil.kernel import ids


def record_of(made: Review) -> StoredDecision:
    """Return what is stored of a review."""
    return StoredDecision(policy_hash=made.policy_hash, inputs=made.inputs(), result=made.result())


def review_leaf_facts(review_id: int, line_id: int, stored: StoredDecision) -> dict[str, Any]:
    """Return what the leaf of a review says; it follows from the record alone."""
    result = orjson.loads(stored.result)
    return {
        "currency": orjson.loads(stored.inputs)["asked"]["currency"],
        "line_id": ids.to_text(ids.LINE, line_id),
        "line_review_id": ids.to_text(ids.LINE_REVIEW, review_id),
        "decided_by": "policy",
        "input_hash": sha256(stored.inputs).hexdigest(),
        "limit_minor": result["to_minor"],
        "outcome": result["outcome"],
        "policy_hash": stored.policy_hash,
        "policy_version": result["policy_version"],
        "reasons": result["reasons"],
        # A review goes by rules and by no model.
        "versions": versions_of(stored, None),
    }


def made_again(policy: ReviewPolicy, stored: StoredDecision) -> Review:
    """Return the review on the stored inputs; raises UnreadableRecordError."""
    try:
        inputs = orjson.loads(stored.inputs)
        features: dict[str, Value | None] = dict(inputs["features"])
        line, guards = reviewed_line_of(inputs["asked"]), guards_of(inputs)
        assigned = assigned_of(inputs.get("experiments"))
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise UnreadableRecordError("inputs") from wrong
    return review(policy, line, features, guards)._replace(assigned=assigned)


def reviews_compared(stored: StoredDecision, again: Review) -> Replay:
    """Compare a review with the record, byte by byte; raises UnreadableRecordError."""
    result = again.result()
    if result == stored.result and again.inputs() == stored.inputs:
        return Replay(is_same=True, differences=())
    try:
        return Replay(is_same=False, differences=_differences(stored, result))
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise UnreadableRecordError("result") from wrong


def _differences(stored: StoredDecision, result: bytes) -> tuple[str, ...]:
    before, after = orjson.loads(stored.result), orjson.loads(result)
    parts = [name for name in sorted(before.keys() | after.keys()) if name != "verdicts"]
    differing = [name for name in parts if before.get(name) != after.get(name)]
    old, new = before["verdicts"], after["verdicts"]
    rules = [code for code in sorted(old.keys() | new.keys()) if old.get(code) != new.get(code)]
    return (*differing, *rules) or ("inputs",)
