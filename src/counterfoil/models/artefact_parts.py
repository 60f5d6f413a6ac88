"""The parts of a model's file: tables, probabilities and grades, and what a score consists of.

Units       Amounts in the unit of the model, probabilities in ppm; integers only.
Unknown     A feature that is not known has an amount of its own, or none; then the whole score is
            not known.
Direction   Of risk: `up` means that the risk never falls as the feature rises; `u_shape` that it
            falls and then rises.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias

Value: TypeAlias = int | str | bool
Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"


class Kind(StrEnum):
    """How a model was made."""

    BOOSTED_SCORECARD = "boosted_scorecard"
    WOE_SCORECARD = "woe_scorecard"


class Unit(StrEnum):
    """What base, values and scores are counted in."""

    LOG_ODDS_E6 = "log_odds_e6"
    POINTS = "points"


class Type(StrEnum):
    """Of which type a feature is."""

    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"


class Monotone(StrEnum):
    """How risk goes with a feature, as declared before training."""

    UP = "up"
    DOWN = "down"
    NONE = "none"
    U_SHAPE = "u_shape"


class Method(StrEnum):
    """How scores became probabilities."""

    PLATT = "platt"
    ISOTONIC = "isotonic"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the model foresees."""

    name: str
    #: What counts as bad, in words.
    event: str
    horizon_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the model was made of; enough to make it again."""

    data_sha256: str
    rows: int
    bad_ppm: int
    seed: int
    code_version: str
    parameters: Mapping[str, Json]
    #: First and last period of the rows, None where the data has none.
    period: Mapping[str, Json] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """What each value of one feature adds."""

    feature: str
    type: Type
    #: Lower ends of the bins after the first, ascending. Of a boolean: 1; of a text: none.
    edges: tuple[int, ...]
    #: One more than the edges. Of a text: what a category outside the list adds.
    values: tuple[int, ...]
    #: What a value that is not known adds; None leaves the score unknown.
    unknown: int | None
    #: Of a text alone: what each known category adds.
    categories: Mapping[str, int]
    monotone: Monotone
    reason: str
    reason_unknown: str

    def accepts(self, value: Value) -> bool:
        """Return whether a value is of the feature's type."""
        match self.type:
            case Type.TEXT:
                return isinstance(value, str)
            case Type.BOOLEAN:
                return isinstance(value, bool)
            case Type.INTEGER:
                return isinstance(value, int) and not isinstance(value, bool)

    def amount(self, value: Value | None) -> int | None:
        """Return what a value of the feature's type adds; None leaves the score unknown."""
        if value is None:
            return self.unknown
        if isinstance(value, str):
            return self.categories.get(value, self.values[0])
        return self.values[bisect_right(self.edges, value)]

    def attainable(self) -> tuple[int, ...]:
        """Return what known values can add."""
        return (*self.values, *self.categories.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """From a score to a probability; a version of its own."""

    version: str
    method: Method
    #: Scores from which on the next probability holds, ascending.
    edges: tuple[int, ...]
    #: One more than the edges, ppm; never falls as the risk rises.
    pd_ppm: tuple[int, ...]

    def pd_of(self, total: int) -> int:
        """Return the probability of default of a score, ppm."""
        return self.pd_ppm[bisect_right(self.edges, total)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A grade of the master scale."""

    code: str
    #: Highest probability of the grade, ppm.
    pd_ppm_max: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature added to a score."""

    feature: str
    #: None where the value is not known and the model has no value for that.
    amount: int | None
    is_known: bool
    #: By how much the best known value would have been better; never negative.
    shortfall: int
    #: Why points were lost here.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A score with everything that it is the sum of."""

    #: None where a feature is not known that may not be missing.
    total: int | None
    contributions: tuple[Contribution, ...]
    pd_ppm: int | None
    #: Grade of the master scale.
    band: str | None
    #: Features whose value was of another type and counted as not known.
    rejected: tuple[str, ...]

    def reasons(self, count: int = 4) -> tuple[str, ...]:
        """Return what held the score down, the most first, each code once, at most `count`."""
        ranked = sorted(
            (item for item in self.contributions if item.shortfall > 0),
            key=lambda item: -item.shortfall,
        )
        return tuple(dict.fromkeys(item.reason for item in ranked))[:count]


def keeps_direction(monotone: Monotone, risks: tuple[int, ...]) -> bool:
    """Return whether the risk of ascending bins goes as declared."""
    rises = [low <= high for low, high in pairwise(risks)]
    falls = [low >= high for low, high in pairwise(risks)]
    match monotone:
        case Monotone.UP:
            return all(rises)
        case Monotone.DOWN:
            return all(falls)
        case Monotone.U_SHAPE:
            bottom = risks.index(min(risks))
            return all(falls[:bottom]) and all(rises[bottom:])
        case Monotone.NONE:
            return True
