"""Data to learn from: features in their declared types, outcomes, weights and periods.

Refused     Everything that would make a model look better than it is, or learn nothing, is refused
            with column and reason, and all of it at once: what is wrong in a file is wrong in many
            columns.
Missing     Stays missing; never zero.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from counterfoil.models.data_columns import UnfitDataError, as_words, converted, read_frame
from counterfoil.models.recipe import Recipe, Unknown

#: Values of a wrong outcome that a message lists.
_SHOWN: Final = 5
_PERIOD: Final = r"^(\d{4})-?(0[1-9]|1[0-2])(-\d{2}.*)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Rows to learn from; every series has the same length."""

    #: Features by name, in their declared types: Int64, String or Boolean.
    features: pl.DataFrame
    #: Whether the case went badly.
    bad: pl.Series
    #: Positive; all 1 where the recipe names no weight.
    weight: pl.Series
    #: Months as YYYY-MM, None where the recipe names no period.
    period: pl.Series | None
    #: SHA-256 of the file.
    sha256: str
    #: Rows that the recipe left out, by its reasons.
    excluded: dict[str, int]
    #: Rows of the test periods, which nothing here learns from.
    kept_for_test: int

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self.bad)


def read_training_data(path: Path, recipe: Recipe, *, with_test: bool = False) -> TrainingData:
    """Return what a recipe learns from; raises `UnfitDataError` with all columns and reasons.

    Rows of the test periods are left out unless they are asked for.
    """
    frame = read_frame(path)
    _check_columns(frame, recipe)
    frame, excluded = _without_exclusions(frame, recipe)
    faults: list[tuple[str, str]] = []
    bad = _outcomes(frame, recipe, faults)
    weight = _weights(frame, recipe, faults)
    period = _periods(frame, recipe, faults)
    features = _features(frame, recipe, faults)
    if faults:
        raise UnfitDataError(faults)
    data = TrainingData(
        features=features,
        bad=bad,
        weight=weight,
        period=period,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        excluded=excluded,
        kept_for_test=0,
    )
    return data if with_test else _before_test(data, recipe)


def _check_columns(frame: pl.DataFrame, recipe: Recipe) -> None:
    data = recipe.data
    wanted = {
        data.target_column: "the outcome",
        **{item.column: "rows are excluded by it" for item in data.exclusions},
        **{feature.name: "a feature" for feature in recipe.features},
        **dict.fromkeys(data.protected, "protected"),
    }
    more = {"the weight": data.weight, "the period": data.period}
    wanted |= {name: what for what, name in more.items() if name is not None}
    absent = [
        (name, f"is not a column of the file ({what})")
        for name, what in wanted.items()
        if name not in frame.columns
    ]
    if absent:
        raise UnfitDataError(absent)


def _without_exclusions(frame: pl.DataFrame, recipe: Recipe) -> tuple[pl.DataFrame, dict[str, int]]:
    excluded: dict[str, int] = {}
    for item in recipe.data.exclusions:
        hit = as_words(frame[item.column]).is_in(list(item.equals)).fill_null(value=False)
        excluded[item.reason] = excluded.get(item.reason, 0) + int(hit.sum())
        frame = frame.filter(~hit)
    if frame.height == 0:
        raise UnfitDataError([("the file", "has no rows left after the exclusions")])
    return frame, excluded


def _outcomes(frame: pl.DataFrame, recipe: Recipe, faults: list[tuple[str, str]]) -> pl.Series:
    data = recipe.data
    name = data.target_column
    words = as_words(frame[name])
    if missing := words.null_count():
        faults.append(
            (name, f"{missing:,} rows have no outcome; leave them out of the file, nobody guesses")
        )
    others = words.filter(~words.is_in([data.bad, data.good])).drop_nulls()
    if len(others):
        counts = others.value_counts(sort=True).head(_SHOWN)
        shown = ", ".join(f"{value!r} ({count:,})" for value, count in counts.iter_rows())
        faults.append(
            (name, f"is {data.bad!r} where bad and {data.good!r} where good; found {shown}")
        )
    return (words == data.bad).fill_null(value=False).alias("bad")


def _weights(frame: pl.DataFrame, recipe: Recipe, faults: list[tuple[str, str]]) -> pl.Series:
    name = recipe.data.weight
    if name is None:
        return pl.Series("weight", [1.0]).new_from_index(0, frame.height)
    weight = frame[name].cast(pl.Float64, strict=False).fill_nan(None)
    wrong = weight.is_null() | ~weight.fill_null(0).is_finite() | (weight.fill_null(0) <= 0)
    if wrong.any():
        faults.append((name, f"{wrong.sum():,} rows have a weight that is not above zero"))
    return weight.fill_null(1).alias("weight")


def _periods(
    frame: pl.DataFrame, recipe: Recipe, faults: list[tuple[str, str]]
) -> pl.Series | None:
    name = recipe.data.period
    if name is None:
        return None
    words = frame[name].cast(pl.String).str.strip_chars()
    parts = words.str.replace(_PERIOD, "${1}-${2}")
    wrong = ~words.str.contains(_PERIOD).fill_null(value=False)
    if wrong.any():
        row = wrong.arg_max()
        assert row is not None
        faults.append(
            (name, f"{wrong.sum():,} rows have no month (YYYY-MM); the first is {words[row]!r}")
        )
    return parts.alias("period")


def _features(frame: pl.DataFrame, recipe: Recipe, faults: list[tuple[str, str]]) -> pl.DataFrame:
    columns = []
    for feature in recipe.features:
        found = converted(frame[feature.name], feature.type, feature.scale)
        if found.fault is not None:
            faults.append((feature.name, found.fault))
        missing = found.values.null_count()
        if feature.unknown is Unknown.REFUSE and missing and found.fault is None:
            faults.append(
                (feature.name, f"is not known in {missing:,} rows, and may not be missing")
            )
        columns.append(found.values.alias(feature.name))
    return pl.DataFrame(columns)


def _before_test(data: TrainingData, recipe: Recipe) -> TrainingData:
    if recipe.slices.test_from is None or data.period is None:
        return data
    keep = data.period < recipe.slices.test_from
    if not keep.any():
        raise UnfitDataError(
            [(recipe.data.period or "", f"has no row before {recipe.slices.test_from}")]
        )
    return TrainingData(
        features=data.features.filter(keep),
        bad=data.bad.filter(keep),
        weight=data.weight.filter(keep),
        period=data.period.filter(keep),
        sha256=data.sha256,
        excluded=data.excluded,
        kept_for_test=len(keep) - int(keep.sum()),
    )
