"""What is another one today than when something was decided: rule pack, registry, data.

Rule pack   The bounds that the pack of the product's terms leaves on the day: limit and price.
Registry    What today's definitions make of the events that were known at the decision. A feature
            that today's registry does not let the policy read is unknown.
Data        What the definitions of then make of what is known now of the same day: corrections,
            what was told late, what a customer has withdrawn.
Unknown     A record that does not name its pack or registry is compared with none. Values are
            compared only where folding again gives what was recorded: others came from elsewhere,
            or are not kept any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import orjson

from counterfoil.decisioning.basis import Basis, basis_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.lineage_store import lines_of_requests
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay_cause import UNCHANGED, Exchange, Exchanges
from counterfoil.decisioning.replay_store import Recorded
from counterfoil.features import store
from counterfoil.features.event import Event
from counterfoil.features.fold import AsOf, known_events
from counterfoil.features.registry import Registry
from counterfoil.features.registry_file import load_registry
from counterfoil.journeys.deciding.price_caps import (
    limit_minor_most,
    rate_daily_e8_most,
)
from counterfoil.journeys.knowing.facts import withdrawn_consents
from counterfoil.journeys.knowing.feature_check import faults_of
from counterfoil.journeys.knowing.registries import Registries
from counterfoil.journeys.knowing.registry_impact import folded
from counterfoil.journeys.knowing.told_facts import SERVED
from counterfoil.lending.catalogue import Catalogue, UnknownProductError
from counterfoil.platform.database import Connection

_Facts = dict[str, Value | None]


class _Fold(Protocol):
    """Folds a feature by a registry, from what was known then or from what is known now."""

    def __call__(self, registry: Registry, name: str, *, is_now: bool) -> Value | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """With what recorded decisions are compared."""

    policy: Policy
    #: Whose rule packs, registry and knowledge are today's.
    at: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of a page's customers."""

    events: Mapping[int, Sequence[Event]]
    stopped: Mapping[int, frozenset[int]]
    lines: Mapping[tuple[int, int, int], int]


class Todays:
    """Rule packs, registry and knowledge of today, held against records page by page."""

    def __init__(self, catalogue: Catalogue, registry: Registry, *, at: datetime) -> None:
        """Take the packs that are there and the registry that is in force at an instant."""
        self._catalogue = catalogue
        self._registries = Registries(load_registry())
        self._registry = registry
        self._at = at
        self._known = _Known(events={}, stopped={}, lines={})

    async def take(self, connection: Connection, page: Sequence[Recorded]) -> None:
        """Read what is known now of the customers of a page."""
        customers = sorted({recorded.key[0] for recorded in page})
        events = await store.read_events(connection, customers)
        stopped = {
            customer_id: await withdrawn_consents(connection, customer_id, found)
            for customer_id, found in events.items()
        }
        lines = await lines_of_requests(connection, [recorded.key for recorded in page])
        self._known = _Known(events=events, stopped=stopped, lines=lines)

    async def exchanges(
        self, connection: Connection, policy: Policy, recorded: Recorded
    ) -> Exchanges:
        """Return what of a record is another one today."""
        inputs = orjson.loads(recorded.stored.inputs)
        basis = basis_of(inputs)
        bounds = self._bounds(basis, inputs["asked"])
        then = None
        if basis.feature_registry is not None:
            then = await self._registries.read(connection, basis.feature_registry)
        meant, known, both = self._values(then, policy, recorded, inputs)
        if not (bounds or meant or known or both):
            return UNCHANGED
        parts = {
            "rule_pack": Exchange(asked=bounds, features={}),
            "registry": Exchange(asked={}, features=meant),
            "data": Exchange(asked={}, features=known),
        }
        return Exchanges(
            parts={name: one for name, one in parts.items() if one.asked or one.features},
            whole=Exchange(asked=bounds, features=both),
        )

    def _bounds(self, basis: Basis, asked: Mapping[str, Any]) -> dict[str, object]:
        """Return the bounds that another pack leaves, or the same one on another day."""
        if basis.rule_pack is None:
            return {}
        catalogue, on = self._catalogue, self._at.date()
        try:
            terms = catalogue.terms(asked["product_code"], asked["product_version"])
        except UnknownProductError:
            return {}
        bounds: dict[str, object] = {
            "limit_max_minor": limit_minor_most(catalogue, terms, on),
            "rate_daily_max_e8": rate_daily_e8_most(catalogue, terms, on),
        }
        return {name: bound for name, bound in bounds.items() if bound != asked[name]}

    def _values(
        self, then: Registry | None, policy: Policy, recorded: Recorded, inputs: Mapping[str, Any]
    ) -> tuple[_Facts, _Facts, _Facts]:
        """Return the features that are others by today's registry, by what is known now, by both.

        `then` is the registry of the record; None where it names none.
        """
        today = self._registry
        fold = self._folder(policy.purpose, recorded, date.fromisoformat(inputs["asked"]["as_of"]))
        is_other = then is not None and then.sha256 != today.sha256
        barred = faults_of(today, policy.features, policy.purpose) if is_other else ()
        unread = {name for name, _ in barred}
        meant: _Facts = {}
        learned: _Facts = {}
        both: _Facts = {}
        for feature in policy.features:
            name, was = feature.name, inputs["features"].get(feature.name)
            found: _Facts
            if name in unread:
                found = {"meant": None, "both": None}
            elif feature.source in SERVED and fold(then or today, name, is_now=False) == was:
                found = {
                    "meant": fold(today, name, is_now=False) if is_other else was,
                    "learned": fold(then or today, name, is_now=True),
                    "both": fold(today if is_other else then or today, name, is_now=True),
                }
            else:
                continue
            for key, facts in (("meant", meant), ("learned", learned), ("both", both)):
                if found.get(key, was) != was:
                    facts[name] = found[key]
        return meant, learned, both

    def _folder(self, purpose: str, recorded: Recorded, on: date) -> _Fold:
        """Return what folds the events of a record's customer, as known then or as known now."""
        events = self._known.events[recorded.key[0]]
        stopped = self._known.stopped[recorded.key[0]]
        line_id = self._known.lines.get(recorded.key)
        as_of = AsOf(on=on, known_at=recorded.decided_at)
        # Told late or corrected counts as if it had been known; what has expired since had not yet.
        late = [
            event._replace(known_at=min(event.known_at, as_of.known_at))
            for event in events
            if event.known_at <= max(self._at, as_of.known_at)
        ]
        known = known_events(events, as_of), known_events(late, as_of, stopped=stopped)

        def fold(registry: Registry, name: str, *, is_now: bool) -> Value | None:
            return folded(registry, name, known[is_now], as_of, purpose=purpose, line_id=line_id)

        return fold
