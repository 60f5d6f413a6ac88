"""What is read of a frame: each feature's usable values, and where a value counts as unknown."""

import polars as pl

from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.polars_text import Texts
from counterfoil.decisioning.rule_types import ValueType


def usable(feature: Feature, texts: Texts) -> pl.Expr:
    """Return the usable value of a feature: of its type, within its range, or null."""
    typed = _typed(feature, texts)
    match feature.type:
        case ValueType.INTEGER:
            return pl.when(typed.is_between(feature.lowest, feature.highest)).then(typed)
        case ValueType.BOOLEAN:
            return typed
        case ValueType.TEXT:
            own = [texts.number(value) for value in feature.values]
            if len(own) == len(texts.texts):
                return typed
            series = pl.Series(own, dtype=pl.UInt32)
            return pl.when(typed.is_in(series.implode())).then(typed)


def outside(feature: Feature, texts: Texts) -> pl.Expr:
    """Return whether a value was given that counts as unknown."""
    if feature.type is ValueType.BOOLEAN:
        return pl.lit(value=False)
    return pl.col(feature.name).is_not_null() & usable(feature, texts).is_null()


def _typed(feature: Feature, texts: Texts) -> pl.Expr:
    raw = pl.col(feature.name)
    match feature.type:
        case ValueType.INTEGER:
            return raw.cast(pl.Int64)
        case ValueType.BOOLEAN:
            return raw
        case ValueType.TEXT:
            known = pl.Enum(texts.texts)
            return raw.cast(known, strict=False).to_physical().cast(pl.UInt32)
