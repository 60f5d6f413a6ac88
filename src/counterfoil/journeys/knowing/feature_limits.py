"""What may not be used now, whatever is known: stopped by a check, switched off, or over.

One word of it for every reader: whoever asks for features, and every decision.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from counterfoil.decisioning.feature import Feature as Declared
from counterfoil.features import quality_store, store
from counterfoil.features.feature import Feature
from counterfoil.features.quality import Effect, gravest
from counterfoil.features.registry import Registry
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may not be used now."""

    #: What the checks say of sources and their members; an empty member is the whole source.
    effects: Mapping[tuple[str, str], Effect]
    #: Sources that are on.
    sources: Collection[str]
    #: Features and purposes that are over.
    ended: Collection[tuple[str, str]]

    def effect_on(self, feature: Feature, source: str) -> Effect:
        """Return what the checks say of a feature from a source."""
        member = "" if feature.definition is None else feature.definition.member
        found = [self.effects.get((source, name)) for name in {"", member, feature.name}]
        if Effect.STOP in found:
            return Effect.STOP
        return Effect.DEGRADE if Effect.DEGRADE in found else Effect.NONE

    def withheld_from(self, declared: Iterable[Declared], purpose: str) -> frozenset[str]:
        """Return what a policy declares and may not read now: it is unknown to the policy."""
        return frozenset(
            one.name
            for one in declared
            if one.source not in self.sources
            or (one.name, purpose) in self.ended
            or Effect.STOP in (self.effects.get((one.source, at)) for at in ("", one.name))
        )


async def read_limits(registry: Registry, connection: Connection) -> Limits:
    """Return what may not be used now."""
    results = await quality_store.last_results(connection)
    switches = await store.read_switches(connection)
    effects: dict[tuple[str, str], Effect] = {}
    for one in results.values():
        # Several checks may be about the same; a stop is not outweighed by a pass.
        before = effects.get((one.source, one.member), Effect.NONE)
        effects[one.source, one.member] = gravest([before, one.effect])
    return Limits(
        effects=effects,
        sources={
            source.code
            for source in registry.sources.values()
            if (switches[source.code].is_on if source.code in switches else source.is_on)
        },
        ended={(end.name, end.purpose) for end in await store.read_purpose_ends(connection)},
    )
