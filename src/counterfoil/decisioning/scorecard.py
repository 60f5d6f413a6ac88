"""The card behind a score: integer amounts per feature, summed; exact in every engine.

Units       `points`: higher is better. `log_odds_e6`: millionths of the log odds of default, higher
            is riskier. A card that the policy's file writes out counts points; one that comes from
            a model says which, and what probability of default a score means, in ppm.
Invariant   The score is the base plus the contributions shown; nothing else enters it.
Unknown     A feature that is not known has an amount of its own, stated in the card; where it has
            none, the whole score is unknown, and a person decides.
Reasons     What holds a score down are the features furthest from their own best amount
            (exact for an additive card).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from counterfoil.decisioning.expression import Value


class Unit(StrEnum):
    """What the amounts of a card count."""

    POINTS = "points"
    LOG_ODDS_E6 = "log_odds_e6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """One feature of the card."""

    feature: str
    #: Lower ends of the bins after the first, ascending; of a boolean 1, of a text none.
    edges: tuple[int, ...]
    #: By bin: one more than the edges; of a text first what any other category adds.
    points: tuple[int, ...]
    #: None where the score is unknown without the feature.
    points_unknown: int | None
    #: Reason code for lost points, and for points lost because the value is not known.
    reason: str
    reason_unknown: str
    #: Of a text alone: the bin of each category.
    categories: Mapping[str, int] = field(default_factory=dict)
    #: Whether a higher amount is riskier.
    is_risk: bool = False

    @property
    def points_best(self) -> int:
        """Return the best amount that a known value can have."""
        return min(self.points) if self.is_risk else max(self.points)

    def points_of(self, bin_no: int | None) -> int | None:
        """Return the amount of a bin, None standing for a value that is not known."""
        return self.points_unknown if bin_no is None else self.points[bin_no]

    def loss(self, points: int) -> int:
        """Return how far an amount is from the best one; below 0 where it is better still."""
        return points - self.points_best if self.is_risk else self.points_best - points

    def points_after(self, loss: int) -> int:
        """Return the amount that is so far from the best one."""
        return self.points_best + loss if self.is_risk else self.points_best - loss

    def bin_of(self, value: Value) -> int:
        """Return the number of a known value's bin."""
        if isinstance(value, str):
            return self.categories.get(value, 0)
        return bisect_right(self.edges, value)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature added to a score."""

    feature: str
    #: Number of the bin from 0; None when the value is not known.
    bin: int | None
    #: None where the value is not known and the card has no amount for that.
    points: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Where a card comes from, and what its scores mean."""

    code: str
    version: str
    #: SHA-256 of the model's file: its identity.
    sha256: str
    calibration: str
    #: Scores from which on the next probability holds, ascending.
    edges: tuple[int, ...]
    #: One more than the edges; never falls as the risk rises.
    pd_ppm: tuple[int, ...]

    def pd_of(self, score: int) -> int:
        """Return the probability of default of a score, ppm."""
        return self.pd_ppm[bisect_right(self.edges, score)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A card: base and characteristics, and the model that they come from if they do."""

    base_points: int
    characteristics: tuple[Characteristic, ...]
    unit: Unit = Unit.POINTS
    model: Model | None = None

    def contributions(self, features: Mapping[str, Value | None]) -> tuple[Contribution, ...]:
        """Return what each feature of a case adds."""
        return tuple(_contribution(item, features) for item in self.characteristics)

    def score(self, contributions: tuple[Contribution, ...]) -> int | None:
        """Return base plus contributions; None where something is needed that is not known."""
        total = self.base_points
        for item in contributions:
            if item.points is None:
                return None
            total += item.points
        return total

    def shortfalls(self, contributions: tuple[Contribution, ...]) -> tuple[str, ...]:
        """Return the reason codes of lost points, the greatest loss first, each code once."""
        losses = [
            (item.loss(got.points), position, _reason(item, got))
            for position, (item, got) in enumerate(
                zip(self.characteristics, contributions, strict=True)
            )
            if got.points is not None
        ]
        ranked = sorted((-loss, position, code) for loss, position, code in losses if loss > 0)
        return tuple(dict.fromkeys(code for _, _, code in ranked))

    def missing(self, contributions: tuple[Contribution, ...]) -> tuple[str, ...]:
        """Return the reason codes of what the score cannot do without, in the card's order."""
        pairs = zip(self.characteristics, contributions, strict=True)
        return tuple(
            dict.fromkeys(item.reason_unknown for item, got in pairs if got.points is None)
        )


def _contribution(item: Characteristic, features: Mapping[str, Value | None]) -> Contribution:
    value = features[item.feature]
    bin_no = None if value is None else item.bin_of(value)
    return Contribution(item.feature, bin_no, item.points_of(bin_no))


def _reason(item: Characteristic, got: Contribution) -> str:
    return item.reason_unknown if got.bin is None else item.reason
