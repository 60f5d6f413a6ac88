"""From a decision back to its source records, and from a bad record to every decision it touched.

Back        The values of a decision's inputs, each with the events that said so by the time of the
            decision, and the source's own record behind each.
Forward     A record's events, then every later decision on the customer that read a feature which
            follows from them. The decisions of a feature and purpose are listed the same way, and
            so are those under a consent.
Correction  What is affected is decided again with the values as they are known now; whoever has a
            different outcome is offered a remedy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import orjson

from counterfoil.decisioning import lineage_store
from counterfoil.decisioning.lineage_store import DecisionRead
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.decisioning.replay import decided_again
from counterfoil.features import store
from counterfoil.features.event import Event
from counterfoil.features.feature import Value
from counterfoil.features.fold import AsOf, known_events, value_of
from counterfoil.features.refusals import FEATURE_NOT_FOUND, PURPOSE_NOT_REGISTERED
from counterfoil.features.revision import latest_of
from counterfoil.features.store import PurposeEnd
from counterfoil.journeys.deciding.decision_events import record_of_decision
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.tell_events import tell
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection

_PAGE: Final = 500
#: Decisions that one list names at most; what is beyond is counted by asking again.
AFFECTED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value of a decision came from."""

    name: str
    value: Value | None
    #: What the policy declared: source and basis.
    source: str
    legal_basis: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A decision and the origins of what it read."""

    decision: DecisionRead
    policy_version: str
    #: The registry of features that was in force then.
    registry_sha256: str
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A decision that a record has reached, decided again with what is known now."""

    decision: DecisionRead
    #: Feature → what was read, and what is known instead.
    changed: Mapping[str, tuple[Value | None, Value | None]]
    #: How it would end now.
    outcome: str


async def lineage_of(
    house: House, connection: Connection, customer_id: int, subject_id: int
) -> Lineage | Refused:
    """Return where everything came from that the decision on a subject read."""
    await tell(house, connection, [customer_id])
    decisions = await lineage_store.decisions_of_customers(connection, [customer_id])
    decision = next((one for one in decisions if one.subject_id == subject_id), None)
    if decision is None:
        return refuse(APPLICATION_NOT_FOUND)
    policies = await lineage_store.policies_of(connection, [decision.policy_hash])
    policy = policies[decision.policy_hash]
    events = (await store.read_events(connection, [customer_id]))[customer_id]
    return Lineage(
        decision=decision,
        policy_version=f"{policy.code}-{policy.version}",
        registry_sha256=await house.registries.sha256_at(connection, decision.decided_at),
        origins=tuple(_origins(house, decision, policy, events)),
    )


async def touched_by(
    house: House, connection: Connection, customer_id: int, source_record: str
) -> list[DecisionRead]:
    """Return every decision on a customer that a source's record has reached."""
    await tell(house, connection, [customer_id])
    events = (await store.read_events(connection, [customer_id]))[customer_id]
    decisions = await lineage_store.decisions_of_customers(connection, [customer_id])
    policies = await lineage_store.policies_of(connection, {one.policy_hash for one in decisions})
    return [
        decision
        for decision in decisions
        if any(
            event.source_record == source_record
            for origin in _origins(house, decision, policies[decision.policy_hash], events)
            for event in origin.events
        )
    ]


async def decisions_under_consent(
    house: House, connection: Connection, customer_id: int, consent_id: int
) -> list[DecisionRead]:
    """Return every decision that used what is known under a consent."""
    await tell(house, connection, [customer_id])
    events = (await store.read_events(connection, [customer_id]))[customer_id]
    records = {event.source_record for event in events if event.consent_id == consent_id}
    found: dict[lineage_store.Key, DecisionRead] = {}
    for record in sorted(records):
        for decision in await touched_by(house, connection, customer_id, record):
            found[decision.key] = decision
    return sorted(found.values(), key=lambda one: one.key)


async def decisions_reading(connection: Connection, name: str, purpose: str) -> list[DecisionRead]:
    """Return the decisions for a purpose that read a value of a feature, `AFFECTED_MAX` at most."""
    policies = await lineage_store.every_policy(connection)
    hashes = [
        digest
        for digest, policy in policies.items()
        if policy.purpose == purpose and any(one.name == name for one in policy.features)
    ]
    found: list[DecisionRead] = []
    after = lineage_store.BEGINNING
    while len(found) < AFFECTED_MAX:
        page = await lineage_store.decisions_reading(
            connection, name, hashes, after=after, page=_PAGE
        )
        found += page
        if len(page) < _PAGE:
            break
        after = page[-1].key
    return found[:AFFECTED_MAX]


async def end_purpose(
    house: House, actor: Actor, *, name: str, purpose: str, reason: str
) -> list[DecisionRead] | Refused:
    """End the use of a feature for a purpose, at once; return the decisions that used it."""
    feature = house.registry.features.get(name)
    if feature is None:
        return refuse(FEATURE_NOT_FOUND, name=name)
    if purpose not in feature.purposes:
        return refuse(PURPOSE_NOT_REGISTERED, name=name, purpose=purpose)
    async with house.database.transaction() as connection:
        end = PurposeEnd(name, purpose, actor.name, reason, house.clock.now())
        await store.end_purpose(connection, end)
        act = Act(name="purpose_end", subject=name, purpose=purpose, reason=reason)
        await note(house, connection, actor, act)
        return await decisions_reading(connection, name, purpose)


async def affected_by(
    house: House, connection: Connection, customer_id: int, source_record: str
) -> list[Affected]:
    """Return the decisions that a record reached, decided again by what is known of it now."""
    touched = await touched_by(house, connection, customer_id, source_record)
    events = (await store.read_events(connection, [customer_id]))[customer_id]
    policies = await lineage_store.policies_of(connection, {one.policy_hash for one in touched})
    return [_affected(one, policies[one.policy_hash], events) for one in touched]


def _affected(decision: DecisionRead, policy: Policy, events: list[Event]) -> Affected:
    """Decide again with the latest word on what the decision read from records of its own."""
    own_words = record_of_decision(decision)
    latest = latest_of(events)
    said = {
        name: event.facts.get(name)
        for event in events
        if event.source_record.split("/")[0] == own_words
        for name in event.facts
        for event in [latest[event.record]]
    }
    declared = {one.name for one in policy.features}
    changed = {
        name: (decision.features.get(name), value)
        for name, value in said.items()
        if name in declared and value != decision.features.get(name)
    }
    inputs = orjson.loads(decision.stored.inputs)
    inputs["features"] |= {name: now for name, (_, now) in changed.items()}
    stored = replace(decision.stored, inputs=orjson.dumps(inputs))
    again = decided_again(policy, policy.decide, stored)
    return Affected(decision=decision, changed=changed, outcome=again.outcome.value)


def _origins(
    house: House, decision: DecisionRead, policy: Policy, events: Iterable[Event]
) -> Iterable[Origin]:
    """Yield each value of a decision with the events behind it."""
    as_of = AsOf(on=date.fromisoformat(decision.as_of), known_at=decision.decided_at)
    # What the decision itself told of its inputs is known from the decision on.
    known = known_events(events, as_of)
    own_words = record_of_decision(decision)
    for declared in policy.features:
        value = decision.features.get(declared.name)
        feature = house.registry.features.get(declared.name)
        said: tuple[Event, ...] = ()
        if value is not None and feature is not None:
            mine = [
                event
                for event in known
                if event.source == declared.source
                and declared.name in event.facts
                and event.source_record.split("/")[0] == own_words
            ]
            lines = {event.line_id for event in known if event.line_id is not None}
            said = tuple(mine) or _folded(feature.name, house, known, as_of, lines, value)
        yield Origin(
            name=declared.name,
            value=value,
            source=declared.source,
            legal_basis=declared.legal_basis,
            events=said,
        )


def _folded(
    name: str,
    house: House,
    known: list[Event],
    as_of: AsOf,
    lines: Iterable[int],
    value: Value,
) -> tuple[Event, ...]:
    """Return the events of the line whose behaviour gives the value that was read."""
    feature = house.registry.features[name]
    for line_id in [None, *sorted(lines)]:
        found = value_of(feature, known, as_of, line_id=line_id)
        if found.value == value and found.events:
            return tuple(found.events)
    return ()
