"""The registry of features: categories, sources, kinds of events, features, quality checks.

Invariant   What the registry does not know is neither taken in nor read. The shipped one is data
            (`registry/*.toml`); a lender's own takes its place whole, once two people have
            published it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from counterfoil.features.event import EventKind
from counterfoil.features.feature import Category, Declared, Feature, Source, fault_of
from counterfoil.features.quality import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Everything that may be known, and how."""

    categories: Mapping[str, Category]
    sources: Mapping[str, Source]
    kinds: Mapping[str, EventKind]
    features: Mapping[str, Feature]
    checks: tuple[Check, ...]
    #: The canonical content (RFC 8785), from which the same registry can be read again.
    document: bytes
    #: SHA-256 of the canonical content: the registry's identity.
    sha256: str

    def faults_of(self, declared: Iterable[Declared], purpose: str) -> list[tuple[str, str]]:
        """Return name and reason of everything that a policy of a purpose may not read."""
        faults = ((one.name, fault_of(one, self.features, purpose)) for one in declared)
        return [(name, fault) for name, fault in faults if fault is not None]

    def is_restricted(self, category: str) -> bool:
        """Tell whether information of a category needs a written consent."""
        return self.categories[category].standing == "restricted"
