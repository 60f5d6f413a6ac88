"""The points card and the ranking of lost points as Polars expressions.

Key         One integer for each feature says everything: loss x 2^20 + place x 2^10 + reason.
            The greatest keys are the principal reasons; the loss gives the points back. A loss can
            be negative (an unknown worth more than the best known value): the floor keeps that.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from counterfoil.decisioning.polars_text import Texts, looked_up
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.scorecard import Characteristic, Scorecard, Unit

#: Below the loss: 10 bits of place, 10 bits of reason.
LOSS: Final = 1 << 20
_PLACE: Final = 1 << 10
#: Reasons beyond the first four are never shown.
RANKS: Final = 4
_EDGES_WRITTEN_MAX: Final = 24


def key_of(
    item: Characteristic, position: int, bin_no: int | None, reasons: Mapping[str, int]
) -> int:
    """Return the key of a bin; earlier features come first among equal losses."""
    points = item.points_of(bin_no)
    if points is None:
        return 0
    code = item.reason_unknown if bin_no is None else item.reason
    place = _PLACE - 1 - (2 * position + (bin_no is None))
    return item.loss(points) * LOSS + place * _PLACE + reasons[code]


class Columns:
    """Where a card finds its features: columns by name, texts by their numbers."""

    def __init__(
        self, names: Mapping[str, str], texts: Texts, booleans: frozenset[str] = frozenset()
    ) -> None:
        """Take the column of each feature, the texts of the policy, and which are true or false."""
        self._booleans = booleans
        self._names = names
        self._texts = texts

    def of(self, item: Characteristic) -> pl.Expr:
        """Return the value of a characteristic's feature."""
        return pl.col(self._names[item.feature])

    def cells(self, item: Characteristic, cells: Sequence[int], unknown: int | None) -> pl.Expr:
        """Return the cell of each value's bin."""
        value = self.of(item)
        if item.categories:
            every = [cells[item.categories.get(text, 0)] for text in self._texts.texts]
            found = looked_up(value, every, pl.Int64)
            nothing = pl.lit(unknown, dtype=pl.Int64)
            return pl.when(value.is_null()).then(nothing).otherwise(found)
        if item.feature in self._booleans:
            # False and true are 0 and 1, below and from the edge.
            value = value.cast(pl.Int64)
        return chain(value, item.edges, [*cells], unknown)


def keys(card: Scorecard, columns: Columns, reasons: Mapping[str, int]) -> list[pl.Expr]:
    """Return the key of each feature, in columns named by number."""
    return [
        columns.cells(
            item,
            [key_of(item, number, bin_no, reasons) for bin_no in range(len(item.points))],
            key_of(item, number, None, reasons),
        ).alias(f"k{number}")
        for number, item in enumerate(card.characteristics)
    ]


def bins(card: Scorecard, columns: Columns) -> list[pl.Expr]:
    """Return the number of each feature's bin, null where it is not known."""
    return [
        columns.cells(item, range(len(item.points)), None).alias(f"bin_{number}")
        for number, item in enumerate(card.characteristics)
    ]


def needed(card: Scorecard, columns: Columns) -> list[tuple[str, pl.Expr]]:
    """Return what the score cannot do without: the reason, and whether it is not known."""
    return [
        (item.reason_unknown, columns.of(item).is_null())
        for item in card.characteristics
        if item.points_unknown is None
    ]


def chain(value: pl.Expr, edges: tuple[int, ...], cells: list[int], unknown: int | None) -> pl.Expr:
    """Return the cell of the bin that a value falls into; a short table as one condition a bin."""
    if len(edges) > _EDGES_WRITTEN_MAX:
        return _halves(value, edges, cells, unknown)
    result = pl.lit(cells[-1], dtype=pl.Int64)
    for edge, cell in zip(reversed(edges), reversed(cells[:-1]), strict=True):
        result = pl.when(value < edge).then(pl.lit(cell, dtype=pl.Int64)).otherwise(result)
    return pl.when(value.is_null()).then(pl.lit(unknown, dtype=pl.Int64)).otherwise(result)


def _halves(
    value: pl.Expr, edges: tuple[int, ...], cells: list[int], unknown: int | None
) -> pl.Expr:
    """Return a long chain as a tree, so that it is not too deep."""
    middle = len(edges) // 2
    below = chain(value, edges[:middle], cells[: middle + 1], unknown)
    above = chain(value, edges[middle + 1 :], cells[middle + 1 :], unknown)
    return pl.when(value < edges[middle]).then(below).otherwise(above)


def points(card: Scorecard) -> pl.Expr:
    """Return the score from the keys."""
    best = card.base_points + sum(item.points_best for item in card.characteristics)
    losses = [pl.col(f"k{number}") // LOSS for number in range(len(card.characteristics))]
    lost = pl.sum_horizontal(losses)
    start = pl.lit(best, dtype=pl.Int64)
    return start - lost if card.unit is Unit.POINTS else start + lost


def grade_steps(policy: Policy) -> tuple[list[int], list[int]]:
    """Return from which scores on the next grade holds, ascending, and the grades' numbers."""
    model, grades = policy.scorecard.model, policy.grades
    if model is None:
        edges = [item.points_min or 0 for item in reversed(grades[:-1])]
        return edges, list(range(len(grades) - 1, -1, -1))
    firsts = (model.edges[0] - 1 if model.edges else 0, *model.edges)
    numbers = [grades.index(policy.grade_of(score)) for score in firsts]
    steps = [n for n in range(1, len(numbers)) if numbers[n] != numbers[n - 1]]
    return [firsts[n] for n in steps], [numbers[0], *(numbers[n] for n in steps)]


def pd_of(card: Scorecard, score: pl.Expr) -> pl.Expr:
    """Return the probability of default of a score, ppm."""
    assert card.model is not None, "only a model says what a score means"
    edges = pl.Series(card.model.edges, dtype=pl.Int64)
    steps = pl.Series(card.model.pd_ppm, dtype=pl.Int64)

    def looked(scores: pl.Series) -> pl.Series:
        return steps.gather(edges.search_sorted(scores, side="right"))

    return score.map_batches(looked, return_dtype=pl.Int64, is_elementwise=True)


def by_reason(card: Scorecard, columns: Columns) -> list[pl.Expr]:
    """Return the greatest key of each reason, in numbered columns; 0 where it has none."""
    groups: dict[str, list[pl.Expr]] = {}
    zero = pl.lit(0, dtype=pl.Int64)
    for number, item in enumerate(card.characteristics):
        key, value = pl.col(f"k{number}"), columns.of(item)
        if item.reason == item.reason_unknown:
            groups.setdefault(item.reason, []).append(key)
            continue
        known = pl.when(value.is_null()).then(zero).otherwise(key)
        groups.setdefault(item.reason, []).append(known)
        if item.points_unknown is not None and item.loss(item.points_unknown) > 0:
            unknown = pl.when(value.is_null()).then(key).otherwise(zero)
            groups.setdefault(item.reason_unknown, []).append(unknown)
    return [
        (pl.max_horizontal(group) if len(group) > 1 else group[0]).alias(f"g{number}")
        for number, group in enumerate(groups.values())
    ]


def ranked(frame: pl.LazyFrame, groups: int) -> pl.LazyFrame:
    """Add the greatest keys in order, as columns `m0` to `m3`."""
    columns = [pl.col(f"g{number}") for number in range(groups)]
    zero = pl.lit(0, dtype=pl.Int64)
    frame = frame.with_columns(m0=pl.max_horizontal(columns))
    for rank in range(1, RANKS):
        before = pl.col(f"m{rank - 1}")
        below = [pl.when(column < before).then(column).otherwise(zero) for column in columns]
        frame = frame.with_columns(pl.max_horizontal(below).alias(f"m{rank}"))
    return frame


def reason_of(rank: int) -> pl.Expr:
    """Return the number of a rank's reason, null where nothing was lost."""
    key = pl.col(f"m{rank}")
    return pl.when(key >= LOSS).then((key % _PLACE).cast(pl.UInt16))
