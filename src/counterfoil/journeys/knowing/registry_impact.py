"""What recorded decisions would have become by another registry of features.

Method      The latest decisions that read something whose meaning changes are taken from the
            record. Of each, the feature is folded twice from the events that were known then, by
            the registry in force and by the other; where the values differ, the version that
            decided decides again on the record with the other value in its place.
Compared    Only what the store serves to decisions (`told_facts.py`): the rest does not follow
            from the registry.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import orjson

from counterfoil.decisioning import lineage_store
from counterfoil.decisioning.lineage_store import DecisionRead
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay import decided_again
from counterfoil.features import store
from counterfoil.features.event import Event
from counterfoil.features.feature import Value
from counterfoil.features.fold import AsOf, known_events, value_of
from counterfoil.features.registry import Registry
from counterfoil.features.registry_change import meanings
from counterfoil.journeys.knowing.told_facts import SERVED
from counterfoil.platform.database import Connection

#: Decisions that are looked at, the latest.
CASES_MAX: Final = 10_000
_PAGE: Final = 500


@dataclass(slots=True, kw_only=True)
class Impact:
    """What would have been read and decided otherwise."""

    #: Decisions that declared a feature whose meaning changes.
    cases: int = 0
    #: Feature → `same`, `changed`, `became_known`, `became_unknown` → cases.
    values: dict[str, Counter[str]] = field(default_factory=dict)
    #: Outcome then and outcome now → cases.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: Approved then and now, with another limit.
    limits_changed: int = 0


async def impact_of(connection: Connection, before: Registry, after: Registry) -> Impact:
    """Return what the latest recorded decisions would have become."""
    names = moved(before, after)
    impact = Impact()
    if not names:
        return impact
    policies = await lineage_store.every_policy(connection)
    reading = {
        digest: policy
        for digest, policy in policies.items()
        if any(one.name in names and one.source in SERVED for one in policy.features)
    }
    last: lineage_store.Key | None = None
    while impact.cases < CASES_MAX:
        page = await lineage_store.decisions_lately(
            connection, list(reading), before=last, page=_PAGE
        )
        customers = {one.customer_id for one in page}
        events = await store.read_events(connection, customers)
        requests = [one.key for one in page if one.about == "limit_request"]
        lines = await lineage_store.lines_of_requests(connection, requests)
        for one in page:
            told = _Told(events[one.customer_id], one, lines.get(one.key))
            _count(impact, told, reading[one.policy_hash], names, (before, after))
        if len(page) < _PAGE:
            break
        last = page[-1].key
    return impact


def moved(before: Registry, after: Registry) -> frozenset[str]:
    """Return the features whose values may be others: new, gone, or of another meaning."""
    was = {name: digest for (name, _), digest in meanings(before).items()}
    is_now = {name: digest for (name, _), digest in meanings(after).items()}
    return frozenset(
        name for name in was.keys() | is_now.keys() if was.get(name) != is_now.get(name)
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """A decision, and what is known of its customer."""

    events: Sequence[Event]
    decision: DecisionRead
    line_id: int | None

    def value(self, registry: Registry, name: str, purpose: str) -> Value | None:
        """Return a feature as a registry would have read it then."""
        on = date.fromisoformat(self.decision.as_of)
        as_of = AsOf(on=on, known_at=self.decision.decided_at)
        known = known_events(self.events, as_of)
        return folded(registry, name, known, as_of, purpose=purpose, line_id=self.line_id)


def folded(
    registry: Registry,
    name: str,
    known: Sequence[Event],
    as_of: AsOf,
    *,
    purpose: str,
    line_id: int | None,
) -> Value | None:
    """Return what a registry makes of known events for a purpose; None for unknown.

    `known` is what `known_events` leaves of a customer's events at `as_of`.
    """
    feature = registry.features.get(name)
    if feature is None or purpose not in feature.purposes:
        return None
    found = value_of(feature, known, as_of, purpose=purpose, line_id=line_id)
    usable = found.value is not None and feature.admits(found.value)
    return found.value if usable and not feature.is_stale(found.as_of, as_of.on) else None


def _count(
    impact: Impact,
    told: _Told,
    policy: Policy,
    names: Collection[str],
    registries: tuple[Registry, Registry],
) -> None:
    changed = {}
    impact.cases += 1
    for one in policy.features:
        if one.name not in names or one.source not in SERVED:
            continue
        was, now = (told.value(each, one.name, policy.purpose) for each in registries)
        impact.values.setdefault(one.name, Counter())[_how(was, now)] += 1
        if was != now:
            changed[one.name] = now
    before = told.decision
    if not changed:
        impact.outcomes[f"{before.outcome} > {before.outcome}"] += 1
        return
    inputs = orjson.loads(before.stored.inputs)
    inputs["features"] |= changed
    stored = replace(before.stored, inputs=orjson.dumps(inputs))
    again = decided_again(policy, policy.decide, stored)
    impact.outcomes[f"{before.outcome} > {again.outcome.value}"] += 1
    limit_before = orjson.loads(before.stored.result).get("limit_minor")
    if before.outcome == again.outcome.value and limit_before != again.limit_minor:
        impact.limits_changed += 1


def _how(was: Value | None, now: Value | None) -> str:
    if was == now:
        return "same"
    if was is None:
        return "became_known"
    return "became_unknown" if now is None else "changed"
