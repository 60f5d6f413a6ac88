"""A stored decision, decided again: the same answer to the byte, or what differs.

Invariant   A replay reads nothing but what was stored: inputs, and the policy by its hash. A record
            that was altered until it is none raises `UnreadableRecordError` and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Final

import orjson

from counterfoil.decisioning.assigned import assigned_of
from counterfoil.decisioning.control_group import with_assigned
from counterfoil.decisioning.debt_ceiling import ceiling_of
from counterfoil.decisioning.decision import Asked, Decision, Outcome
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards
from counterfoil.decisioning.wishes import wishes_of
from counterfoil.kernel import ids


class UnreadableRecordError(Exception):
    """A record is not the record of a decision; the part at fault is `inputs` or `result`."""

    def __init__(self, part: str) -> None:
        """Name the part."""
        super().__init__(f"the {part} of a decision cannot be read")
        self.part = part


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """What the record of a decision holds."""

    policy_hash: str
    inputs: bytes
    result: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the application says of its decision, in columns of its own."""

    grade: str | None
    points: int | None
    limit_minor: int | None
    rate_daily_e8: int | None


#: What decides: the reference, or what is generated from it.
Decide = Callable[[Mapping[str, Value | None], Asked, Guards], Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of deciding again."""

    is_same: bool
    #: Names of the parts of the result that differ, rules by their codes.
    differences: tuple[str, ...]


def record_of(decision: Decision) -> StoredDecision:
    """Return what is stored of a decision."""
    return StoredDecision(
        policy_hash=decision.policy_hash, inputs=decision.inputs(), result=decision.result()
    )


#: What leaves of decisions did not say in the first version of bodies.
SAID_SINCE_2: Final = frozenset({"currency", "versions"})


def leaf_facts(
    application_id: int, stored: StoredDecision, *, model: str, by_person: Outcome | None
) -> dict[str, Any]:
    """Return what the leaf of a decision says; it follows from the record and its policy alone.

    `model` is the hash of the model behind the policy (`Policy.model_sha256`). `by_person` is how a
    person ended a referral; None for the policy's own decision.
    """
    return {
        "application_id": ids.to_text(ids.APPLICATION, application_id),
        "rate_daily_e8": orjson.loads(stored.result)["rate_daily_e8"],
        **_said(stored, model, by_person),
    }


def raise_leaf_facts(
    request_id: int, stored: StoredDecision, *, model: str, by_person: Outcome | None
) -> dict[str, Any]:
    """Return what the leaf of a decision on a higher limit says; a raise has no price."""
    return {
        "limit_request_id": ids.to_text(ids.LIMIT_REQUEST, request_id),
        **_said(stored, model, by_person),
    }


def versions_of(stored: StoredDecision, model: str | None) -> dict[str, Any]:
    """Return by which versions a record was made; what it does not name is None."""
    asked = orjson.loads(stored.inputs)["asked"]
    return {
        "features": asked.get("feature_registry"),
        "model": model,
        "policy": stored.policy_hash,
        "product": asked["product_version"],
        "rules": asked.get("rule_pack"),
    }


def _said(stored: StoredDecision, model: str, by_person: Outcome | None) -> dict[str, Any]:
    result = orjson.loads(stored.result)
    return {
        "currency": orjson.loads(stored.inputs)["asked"]["currency"],
        "decided_by": "policy" if by_person is None else "person",
        "input_hash": sha256(stored.inputs).hexdigest(),
        "limit_minor": result["limit_minor"],
        "outcome": result["outcome"] if by_person is None else by_person.value,
        "policy_hash": stored.policy_hash,
        "policy_version": result["policy_version"],
        "reasons": result["reasons"],
        "versions": versions_of(stored, model),
    }


def replay(policy: Policy, stored: StoredDecision) -> Replay:
    """Decide again by a policy and compare the results byte by byte.

    With the policy of the record, any difference is a defect of the engine; with another one it
    shows what that policy would have changed.
    """
    return compared(stored, decided_again(policy, policy.decide, stored))


def decided_again(policy: Policy, decide: Decide, stored: StoredDecision) -> Decision:
    """Return the decision on the stored inputs, with the customer's choices honoured.

    `decide` is the policy's own function or what was generated from it. A control group's grant
    stands among the inputs: what it accepted is accepted again. Raises UnreadableRecordError.
    """
    try:
        inputs = orjson.loads(stored.inputs)
        features: dict[str, Value | None] = dict(inputs["features"])
        asked, guards = asked_of(inputs["asked"]), guards_of(inputs)
        assigned = assigned_of(inputs.get("experiments"))
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise UnreadableRecordError("inputs") from wrong
    return with_assigned(policy, honour(decide(features, asked, guards)), assigned)


def compared(stored: StoredDecision, decision: Decision) -> Replay:
    """Compare a decision with the record, byte by byte; raises UnreadableRecordError."""
    result = decision.result()
    if result == stored.result:
        return Replay(is_same=True, differences=())
    try:
        differences = _differences(orjson.loads(stored.result), orjson.loads(result))
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise UnreadableRecordError("result") from wrong
    return Replay(is_same=False, differences=differences)


def guards_of(inputs: dict[str, Any]) -> Guards:
    """Return the guards as they were stored; none where nothing was held back."""
    held = inputs.get("guards")
    if held is None:
        return NO_GUARDS
    return Guards(
        tripped=frozenset(held["tripped"]),
        snoozed=frozenset(held["snoozed"]),
        stopped=frozenset(held.get("stopped", ())),
    )


def asked_of(document: dict[str, Any]) -> Asked:
    """Return the question as it was stored."""
    return Asked(
        **document
        | {
            "as_of": date.fromisoformat(document["as_of"]),
            "tenors_months": tuple(document["tenors_months"]),
            "wishes": wishes_of(document.get("wishes")),
            "ceiling": ceiling_of(document.get("ceiling")),
        }
    )


def _differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    parts = [name for name in sorted(before.keys() | after.keys()) if name != "verdicts"]
    differing = [name for name in parts if before.get(name) != after.get(name)]
    old, new = before["verdicts"], after["verdicts"]
    rules = [code for code in sorted(old.keys() | new.keys()) if old.get(code) != new.get(code)]
    return (*differing, *rules)
