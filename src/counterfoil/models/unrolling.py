"""From a booster whose trees read one column each to integer tables, and proof that they agree.

Probing     Between the thresholds, never at them: columns hold integers only, so each cell between
            two thresholds is asked for at its own lowest integer. A printed threshold of
            -1.00000002e-35 is zero to the booster; here it is the edge 0.
Check       On every row of training: the tables' sum is the booster's within 1e-12 log odds before
            rounding, and within 2e-5 after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import lightgbm
import numpy as np

from counterfoil.models.artefact_parts import Type
from counterfoil.models.binning import Floats, Ints
from counterfoil.models.column import Column
from counterfoil.models.data_columns import EXACT_MAX
from counterfoil.models.fitted import Steps

E6: Final = 1_000_000
#: Log odds by which the tables may differ from the booster before rounding.
EXACT_WITHIN: Final = 1e-12
#: And after it, for up to 40 tables; a table more may cost half a millionth.
ROUNDED_WITHIN: Final = 2e-5
_TABLE_ROUNDS_BY: Final = 0.5 / E6
#: Below this a table adds nothing.
_NOTHING: Final = 1e-9


class UnequalTablesError(AssertionError):
    """The tables do not say what the booster says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A column as the booster reads it; a feature has one or two."""

    feature: str
    values: Floats
    #: 1 if risk rises with it, -1 if it falls, 0 if either.
    direction: int
    #: The column ends here; None where it does not.
    least: int | None = None
    most: int | None = None
    #: Special codes: the column holds their place from 1, and 0 for ordinary values.
    codes: tuple[int, ...] = ()
    #: Texts: the column holds ranks.
    categories: Mapping[str, int] = field(default_factory=dict)
    unseen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What a part adds: steps, and what a missing value adds."""

    edges: Ints
    values: Floats
    missing: float

    def of(self, numbers: Floats) -> Floats:
        """Return what numbers add; NaN is missing."""
        known = ~np.isnan(numbers)
        places = np.searchsorted(self.edges, np.where(known, numbers, 0), side="right")
        return np.where(known, self.values[places], self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """What a feature adds in log odds, about a mean of 0."""

    column: Column
    edges: tuple[int, ...]
    values: Floats
    missing: float
    categories: Mapping[str, float]

    def of(self, column: Column) -> Floats:
        """Return what the cases of a column add."""
        if column.feature.type is Type.TEXT:
            by_code = np.array([*(self.categories[name] for name in column.names), self.missing])
            return by_code[column.values]
        places = np.searchsorted(np.asarray(self.edges), column.values, side="right")
        return np.where(column.known, self.values[places], self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrolled:
    """A booster as tables."""

    base: float
    tables: Mapping[str, FeatureTable]


def unroll(booster: lightgbm.Booster, columns: Sequence[Column], parts: Sequence[Part]) -> Unrolled:
    """Return the tables of a booster, each about a mean of 0 over the known rows."""
    curves, start = _curves(booster, parts)
    base = start
    tables: dict[str, FeatureTable] = {}
    for column in columns:
        name = column.feature.name
        own = [
            (part, curve) for part, curve in zip(parts, curves, strict=True) if part.feature == name
        ]
        table = _table(column, own)
        amounts = table.of(column)
        mean = float(amounts[column.known].mean()) if column.known.any() else 0.0
        base += mean
        if float(np.abs(amounts - mean).max()) > _NOTHING:
            tables[name] = FeatureTable(
                column=column,
                edges=table.edges,
                values=table.values - mean,
                missing=table.missing - mean,
                categories={key: value - mean for key, value in table.categories.items()},
            )
    return Unrolled(base=base, tables=tables)


def check_tables(
    unrolled: Unrolled, booster: lightgbm.Booster, columns: Sequence[Column], matrix: Floats
) -> float:
    """Return the greatest difference on any row before rounding; raises where it is too great."""
    said = np.asarray(booster.predict(matrix, raw_score=True))
    exact = np.full(len(said), unrolled.base)
    counted = np.full(len(said), round(unrolled.base * E6), dtype=np.int64)
    for column in columns:
        table = unrolled.tables.get(column.feature.name)
        if table is not None:
            amounts = table.of(column)
            exact += amounts
            counted += np.rint(amounts * E6).astype(np.int64)
    before = float(np.abs(exact - said).max())
    after = float(np.abs(counted / E6 - said).max())
    allowed = max(ROUNDED_WITHIN, _TABLE_ROUNDS_BY * (len(unrolled.tables) + 1))
    if before > EXACT_WITHIN or after > allowed:
        raise UnequalTablesError(
            f"tables differ from the booster by {before:.1e} log odds, rounded by {after:.1e}"
        )
    return before


def rounded(unrolled: Unrolled) -> tuple[int, dict[str, Steps]]:
    """Return base and tables in millionths of log odds."""
    return round(unrolled.base * E6), {
        name: Steps(
            edges=table.edges,
            values=tuple(round(float(value) * E6) for value in table.values),
            categories={key: round(value * E6) for key, value in table.categories.items()},
            missing=None if table.column.known.all() else round(table.missing * E6),
        )
        for name, table in unrolled.tables.items()
    }


def _curves(booster: lightgbm.Booster, parts: Sequence[Part]) -> tuple[list[Curve], float]:
    """Return what each column adds beyond its first cell, and the sum of all first cells."""
    edges = _edges(booster, len(parts))
    probes = [_probes(found) for found in edges]
    # One row for each cell of each column; the other columns stay in their first cells.
    first = np.array([found[0] for found in probes])
    rows = np.tile(first, (sum(map(len, probes)) + 1, 1))
    row = 1
    for place, found in enumerate(probes):
        rows[row : row + len(found), place] = found
        row += len(found)
    said = np.asarray(booster.predict(rows, raw_score=True))
    curves, row = [], 1
    for steps, own in zip(edges, probes, strict=True):
        cells = said[row : row + len(own)] - said[0]
        curves.append(Curve(edges=steps, values=cells[:-1], missing=float(cells[-1])))
        row += len(own)
    return curves, float(said[0])


def _edges(booster: lightgbm.Booster, count: int) -> list[Ints]:
    found: list[set[int]] = [set() for _ in range(count)]
    for tree in booster.dump_model()["tree_info"]:
        read = set(_splits(tree["tree_structure"], found))
        assert len(read) <= 1, "a tree reads more than one column"
    return [np.array(sorted(edges), dtype=np.int64) for edges in found]


def _splits(node: Mapping[str, Any], found: list[set[int]]) -> list[int]:
    """Collect the edges below a node; return the columns that it reads."""
    if "split_feature" not in node:
        return []
    column = int(node["split_feature"])
    # x <= t goes left, and x is an integer: the right side starts at the next integer after t.
    # A threshold of 1.8e308 parts missing values from all others, and is no edge.
    if abs(node["threshold"]) <= EXACT_MAX:
        found[column].add(int(np.floor(node["threshold"])) + 1)
    below = [_splits(node[side], found) for side in ("left_child", "right_child")]
    return [column, *below[0], *below[1]]


def _probes(edges: Ints) -> Floats:
    """Return a value in each cell, the lowest there is, and a missing one."""
    lowest = edges[:1] - 1 if edges.size else np.zeros(1, dtype=np.int64)
    return np.concatenate([lowest, edges, [np.nan]]).astype(np.float64)


def _table(column: Column, own: Sequence[tuple[Part, Curve]]) -> FeatureTable:
    if column.feature.type is Type.TEXT:
        [(part, curve)] = own
        ranks = {name: np.array([rank], dtype=np.float64) for name, rank in part.categories.items()}
        return FeatureTable(
            column=column,
            edges=(),
            values=curve.of(np.array([part.unseen], dtype=np.float64)),
            missing=curve.missing,
            categories={name: float(curve.of(rank)[0]) for name, rank in ranks.items()},
        )
    edges = {int(edge) for _, curve in own for edge in curve.edges if not _codes(own, curve)}
    for code in column.feature.special:
        edges |= {code, code + 1}
    ordered = sorted(edges)
    lowest = np.array([ordered[0] - 1 if ordered else 0, *ordered])
    values, missing = np.zeros(len(lowest)), 0.0
    for part, curve in own:
        values += curve.of(_as_read(part, lowest, column.feature.special))
        missing += float(curve.of(np.array([0.0 if part.codes else np.nan]))[0])
    return FeatureTable(
        column=column, edges=tuple(ordered), values=values, missing=missing, categories={}
    )


def _codes(own: Sequence[tuple[Part, Curve]], curve: Curve) -> bool:
    return any(part.codes for part, found in own if found is curve)


def _as_read(part: Part, values: Ints, special: tuple[int, ...]) -> Floats:
    """Return the values of a feature as its part has them."""
    if part.codes:
        places = {code: place for place, code in enumerate(part.codes, start=1)}
        return np.array([places.get(int(value), 0) for value in values], dtype=np.float64)
    read = values.astype(np.float64)
    if part.most is not None:
        read = np.minimum(read, part.most)
    if part.least is not None:
        read = np.maximum(read, part.least)
    return np.where(np.isin(values, special), np.nan, read)
