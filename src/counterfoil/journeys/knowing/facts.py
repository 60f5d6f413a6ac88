"""What the house knows of a customer at a point in time, feature by feature, for a purpose.

Invariant   Only what was known then; only from sources that are on, on a basis that the registry
            admits for the purpose, under consents that still stand. Everything else is unknown.
Quality     What a check has stopped is unknown; what it has degraded is marked; what is older than
            its feature lasts is stale, and unknown to a decision.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.consents.lookup_store import consents_by_key
from counterfoil.consents.state import Status as ConsentStatus
from counterfoil.features import store
from counterfoil.features.event import Event
from counterfoil.features.feature import Feature, Value
from counterfoil.features.fold import AsOf, Found, known_events, value_of
from counterfoil.features.quality import Effect
from counterfoil.features.registry import Registry
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_limits import Limits, read_limits
from counterfoil.journeys.knowing.tell_events import tell
from counterfoil.platform.database import Connection


class Quality(StrEnum):
    """How far a value can be relied on."""

    GOOD = "good"
    #: A check doubts its source.
    DEGRADED = "degraded"
    #: The customer says that it is wrong.
    CONTESTED = "contested"
    #: Older than it lasts; unknown to decisions.
    STALE = "stale"
    #: A check has stopped its source; unknown to decisions.
    STOPPED = "stopped"
    #: No longer used for this purpose; unknown to decisions.
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One feature as it is known."""

    feature: Feature
    #: What a decision may use; None for unknown.
    value: Value | None
    quality: Quality
    found: Found

    @property
    def last(self) -> Event | None:
        """Return the youngest event behind the value."""
        return self.found.events[-1] if self.found.events else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a customer."""

    customer_id: int
    as_of: AsOf
    readings: Mapping[str, Reading]

    @property
    def values(self) -> dict[str, Value | None]:
        """Return what a decision may use, None for unknown."""
        return {name: reading.value for name, reading in self.readings.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything that is known of a customer at a point in time and may be used."""

    customer_id: int
    as_of: AsOf
    registry: Registry
    limits: Limits
    #: In order of happening; of sources that are on, under consents that stand.
    events: Sequence[Event]
    #: What the customer says is wrong, and since when.
    contested: Mapping[str, datetime]

    @property
    def lines(self) -> list[int]:
        """Return the lines of which anything is known."""
        return sorted({event.line_id for event in self.events if event.line_id is not None})

    def read(self, name: str, *, purpose: str | None = None, line_id: int | None = None) -> Reading:
        """Return one feature; one that is not registered raises KeyError."""
        feature = self.registry.features[name]
        reading = _read(feature, self.events, self.as_of, self.limits, purpose, line_id)
        return _contested(reading, self.contested.get(name))


async def knowledge_of(
    house: House, connection: Connection, customer_id: int, as_of: AsOf | None = None
) -> Knowledge:
    """Return what is known of a customer, by default now.

    The transaction at hand also tells the store what the house knows and has not told yet.
    """
    until = (await tell(house, connection, [customer_id]))[customer_id]
    if as_of is None:
        as_of = AsOf(on=await house.business_date(), known_at=until)
    assert as_of.known_at <= until, "nobody knows what will be known"
    events = (await store.read_events(connection, [customer_id]))[customer_id]
    limits = await read_limits(house.registry, connection)
    stopped = await withdrawn_consents(connection, customer_id, events)
    return Knowledge(
        customer_id=customer_id,
        as_of=as_of,
        registry=house.registry,
        limits=limits,
        events=[
            event
            for event in known_events(events, as_of, stopped=stopped)
            if event.source in limits.sources
        ],
        contested=await store.read_contested(connection, customer_id),
    )


async def facts_for(
    house: House,
    connection: Connection,
    customer_id: int,
    names: Collection[str],
    as_of: AsOf | None = None,
    *,
    purpose: str | None = None,
    line_id: int | None = None,
) -> Facts:
    """Return features of a customer, by default as everything is known now.

    `purpose` is that of the policy that reads them, None for every purpose that is registered;
    `line_id` is needed for features of a line. A feature that is not registered raises KeyError.
    """
    known = await knowledge_of(house, connection, customer_id, as_of)
    return Facts(
        customer_id=customer_id,
        as_of=known.as_of,
        readings={name: known.read(name, purpose=purpose, line_id=line_id) for name in names},
    )


async def withdrawn_consents(
    connection: Connection, customer_id: int, events: Sequence[Event]
) -> frozenset[int]:
    """Return the consents behind events that were withdrawn, as the ledger of consents has it."""
    named = {event.consent_id for event in events if event.consent_id is not None}
    if not named:
        return frozenset()
    found = await consents_by_key(connection, [(customer_id, one) for one in named])
    standing = {
        consent.consent_id
        for consent in found.values()
        if consent.status is not ConsentStatus.WITHDRAWN
    }
    return frozenset(named - standing)


def _read(
    feature: Feature,
    known: Sequence[Event],
    as_of: AsOf,
    limits: Limits,
    purpose: str | None,
    line_id: int | None,
) -> Reading:
    if purpose is not None and (feature.name, purpose) in limits.ended:
        return _unknown(feature, Quality.ENDED)
    allowed = [
        event for event in known if limits.effect_on(feature, event.source) is not Effect.STOP
    ]
    found = value_of(feature, allowed, as_of, purpose=purpose, line_id=line_id)
    if found.value is None or not feature.admits(found.value):
        before = value_of(feature, known, as_of, purpose=purpose, line_id=line_id)
        return _unknown(feature, Quality.UNKNOWN if before.value is None else Quality.STOPPED)
    if feature.is_stale(found.as_of, as_of.on):
        return Reading(feature=feature, value=None, quality=Quality.STALE, found=found)
    sources = {event.source for event in found.events}
    is_doubted = any(limits.effect_on(feature, one) is Effect.DEGRADE for one in sources)
    quality = Quality.DEGRADED if is_doubted else Quality.GOOD
    return Reading(feature=feature, value=found.value, quality=quality, found=found)


def _contested(reading: Reading, since: datetime | None) -> Reading:
    """Mark what the customer says is wrong, until something newer is known."""
    last = reading.last
    if since is None or last is None or last.known_at > since or reading.value is None:
        return reading
    return Reading(
        feature=reading.feature,
        value=reading.value,
        quality=Quality.CONTESTED,
        found=reading.found,
    )


def _unknown(feature: Feature, quality: Quality) -> Reading:
    return Reading(feature=feature, value=None, quality=quality, found=Found(value=None))
