"""The points card and the ranking of lost points as Polars expressions.

Key         One integer for each feature says everything: loss x 2^20 + place x 2^10 + reason.
            The greatest keys are the principal reasons; the loss gives the points back. A loss can
            be negative (an unknown worth more than the best known value): the floor keeps that.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from counterfoil.decisioning.scorecard import Characteristic, Scorecard

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
    points = item.points_unknown if bin_no is None else item.points[bin_no]
    code = item.reason_unknown if bin_no is None else item.reason
    place = _PLACE - 1 - (2 * position + (bin_no is None))
    return (item.points_best - points) * LOSS + place * _PLACE + reasons[code]


def keys(card: Scorecard, columns: Mapping[str, str], reasons: Mapping[str, int]) -> list[pl.Expr]:
    """Return the key of each feature, in columns named by number."""
    return [
        _chain(
            pl.col(columns[item.feature]),
            item.edges,
            [key_of(item, number, bin_no, reasons) for bin_no in range(len(item.points))],
            key_of(item, number, None, reasons),
        ).alias(f"k{number}")
        for number, item in enumerate(card.characteristics)
    ]


def bins(card: Scorecard, columns: Mapping[str, str]) -> list[pl.Expr]:
    """Return the number of each feature's bin, null where it is not known."""
    return [
        _chain(
            pl.col(columns[item.feature]), item.edges, list(range(len(item.points))), None
        ).alias(f"bin_{number}")
        for number, item in enumerate(card.characteristics)
    ]


def _chain(
    value: pl.Expr, edges: tuple[int, ...], cells: list[int], unknown: int | None
) -> pl.Expr:
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
    below = _chain(value, edges[:middle], cells[: middle + 1], unknown)
    above = _chain(value, edges[middle + 1 :], cells[middle + 1 :], unknown)
    return pl.when(value < edges[middle]).then(below).otherwise(above)


def points(card: Scorecard) -> pl.Expr:
    """Return the score from the keys."""
    best = card.base_points + sum(item.points_best for item in card.characteristics)
    losses = [pl.col(f"k{number}") // LOSS for number in range(len(card.characteristics))]
    return pl.lit(best, dtype=pl.Int64) - pl.sum_horizontal(losses)


def by_reason(card: Scorecard, columns: Mapping[str, str]) -> list[pl.Expr]:
    """Return the greatest key of each reason, in numbered columns; 0 where it has none."""
    groups: dict[str, list[pl.Expr]] = {}
    zero = pl.lit(0, dtype=pl.Int64)
    for number, item in enumerate(card.characteristics):
        key, value = pl.col(f"k{number}"), pl.col(columns[item.feature])
        if item.reason == item.reason_unknown:
            groups.setdefault(item.reason, []).append(key)
            continue
        known = pl.when(value.is_null()).then(zero).otherwise(key)
        groups.setdefault(item.reason, []).append(known)
        if item.points_best > item.points_unknown:
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
