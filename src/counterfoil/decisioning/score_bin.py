"""What the bin of a card holds: the values that fall into it, instead of its number alone.

Units       Those of the feature; the lower end belongs to the bin, the upper end to the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.decisioning.scorecard import Characteristic


@dataclass(frozen=True, slots=True, kw_only=True)
class BinHolds:
    """The values of one bin; of the three kinds below at most one speaks."""

    #: The lowest value; None where nothing bounds it from below.
    lowest: int | None = None
    #: The first value above it; None where nothing bounds it from above.
    below: int | None = None
    #: Of a text: its categories; empty together with `is_rest` false for other types.
    categories: tuple[str, ...] = ()
    #: Of a text: every category that has no bin of its own.
    is_rest: bool = False
    #: Of a boolean: which of both.
    answer: bool | None = None
    #: The value is not known.
    is_unknown: bool = False

    def __str__(self) -> str:
        """Return it for a terminal, without a unit."""
        if self.is_unknown:
            return "not known"
        if self.answer is not None:
            return "true" if self.answer else "false"
        if self.is_rest:
            return "any other"
        if self.categories:
            return ", ".join(self.categories)
        if self.lowest is None:
            return "any" if self.below is None else f"< {self.below:,}"
        if self.below is None:
            return f">= {self.lowest:,}"
        return f"{self.lowest:,} to < {self.below:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePart:
    """What one feature added to a score, with what its bin holds."""

    feature: str
    #: Number of the bin from 0; None when the value was not known.
    bin: int | None
    holds: BinHolds
    #: None where the value was not known and the card has no amount for that.
    points: int | None


def score_parts(policy: Policy, contributions: Sequence[Sequence[Any]]) -> list[ScorePart]:
    """Return recorded contributions (feature, bin, amount) with what their bins hold."""
    items = {item.feature: item for item in policy.scorecard.characteristics}
    declared = {item.name: item for item in policy.features}
    return [
        ScorePart(
            feature=name,
            bin=bin_no,
            holds=holds_of(items.get(name), declared, bin_no),
            points=points,
        )
        for name, bin_no, points in contributions
    ]


def holds_of(
    item: Characteristic | None, declared: Mapping[str, Feature], bin_no: int | None
) -> BinHolds:
    """Return what a bin holds; any value where the card does not know the feature."""
    if bin_no is None:
        return BinHolds(is_unknown=True)
    if item is None:
        return BinHolds()
    feature = declared.get(item.feature)
    if item.categories:
        held = tuple(sorted(name for name, number in item.categories.items() if number == bin_no))
        return BinHolds(categories=held, is_rest=not held)
    if feature is not None and feature.type is ValueType.BOOLEAN and item.edges == (1,):
        return BinHolds(answer=bin_no == 1)
    return BinHolds(
        lowest=item.edges[bin_no - 1] if bin_no > 0 else None,
        below=item.edges[bin_no] if bin_no < len(item.edges) else None,
    )
