"""A policy's declarations, held against the registry of features before anything is published."""

from collections.abc import Iterable, Sequence
from typing import Any

from counterfoil.decisioning.feature import Feature as Declaration
from counterfoil.decisioning.policy import Policy
from counterfoil.features.feature import Declared, Feature
from counterfoil.features.refusals import FEATURE_NOT_REGISTERED
from counterfoil.features.registry import Registry
from counterfoil.kernel.errors import Refused, refuse


def declaration_faults(registry: Registry, policy: Policy) -> list[tuple[str, str]]:
    """Return name and reason of every feature that the registry does not let a policy read."""
    return faults_of(registry, policy.features, policy.purpose)


def faults_of(
    registry: Registry, features: Iterable[Declaration], purpose: str
) -> list[tuple[str, str]]:
    """Return name and reason of every feature that may not be read as a version declares it."""
    declared = (
        Declared(
            name=feature.name,
            type=feature.type.value,
            unit=feature.unit,
            lowest=feature.lowest,
            highest=feature.highest,
            values=feature.values,
            source=feature.source,
            legal_basis=feature.legal_basis,
            consent_purpose=feature.consent_purpose,
        )
        for feature in features
    )
    return registry.faults_of(declared, purpose)


def refuse_unregistered(registry: Registry, policy: Policy) -> Refused | None:
    """Refuse a policy that reads what the registry does not let it read."""
    return refuse_faults(declaration_faults(registry, policy))


def refuse_faults(faults: Sequence[tuple[str, str]]) -> Refused | None:
    """Refuse a version for what it may not read; None where it may read everything."""
    if not faults:
        return None
    return refuse(
        FEATURE_NOT_REGISTERED, faults="; ".join(f"{name} {reason}" for name, reason in faults)
    )


def feature_document(feature: Feature) -> dict[str, Any]:
    """Return what the registry says of a feature, as plain values."""
    definition = feature.definition
    return {
        "name": feature.name,
        "name_en": feature.name_en,
        "name_zh": feature.name_zh,
        "meaning_en": feature.meaning_en,
        "meaning_zh": feature.meaning_zh,
        "type": feature.type.value,
        "unit": feature.unit,
        "lowest": feature.lowest,
        "highest": feature.highest,
        "values": list(feature.values),
        "category": feature.category,
        "sources": list(feature.sources),
        "purposes": sorted(feature.purposes),
        "uses": [
            {
                "source": use.source,
                "legal_basis": use.legal_basis,
                "consent_purpose": use.consent_purpose,
                "purposes": sorted(use.purposes),
            }
            for use in feature.uses
        ],
        "owner": feature.owner,
        "version": feature.version,
        "fresh_days": feature.fresh_days,
        "is_inferred": feature.is_inferred,
        "is_stated": feature.is_stated,
        "computed_by": feature.computed_by,
        "definition": "" if definition is None else definition.text,
    }
