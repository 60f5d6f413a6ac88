"""A registered feature: what it means, from where it may come, and for what it may be used.

Invariant   A banned category cannot be registered. A restricted one is read under a written
            consent that names the adverse effects, or not at all.
Unit        What an integer counts: `minor`, `ppm`, `months`, `years`, `days`, `count`, `points`.
Follows     RULES_CN R002 (Regulation on the credit reporting industry, article 14).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from counterfoil.features.definition import Definition

Value = int | str | bool

LEGAL_BASES: Final = ("contract", "consent", "law")
#: The purpose for which policies that review lines read features.
REVIEW: Final = "review"


class Standing(StrEnum):
    """What the rules say of a category."""

    ORDINARY = "ordinary"
    #: Only with a written consent whose notice names the adverse effects.
    RESTRICTED = "restricted"
    #: Never.
    BANNED = "banned"


class ValueType(StrEnum):
    """What a value is."""

    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of information."""

    code: str
    name_en: str
    name_zh: str
    standing: Standing
    #: Rule of the pack that says so; empty for an ordinary one.
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who says so."""

    code: str
    name_en: str
    name_zh: str
    #: Legal bases that it admits.
    legal_bases: frozenset[str]
    #: Whether it may be used without having been switched on by two people.
    is_on: bool
    #: Whether data comes from outside the house and needs a licence that is named (R016).
    needs_licence: bool
    #: Whether an event of it names the consent that it was collected under.
    names_consent: bool
    #: Whether the house itself would know, so that nothing known means zero.
    is_own: bool
    owner: str
    #: What one event costs, in minor units of CNY; 0 where nobody is paid.
    cost_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One way in which a feature may be read."""

    source: str
    legal_basis: str
    #: Purposes of policies that may read it so.
    purposes: frozenset[str]
    #: The purpose of the consent behind it; empty where the basis names none.
    consent_purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature of the registry."""

    name: str
    name_en: str
    name_zh: str
    meaning_en: str
    meaning_zh: str
    type: ValueType
    unit: str
    #: Range of an integer, ends included; both 0 for other types.
    lowest: int
    highest: int
    #: The values that a text may have; empty for other types.
    values: tuple[str, ...]
    category: str
    uses: tuple[Use, ...]
    owner: str
    version: int
    #: Days after which a value says nothing any more; None: it does not age.
    fresh_days: int | None
    #: How it follows from events; None where another room computes it.
    definition: Definition | None
    #: Which room computes it, where no definition does.
    computed_by: str
    #: Whether a model made it, not a source.
    is_inferred: bool
    #: Whether the customer can say that it is otherwise.
    is_stated: bool

    @property
    def purposes(self) -> frozenset[str]:
        """Return every purpose it may be read for."""
        return frozenset[str]().union(*(use.purposes for use in self.uses))

    @property
    def sources(self) -> tuple[str, ...]:
        """Return every source it may come from."""
        return tuple(dict.fromkeys(use.source for use in self.uses))

    def uses_for(self, purpose: str | None) -> tuple[Use, ...]:
        """Return the ways in which a policy of a purpose may read it; all for None."""
        return tuple(use for use in self.uses if purpose is None or purpose in use.purposes)

    def is_stale(self, last: date | None, on: date) -> bool:
        """Tell whether what was last heard is too old to say anything."""
        if self.fresh_days is None or last is None:
            return False
        return (on - last).days > self.fresh_days

    def admits(self, value: object) -> bool:
        """Tell whether a value that is there has this feature's type and range."""
        if self.type is ValueType.BOOLEAN:
            return isinstance(value, bool)
        if self.type is ValueType.TEXT:
            return isinstance(value, str) and value in self.values
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.lowest <= value <= self.highest


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a policy says of a feature that it reads."""

    name: str
    type: str
    unit: str
    lowest: int
    highest: int
    values: tuple[str, ...]
    source: str
    legal_basis: str
    consent_purpose: str


def fault_of(declared: Declared, features: Mapping[str, Feature], purpose: str) -> str | None:
    """Return why a policy of a purpose may not read what it declares so; None if it may.

    A policy may read less than is registered: a part of the range, some of the values.
    """
    known = features.get(declared.name)
    if known is None:
        return "is not in the registry of features"
    if declared.type != known.type:
        return f"is declared {declared.type}; the registry says {known.type}"
    if declared.unit != known.unit:
        return f"is declared in {declared.unit}; the registry says {known.unit}"
    if declared.lowest < known.lowest or declared.highest > known.highest:
        return f"has a range beyond {known.lowest} to {known.highest}"
    if unknown := sorted(set(declared.values) - set(known.values)):
        return f"has values that are not registered: {', '.join(unknown)}"
    wanted = (declared.source, declared.legal_basis, declared.consent_purpose)
    ways = [(use.source, use.legal_basis, use.consent_purpose) for use in known.uses_for(purpose)]
    if wanted in ways:
        return None
    allowed = " or ".join(" under ".join(filter(None, way)) for way in ways) or "nothing"
    return f"may not be read from {' under '.join(filter(None, wanted))} for {purpose}: {allowed}"
