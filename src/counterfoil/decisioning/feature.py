"""What a policy reads about a case: declared features, each with type, range, source, basis.

Invariant   Only declared features reach a rule, and only values of their type within their
            range. Anything else is unknown and is named in the record; it is never zero and
            never clipped into range.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.refusals import FACT_NOT_DECLARED, FACT_OUT_OF_RANGE
from counterfoil.decisioning.rule_types import BOOLEAN, Shape, ValueType
from counterfoil.kernel.errors import Refused, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature that the policy declares it reads."""

    name: str
    name_en: str
    name_zh: str
    type: ValueType
    #: What a number counts: `minor` of the policy's currency, `ppm`, `months`, `years`, `count`.
    unit: str
    #: Range of an integer, ends included; both 0 for other types.
    lowest: int
    highest: int
    #: The values that a text may have; empty for other types.
    values: tuple[str, ...]
    #: Whether a case may lack it; the identity's age may not be lacking, an income may.
    nullable: bool
    #: Who says so; one of `feature_source.SOURCES`.
    source: str
    #: Why the lender may use it: `contract`, `consent` or `law`.
    legal_basis: str
    #: The purpose that the consent behind it is for; empty where the basis is another one.
    consent_purpose: str = ""
    #: Number of the licence of a third party's data; empty for every other source.
    licence: str = ""

    @property
    def shape(self) -> Shape:
        """Return what the type check needs to know."""
        if self.type is ValueType.INTEGER:
            return Shape(type=ValueType.INTEGER, lowest=self.lowest, highest=self.highest)
        if self.type is ValueType.TEXT:
            return Shape(type=ValueType.TEXT, values=self.values)
        return BOOLEAN

    def admits(self, value: object) -> bool:
        """Tell whether a value that is there has this feature's type and range."""
        # Exact types: a value is of a feature's type or of another, never of a kind of it.
        kind = type(value)
        if self.type is ValueType.INTEGER:
            return kind is int and self.lowest <= value <= self.highest  # type: ignore[operator]
        if self.type is ValueType.TEXT:
            return kind is str and value in self.values
        return kind is bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The features of one case as the rules see them, and what was not let in."""

    values: dict[str, Value | None]
    #: Names of values outside their declaration; each counts as unknown.
    rejected: tuple[str, ...]


#: Where facts may come from that an application brings along; the rest the house finds itself.
BROUGHT_ALONG = ("applicant", "recorded_history")


def check_facts(
    features: tuple[Feature, ...],
    facts: Mapping[str, Value | None],
    sources: Collection[str] = BROUGHT_ALONG,
) -> Refused | None:
    """Refuse facts that the policy does not read, or that cannot be; None where all are sound.

    `sources` are those of which an application may bring facts along.
    """
    readable = {item.name: item for item in features if item.source in sources}
    for name, value in facts.items():
        if name not in readable:
            return refuse(FACT_NOT_DECLARED, fact=name)
        if value is not None and not readable[name].admits(value):
            return refuse(FACT_OUT_OF_RANGE, fact=name)
    return None


def take_snapshot(features: tuple[Feature, ...], given: Mapping[str, Value | None]) -> Snapshot:
    """Return every declared feature, None where nothing usable was given."""
    values: dict[str, Value | None] = {}
    rejected: list[str] = []
    for feature in features:
        name = feature.name
        value = given.get(name)
        if value is None or feature.admits(value):
            values[name] = value
        else:
            values[name] = None
            rejected.append(name)
    if not given.keys() <= values.keys():
        rejected.extend(sorted(given.keys() - values.keys()))
    return Snapshot(values=values, rejected=tuple(rejected))
