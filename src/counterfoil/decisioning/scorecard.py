"""The points card: integer points per feature, summed; exact in every engine.

Invariant   The score is the base plus the contributions shown; nothing else enters it.
Unknown     A feature that is not known has points of its own, stated in the card. The absence
            of a file is neutral there: 0 points.
Reasons     What holds a score down are the features furthest from their own best points
            (exact for an additive card).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from counterfoil.decisioning.expression import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """One feature of the card."""

    feature: str
    #: Lower ends of the bins after the first, ascending.
    edges: tuple[int, ...]
    #: One more than the edges.
    points: tuple[int, ...]
    points_unknown: int
    #: Reason code for lost points, and for points lost because the value is not known.
    reason: str
    reason_unknown: str

    @property
    def points_best(self) -> int:
        """Return the most points that a known value can have."""
        return max(self.points)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature added to a score."""

    feature: str
    #: Number of the bin from 0; None when the value is not known.
    bin: int | None
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A card: base points and characteristics."""

    base_points: int
    characteristics: tuple[Characteristic, ...]

    def contributions(self, features: Mapping[str, Value | None]) -> tuple[Contribution, ...]:
        """Return what each feature of a case adds."""
        return tuple(_contribution(item, features) for item in self.characteristics)

    def score(self, contributions: tuple[Contribution, ...]) -> int:
        """Return base plus contributions."""
        return self.base_points + sum(item.points for item in contributions)

    def shortfalls(self, contributions: tuple[Contribution, ...]) -> tuple[str, ...]:
        """Return the reason codes of lost points, the greatest loss first, each code once."""
        losses = [
            (item.points_best - got.points, position, _reason(item, got))
            for position, (item, got) in enumerate(
                zip(self.characteristics, contributions, strict=True)
            )
        ]
        ranked = sorted((-loss, position, code) for loss, position, code in losses if loss > 0)
        return tuple(dict.fromkeys(code for _, _, code in ranked))


def _contribution(item: Characteristic, features: Mapping[str, Value | None]) -> Contribution:
    value = features[item.feature]
    if value is None:
        return Contribution(item.feature, None, item.points_unknown)
    assert isinstance(value, int), "a card reads integers; the document's check saw to it"
    number = bisect_right(item.edges, value)
    return Contribution(item.feature, number, item.points[number])


def _reason(item: Characteristic, got: Contribution) -> str:
    return item.reason_unknown if got.bin is None else item.reason
