"""Reads the registry's files, and refuses what the rules do not allow to be registered.

Form        Every `.toml` file of a directory: lists `categories`, `sources`, `kinds`, `features`,
            `checks`. Which file an entry stands in does not matter.
Refused     A banned category; a restricted one without a written consent; a basis that the source
            does not admit; a definition over events or members that nobody declared.
"""

import tomllib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import orjson
import rfc8785

from counterfoil.features.definition import Definition, Fold
from counterfoil.features.event import EventKind, Member
from counterfoil.features.feature import (
    LEGAL_BASES,
    REVIEW,
    Category,
    Feature,
    Source,
    Standing,
    Use,
    ValueType,
)
from counterfoil.features.quality import Check, Effect, Kind
from counterfoil.features.registry import Registry
from counterfoil.features.registry_checks import definition_fault, feature_fault
from counterfoil.features.table import RegistryError, Table
from counterfoil.kernel.shipped import shipped_once
from counterfoil.kernel.toml import parse_toml

#: What a registry lists; entries of features bear a name, all others a code.
LISTS: Final = ("categories", "sources", "kinds", "features", "checks")
#: Purposes of policies.
PURPOSES: Final = frozenset({"origination", "limit_increase", REVIEW})
UNITS: Final = frozenset({"none", "minor", "ppm", "months", "years", "days", "count", "points"})


@shipped_once
def load_registry(directory: Path | None = None) -> Registry:
    """Return the registry of a directory, the shipped one for None; raise RegistryError."""
    folder: Traversable = (
        resources.files("counterfoil.features").joinpath("registry")
        if directory is None
        else directory
    )
    if not folder.is_dir():
        raise RegistryError(str(directory), "is not a directory")
    texts = {
        file.name: file.read_text("utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }
    return parse_registry(texts)


def parse_registry(texts: Mapping[str, str]) -> Registry:
    """Return the registry that files of these names and texts make up."""
    documents: dict[str, object] = {}
    for file, text in texts.items():
        try:
            documents[file] = parse_toml(text)
        except tomllib.TOMLDecodeError as error:
            raise RegistryError(file, str(error)) from error
    return _registry(documents)


def read_registry(document: bytes) -> Registry:
    """Return the registry whose canonical content this is."""
    return _registry({"registry": orjson.loads(document)})


def _registry(documents: Mapping[str, object]) -> Registry:
    """Return the registry that documents of these names make up."""
    read: dict[str, list[Table]] = {name: [] for name in LISTS}
    content: dict[str, list[Any]] = {name: [] for name in LISTS}
    for place, document in documents.items():
        table = Table(place, document)
        for name in LISTS:
            read[name] += table.tables(name)
        assert isinstance(document, dict), "a table is read from nothing else"
        for name in LISTS:
            content[name] += document.get(name, [])
        table.finish()
    categories = _by_code(_category(item) for item in read["categories"])
    sources = _by_code(_source(item) for item in read["sources"])
    kinds = _by_code(_event_kind(item, sources, categories) for item in read["kinds"])
    features: dict[str, Feature] = {}
    for item in read["features"]:
        feature = _feature(item)
        if feature.name in features:
            raise item.fault("name", "is registered twice")
        fault = feature_fault(feature, categories, sources) or definition_fault(feature, kinds)
        if fault is not None:
            raise item.fault(*fault)
        features[feature.name] = feature
    checks = _by_code(_quality_check(item, sources, kinds) for item in read["checks"])
    canonical = rfc8785.dumps(_by_name(content))
    return Registry(
        categories=categories,
        sources=sources,
        kinds=kinds,
        features=features,
        checks=tuple(checks.values()),
        document=canonical,
        sha256=sha256(canonical).hexdigest(),
    )


def _by_name(content: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the content in an order that does not depend on files."""
    return {
        name: sorted(items, key=lambda item: item.get("name", item.get("code", "")))
        for name, items in content.items()
    }


def _by_code(items: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        if item.code in found:
            raise RegistryError(item.code, "is registered twice")
        found[item.code] = item
    return found


def _category(item: Table) -> Category:
    category = Category(
        code=item.text("code"),
        name_en=item.text("name_en"),
        name_zh=item.text("name_zh"),
        standing=Standing(_one_of(item, "standing", {one.value for one in Standing})),
        rule=item.text("rule", default=""),
    )
    item.finish()
    return category


def _source(item: Table) -> Source:
    source = Source(
        code=item.text("code"),
        name_en=item.text("name_en"),
        name_zh=item.text("name_zh"),
        legal_bases=_some_of(item, "legal_bases", LEGAL_BASES),
        is_on=item.boolean("on"),
        needs_licence=item.boolean("needs_licence", default=False),
        names_consent=item.boolean("names_consent", default=False),
        is_own=item.boolean("own", default=False),
        owner=item.text("owner"),
        cost_minor=item.integer("cost_minor", default=0),
    )
    item.finish()
    if source.needs_licence and source.is_on:
        raise item.fault("on", "is true, but a source that needs a licence starts switched off")
    return source


def _event_kind(
    item: Table, sources: Mapping[str, Source], categories: Mapping[str, Category]
) -> EventKind:
    members = {}
    for member in item.tables("members"):
        read = _member(member, categories)
        members[read.name] = read
    kind = EventKind(
        code=item.text("code"),
        name_en=item.text("name_en"),
        name_zh=item.text("name_zh"),
        sources=_some_of(item, "sources", sources),
        members=members,
    )
    item.finish()
    return kind


def _member(item: Table, categories: Mapping[str, Category]) -> Member:
    member = Member(
        name=item.text("name"),
        type=ValueType(_one_of(item, "type", {one.value for one in ValueType})),
        lowest=item.integer("lowest", default=0),
        highest=item.integer("highest", default=0),
        values=item.texts("values"),
        category=_one_of(item, "category", categories, default="behaviour"),
    )
    item.finish()
    if categories[member.category].standing is Standing.BANNED:
        raise item.fault("category", f"is banned by {categories[member.category].rule}")
    return member


def _feature(item: Table) -> Feature:
    definition = item.table_if_any("value")
    feature = Feature(
        name=item.text("name"),
        name_en=item.text("name_en"),
        name_zh=item.text("name_zh"),
        meaning_en=item.text("meaning_en"),
        meaning_zh=item.text("meaning_zh"),
        type=ValueType(_one_of(item, "type", {one.value for one in ValueType})),
        unit=_one_of(item, "unit", UNITS),
        lowest=item.integer("lowest", default=0),
        highest=item.integer("highest", default=0),
        values=item.texts("values"),
        category=item.text("category"),
        uses=tuple(_use(use) for use in item.tables("uses")),
        owner=item.text("owner"),
        version=item.integer("version"),
        fresh_days=item.integer_or_none("fresh_days"),
        definition=None if definition is None else _definition(definition),
        computed_by=item.text("computed_by", default=""),
        is_inferred=item.boolean("inferred", default=False),
        is_stated=item.boolean("stated", default=False),
    )
    item.finish()
    return feature


def _use(item: Table) -> Use:
    use = Use(
        source=item.text("source"),
        legal_basis=_one_of(item, "legal_basis", LEGAL_BASES),
        purposes=_some_of(item, "purposes", PURPOSES),
        consent_purpose=item.text("consent_purpose", default=""),
    )
    item.finish()
    return use


def _definition(item: Table) -> Definition:
    definition = Definition(
        fold=Fold(_one_of(item, "fold", {one.value for one in Fold})),
        events=item.texts("events"),
        member=item.text("member", default=""),
        where=item.scalars("where"),
        within_days=item.integer_or_none("within_days"),
        within_months=item.integer_or_none("within_months"),
        is_of_line=item.boolean("of_line", default=False),
        given=item.text("given", default=""),
        ends=item.text("ends", default=""),
        grace=item.text("grace", default=""),
        model=item.text("model", default=""),
    )
    item.finish()
    if definition.within_days is not None and definition.within_months is not None:
        raise item.fault("within_days", "stands beside within_months; a window has one length")
    return definition


def _quality_check(
    item: Table, sources: Mapping[str, Source], kinds: Mapping[str, EventKind]
) -> Check:
    thresholds = {
        effect: least
        for effect in (Effect.WARN, Effect.DEGRADE, Effect.STOP)
        if (least := item.integer_or_none(f"{effect.value}_ppm")) is not None
    }
    check = Check(
        code=item.text("code"),
        kind=Kind(_one_of(item, "kind", {one.value for one in Kind})),
        source=_one_of(item, "source", sources),
        event=_one_of(item, "event", kinds, default=""),
        member=item.text("member", default=""),
        other=_one_of(item, "other", sources, default=""),
        days=item.integer("days", default=0),
        tolerance_ppm=item.integer("tolerance_ppm", default=0),
        window_days=item.integer("window_days"),
        cases_min=item.integer("cases_min"),
        thresholds=thresholds,
    )
    item.finish()
    if not thresholds:
        raise item.fault("stop_ppm", "or another threshold is missing")
    needs_member = {Kind.COMPLETENESS, Kind.DISTRIBUTION, Kind.AGREEMENT}
    if check.kind in needs_member and not check.member:
        raise item.fault("member", f"is missing; a check of {check.kind} is about one")
    if (check.kind is Kind.AGREEMENT) != bool(check.other):
        raise item.fault("other", f"does not go with a check of {check.kind}")
    return check


def _one_of(item: Table, key: str, known: Iterable[str], default: str | None = None) -> str:
    value = item.text(key, default=default)
    if value != default and value not in known:
        raise item.fault(key, f"is {value}; known are {', '.join(sorted(known))}")
    return value


def _some_of(item: Table, key: str, known: Iterable[str]) -> frozenset[str]:
    values = item.texts(key)
    if not values:
        raise item.fault(key, "is empty")
    for value in values:
        if value not in known:
            raise item.fault(key, f"has {value}; known are {', '.join(sorted(known))}")
    return frozenset(values)
