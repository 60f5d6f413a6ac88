"""What a model must not learn from: columns that say nothing, say too much, or are no feature.

Leak        A feature that alone tells nearly everything, or far more than any other, is the outcome
            under another name until somebody has written down why not (`no_leak` in the recipe).
Judged on   The weight of evidence of the column's own bins, missing values included: that a value
            is missing can be the leak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from counterfoil.models.artefact_parts import Type
from counterfoil.models.binning import Flags, Floats
from counterfoil.models.column import Column
from counterfoil.models.data_columns import UnfitDataError
from counterfoil.models.ranking import PPM, area_ppm
from counterfoil.models.recipe import Recipe

#: Fewest rows to learn anything from.
ROWS_MIN: Final = 200
#: From so many rows on a column without a value that comes twice is a number of the row.
UNIQUE_ROWS_MIN: Final = 50
#: A single feature does not reach this area under the curve; the outcome itself does.
AREA_OF_OUTCOME_PPM: Final = 990_000
#: Nor this, unless somebody has said why.
AREA_SUSPECT_PPM: Final = 900_000
#: Nor is it so far above the next best one, once it is this good.
AREA_APART_PPM: Final = 150_000
AREA_APART_FROM_PPM: Final = 780_000
#: Below so many rows the simple card is more stable than the boosted one.
FEW_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the columns say one by one."""

    #: Area under the curve of each feature alone, ppm.
    areas_ppm: dict[str, int]


def check_outcomes(bad: Flags, recipe: Recipe) -> None:
    """Raise `UnfitDataError` where there are too few rows, or too few of one outcome."""
    bads, rows = int(bad.sum()), len(bad)
    least, name = recipe.slices.outcomes_min, recipe.data.target_column
    if bads in {0, rows}:
        kind = "good" if bads == 0 else "bad"
        raise UnfitDataError([(name, f"says {kind} in all {rows:,} rows; both are needed")])
    if rows < ROWS_MIN:
        reason = f"has {rows:,} rows to learn from; {ROWS_MIN:,} are the least"
        raise UnfitDataError([("the file", reason)])
    for kind, count in (("bad", bads), ("good", rows - bads)):
        if count < least:
            reason = f"says {kind} in {count:,} of {rows:,} rows; {least:,} are the least"
            raise UnfitDataError([(name, reason)])


def check_columns(columns: Sequence[Column], bad: Flags, weight: Floats, recipe: Recipe) -> Judged:
    """Return what each column says alone; raises `UnfitDataError` with every fault."""
    faults = [
        (column.feature.name, reason)
        for column in columns
        if (reason := _empty(column) or _identifier(column))
    ]
    if faults:
        raise UnfitDataError(faults)
    areas = {
        column.feature.name: area_ppm(
            -column.weighed(column.binned(bad, weight, recipe.binning)), bad
        )
        for column in columns
    }
    leaks = _leaks(columns, areas)
    if leaks:
        raise UnfitDataError(leaks)
    return Judged(areas_ppm=areas)


def _empty(column: Column) -> str | None:
    if not column.known.any():
        return "has no value in any row"
    values = column.values[column.known]
    if column.known.all() and bool((values == values[0]).all()):
        shown = column.names[0] if column.feature.type is Type.TEXT else int(values[0])
        return f"is {shown!r} in all rows, and tells nothing"
    return None


def _identifier(column: Column) -> str | None:
    values = column.values[column.known]
    if len(values) < UNIQUE_ROWS_MIN or column.feature.unique:
        return None
    if len(np.unique(values)) < len(values):
        return None
    return (
        "has another value in every row, as an identifier has; leave it out, or declare"
        " `unique = true` where that is right"
    )


def _leaks(columns: Sequence[Column], areas: dict[str, int]) -> list[tuple[str, str]]:
    ranked = sorted(areas.values(), reverse=True)
    found = []
    for column in columns:
        name, area = column.feature.name, areas[column.feature.name]
        shown = f"alone tells good from bad with an area of {area / PPM:.3f}"
        if area >= AREA_OF_OUTCOME_PPM:
            found.append((name, f"{shown}: it is the outcome under another name"))
        elif column.feature.no_leak is not None:
            continue
        elif area >= AREA_SUSPECT_PPM:
            found.append((name, f"{shown}; known before the decision? say why: `no_leak`"))
        elif (
            len(ranked) > 1
            and area == ranked[0]
            and area >= AREA_APART_FROM_PPM
            and area - ranked[1] >= AREA_APART_PPM
        ):
            next_best = f"the next best has {ranked[1] / PPM:.3f}"
            found.append((name, f"{shown}, {next_best}; say why it is no leak: `no_leak`"))
    return found
