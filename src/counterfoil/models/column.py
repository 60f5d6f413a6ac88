"""Columns of numbers to learn from: values, whether each is known, and names of categories."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from counterfoil.models.artefact_parts import Monotone, Type
from counterfoil.models.binning import (
    Binned,
    Flags,
    Floats,
    Ints,
    Rules,
    apply_categories,
    apply_integers,
    bin_categories,
    bin_integers,
)
from counterfoil.models.recipe import Binning, Feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature of many cases."""

    feature: Feature
    #: Integers; false and true as 0 and 1; of texts the position in `names`, -1 where not known.
    values: Ints
    known: Flags
    names: list[str]

    def take(self, rows: Ints) -> "Column":
        """Return the column of some cases."""
        return Column(
            feature=self.feature,
            values=self.values[rows],
            known=self.known[rows],
            names=self.names,
        )

    def binned(self, bad: Flags, weight: Floats, binning: Binning) -> Binned:
        """Return the bins that these outcomes make of the column."""
        if self.feature.type is Type.TEXT:
            return bin_categories(self.values, self.names, bad, weight, binning.missing_rows_min)
        return bin_integers(self.values, self.known, bad, weight, _rules(self.feature, binning))

    def weighed(self, binned: Binned) -> Floats:
        """Return the weight of evidence of each case."""
        if self.feature.type is Type.TEXT:
            return apply_categories(binned, self.values, self.names)
        return apply_integers(binned, self.values, self.known)


def columns_of(frame: pl.DataFrame, features: Sequence[Feature]) -> list[Column]:
    """Return the columns of typed data, in the order of the features."""
    return [_column(frame[feature.name], feature) for feature in features]


def _column(series: pl.Series, feature: Feature) -> Column:
    known = series.is_not_null().to_numpy().astype(np.bool_)
    names: list[str] = []
    if feature.type is Type.TEXT:
        names = series.drop_nulls().unique().sort().to_list()
        codes = {name: place for place, name in enumerate(names)}
        series = series.replace_strict(codes, default=-1, return_dtype=pl.Int64)
    missing = -1 if feature.type is Type.TEXT else 0
    values = series.cast(pl.Int64).fill_null(missing).to_numpy().astype(np.int64)
    return Column(feature=feature, values=values, known=known, names=names)


def _rules(feature: Feature, binning: Binning) -> Rules:
    whole = feature.type is Type.BOOLEAN
    return Rules(
        monotone=Monotone(feature.monotone),
        prebins=binning.prebins,
        bin_share_min_ppm=0 if whole else binning.bin_share_min_ppm,
        missing_rows_min=binning.missing_rows_min,
        special=feature.special,
        splits=(1,) if whole else feature.splits,
    )
