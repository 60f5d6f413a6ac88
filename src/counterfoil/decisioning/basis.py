"""Under which documents something was decided besides its policy: rule pack, registry of features.

Unknown     A record from before one of them was named says None: it is not known which one held,
            and nobody takes the one that holds today for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a record names besides its policy; each None where the record is older than the name."""

    #: The pack's id with the beginning of its SHA-256.
    rule_pack: str | None
    #: SHA-256 of the registry's canonical content.
    feature_registry: str | None

    def document(self) -> dict[str, str | None]:
        """Return it for whoever reads the record; None is unknown."""
        return {"feature_registry": self.feature_registry, "rule_pack": self.rule_pack}


def basis_of(inputs: Mapping[str, Any]) -> Basis:
    """Return what the stored inputs of a decision or a review name."""
    asked = inputs["asked"]
    return Basis(rule_pack=asked.get("rule_pack"), feature_registry=asked.get("feature_registry"))
