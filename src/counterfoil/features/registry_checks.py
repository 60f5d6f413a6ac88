"""What may not be registered: by the rule pack, by the sources, by the events that are declared.

Each check returns the key that is wrong and why, None where nothing is.
Follows     RULES_CN R002: banned kinds never, restricted ones under a written consent only.
"""

from collections.abc import Iterator, Mapping

from counterfoil.features.definition import OF_A_MEMBER, Definition, Fold
from counterfoil.features.event import EventKind
from counterfoil.features.feature import Category, Feature, Source, Standing, Use, ValueType

Fault = tuple[str, str]


def feature_fault(
    feature: Feature, categories: Mapping[str, Category], sources: Mapping[str, Source]
) -> Fault | None:
    """Return what speaks against a feature, whatever it is made of."""
    category = categories.get(feature.category)
    if category is None:
        return "category", f"{feature.category} is no category"
    if category.standing is Standing.BANNED:
        return "category", f"{category.code} is banned by {category.rule}"
    if not feature.uses:
        return "uses", "is empty: nobody could read it on any basis"
    if (feature.definition is None) == (not feature.computed_by):
        return "value", "or computed_by has to be there, and not both"
    if feature.type is ValueType.INTEGER and feature.lowest > feature.highest:
        return "lowest", "is above highest"
    if (feature.type is ValueType.TEXT) != bool(feature.values):
        return "values", "belong to a text, and to nothing else"
    faults = (_use_fault(use, category, sources.get(use.source)) for use in feature.uses)
    return next((("uses", fault) for fault in faults if fault is not None), None)


def definition_fault(feature: Feature, kinds: Mapping[str, EventKind]) -> Fault | None:
    """Return what speaks against the way in which a feature follows from events."""
    definition = feature.definition
    if definition is None:
        return None
    return next(_faults(feature, definition, kinds), None)


def _use_fault(use: Use, category: Category, source: Source | None) -> str | None:
    if source is None:
        return f"{use.source} is no source"
    if use.legal_basis not in source.legal_bases:
        return f"{use.source} does not admit the basis {use.legal_basis}"
    if source.names_consent and not use.consent_purpose:
        return f"{use.source} needs the purpose of the consent"
    if category.standing is Standing.RESTRICTED and use.legal_basis != "consent":
        return f"{category.code} needs a written consent ({category.rule})"
    return None


def _faults(
    feature: Feature, definition: Definition, kinds: Mapping[str, EventKind]
) -> Iterator[Fault]:
    if not definition.events:
        yield "value.events", "is empty"
    unknown = [code for code in definition.kinds if code not in kinds]
    if unknown:
        yield "value", f"{unknown[0]} is no kind of event"
        return
    yield from _faults_of_members(definition, kinds)
    fold = definition.fold
    if (fold in OF_A_MEMBER) != bool(definition.member):
        yield "value.member", f"does not go with the fold {fold}"
    if (fold is Fold.LONGEST_OPEN) != bool(definition.ends):
        yield "value.ends", f"does not go with the fold {fold}"
    members = [kinds[code].members.get(definition.member) for code in definition.events]
    types = {member.type for member in members if member is not None}
    if fold is Fold.LATEST and types != {feature.type}:
        yield "value.member", f"is not of the type {feature.type}"
    if fold in {Fold.SUM, Fold.MAX} and types != {ValueType.INTEGER}:
        yield "value.member", "is not a number"
    if fold is not Fold.LATEST and feature.type is not ValueType.INTEGER:
        yield "type", f"of the fold {fold} is integer"


def _faults_of_members(definition: Definition, kinds: Mapping[str, EventKind]) -> Iterator[Fault]:
    named = [definition.member, definition.grace, definition.model]
    named += [name for name, _ in definition.where]
    for name in filter(None, named):
        for code in definition.events:
            if name not in kinds[code].members:
                yield "value", f"events of the kind {code} have no member {name}"
