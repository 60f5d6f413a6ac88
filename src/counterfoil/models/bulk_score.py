"""Scoring whole files with a model's tables: the same sums as one by one, column by column.

Shapes      A frame with one column a feature, named as the feature; other columns do not matter. A
            column that is not there is a feature that nobody knows.
Bins        A feature's bin is the number of its table's cell: of its values in their order, of its
            categories in theirs; then the cell of categories outside the list, then that of values
            that are not known.
Invariant   Every case has the score that `Artefact.score` gives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Final

import polars as pl

from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Characteristic, Type

#: What files of text write for false and true.
_BOOLEANS: Final = {"0": False, "1": True, "false": False, "true": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature of a file as the model's table reads it."""

    feature: str
    #: Number of the table's cell of each case.
    bins: pl.Series
    #: Name of each cell, in the order of the numbers; the last one is that of unknown values.
    names: tuple[str, ...]
    #: What a case in each cell adds; None where the score is left unknown.
    amounts: tuple[int | None, ...]
    #: Values that are not there.
    missing: int
    #: Values of another type, which count as not known.
    rejected: int
    #: Categories outside the list.
    unseen: int
    #: Values beyond those of training; None where the model's card does not say which were.
    outside: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkScores:
    """A file's scores, case by case, and the bins they came from."""

    #: In the unit of the model; null where a feature is not known that may not be missing.
    total: pl.Series
    #: Ppm; null where the score is.
    pd_ppm: pl.Series
    columns: Mapping[str, Column]


def score_frame(artefact: Artefact, frame: pl.DataFrame) -> BulkScores:
    """Return the scores of a file."""
    columns = {
        item.feature: read_column(item, frame, span=_span(artefact, item.feature))
        for item in artefact.characteristics
    }
    parts = [_amounts(column) for column in columns.values()]
    base = pl.Series("total", [artefact.base], dtype=pl.Int64).new_from_index(0, frame.height)
    total = reduce(add, parts, base).alias("total")
    calibration = artefact.calibration
    return BulkScores(
        total=total,
        pd_ppm=_look_up(total, calibration.edges, calibration.pd_ppm).alias("pd_ppm"),
        columns=columns,
    )


def risk_of(artefact: Artefact, scores: BulkScores) -> pl.Series:
    """Return the scores as risk: higher is riskier, whatever the unit."""
    [sign] = artefact.risks([1])
    return (scores.total * sign).alias("risk")


def read_column(
    item: Characteristic, frame: pl.DataFrame, *, span: tuple[int, int] | None = None
) -> Column:
    """Return one feature's bins, and how many values the table could not use.

    `span` are the least and the greatest value of training.
    """
    if item.feature in frame.columns:
        given = frame.get_column(item.feature)
    else:
        given = pl.Series(item.feature, [None], dtype=pl.Null).new_from_index(0, frame.height)
    missing = given.null_count() + _not_a_number(given)
    known = _typed(item, given)
    rejected = known.null_count() - missing
    if item.type is Type.TEXT:
        return _text_column(item, known, missing, rejected)
    edges = pl.Series(item.edges, dtype=pl.Int64)
    numbers = known.cast(pl.Int64)
    bins = edges.search_sorted(numbers, side="right").cast(pl.Int32)
    unknown = len(item.values)
    bins = pl.select(pl.when(numbers.is_null()).then(unknown).otherwise(bins)).to_series()
    return Column(
        feature=item.feature,
        bins=bins.cast(pl.Int32).alias(item.feature),
        names=(*_interval_names(item), ""),
        amounts=(*item.values, item.unknown),
        missing=missing,
        rejected=rejected,
        unseen=0,
        outside=None if span is None else int((~numbers.is_between(*span)).sum() or 0),
    )


def _span(artefact: Artefact, feature: str) -> tuple[int, int] | None:
    """Return what the card says of the values of training; None where it says nothing."""
    features = artefact.card.get("features")
    said = features.get(feature) if isinstance(features, dict) else None
    if not isinstance(said, dict):
        return None
    least, most = said.get("least"), said.get("most")
    return (least, most) if isinstance(least, int) and isinstance(most, int) else None


def _text_column(item: Characteristic, known: pl.Series, missing: int, rejected: int) -> Column:
    names = list(item.categories)
    other = len(names)
    places: dict[str, int] = {name: number for number, name in enumerate(names)}
    bins = (
        known.replace_strict(places, default=other, return_dtype=pl.Int32)
        if places
        else pl.Series([other], dtype=pl.Int32).new_from_index(0, len(known))
    )
    bins = pl.select(pl.when(known.is_null()).then(other + 1).otherwise(bins)).to_series()
    return Column(
        feature=item.feature,
        bins=bins.cast(pl.Int32).alias(item.feature),
        names=(*names, "*", ""),
        amounts=(*item.categories.values(), item.values[0], item.unknown),
        missing=missing,
        rejected=rejected,
        unseen=int((bins == other).sum()),
    )


def _interval_names(item: Characteristic) -> tuple[str, ...]:
    if item.type is Type.BOOLEAN:
        return ("false", "true")
    if not item.edges:
        return ("…",)
    inner = [
        f"{low:,}" if high == low + 1 else f"{low:,} … {high - 1:,}"
        for low, high in pairwise(item.edges)
    ]
    return (f"< {item.edges[0]:,}", *inner, f"≥ {item.edges[-1]:,}")


def _typed(item: Characteristic, given: pl.Series) -> pl.Series:
    """Return the values of the feature's type; the others are null."""
    kind = given.dtype
    match item.type:
        case Type.TEXT:
            return given if kind == pl.String else _nothing(given, pl.String)
        case Type.BOOLEAN:
            if kind == pl.Boolean:
                return given
            if kind.is_numeric():
                # Files of text have no booleans: 0 and 1 are what they write.
                numbers = _whole(given)
                return pl.select(pl.when(numbers.is_in([0, 1])).then(numbers)).to_series()
            if kind == pl.String:
                words = given.str.strip_chars().str.to_lowercase()
                return words.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
            return _nothing(given, pl.Boolean)
        case Type.INTEGER:
            if kind == pl.String:
                return given.str.strip_chars().cast(pl.Int64, strict=False)
            return _whole(given) if kind.is_numeric() else _nothing(given, pl.Int64)


def _whole(given: pl.Series) -> pl.Series:
    """Return whole numbers; a fraction, an infinity and what a 64-bit integer cannot hold go."""
    if given.dtype.is_float():
        whole = pl.select(pl.when(given == given.floor()).then(given)).to_series()
        return whole.cast(pl.Int64, strict=False)
    return given.cast(pl.Int64, strict=False)


def _not_a_number(given: pl.Series) -> int:
    """Return how many values are what a program writes where there is no number."""
    return int(given.is_nan().sum() or 0) if given.dtype.is_float() else 0


def _nothing(given: pl.Series, kind: type[pl.DataType]) -> pl.Series:
    return pl.Series(given.name, [None], dtype=kind).new_from_index(0, len(given))


def _amounts(column: Column) -> pl.Series:
    return pl.Series(column.amounts, dtype=pl.Int64).gather(column.bins)


def _look_up(total: pl.Series, edges: tuple[int, ...], values: tuple[int, ...]) -> pl.Series:
    places = pl.Series(edges, dtype=pl.Int64).search_sorted(total, side="right")
    found = pl.Series(values, dtype=pl.Int64).gather(places)
    return pl.select(pl.when(total.is_not_null()).then(found)).to_series()
