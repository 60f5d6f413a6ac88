"""Reasons of whole files: for each case what held its score down, the most first.

Invariant   Every case has the reasons that `Score.reasons` gives it.
Form        A case's shortfall at a feature and the feature's place make one integer, so that
            ranking codes is sorting integers.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Characteristic
from counterfoil.models.bulk_score import BulkScores, Column

REASONS_COUNT: Final = 4
#: Above the number of places: two for each feature, known and not.
_PLACES: Final = 1 << 12
#: Largest shortfall whose key fits 64 bits.
_SHORTFALL_MAX: Final = 1 << 50


def reasons_frame(artefact: Artefact, scores: BulkScores) -> pl.DataFrame:
    """Return columns reason_1 … reason_4, null where there are fewer."""
    codes: list[str] = []
    keys: dict[str, list[pl.Series]] = {}
    for place, item in enumerate(artefact.characteristics):
        column = scores.columns[item.feature]
        known, unknown = _keys(artefact, item, column, place)
        codes += [item.reason, item.reason_unknown]
        keys.setdefault(item.reason, []).append(known)
        keys.setdefault(item.reason_unknown, []).append(unknown)
    names = [f"code_{number}" for number in range(len(keys))]
    best = pl.DataFrame(
        [_greatest(found).alias(name) for name, found in zip(names, keys.values(), strict=True)]
    )
    ranked = best.select(
        pl.concat_list(names).list.sort(descending=True).list.head(REASONS_COUNT).alias("keys")
    )
    by_place = dict(enumerate(codes))
    return ranked.select(
        _code(pl.col("keys").list.get(number, null_on_oob=True), by_place).alias(
            f"reason_{number + 1}"
        )
        for number in range(REASONS_COUNT)
    )


def _keys(
    artefact: Artefact, item: Characteristic, column: Column, place: int
) -> tuple[pl.Series, pl.Series]:
    """Return for each case its key at a feature, as a value that is known and as one that is not.

    The other of the two is 0, as is a value that loses nothing.
    """
    best = min(artefact.risks(item.attainable()))
    losses = [
        0 if amount is None else max(0, artefact.risks([amount])[0] - best)
        for amount in column.amounts
    ]
    assert max(losses) <= _SHORTFALL_MAX, "a key has 64 bits"
    # Of equal losses the feature that stands first in the model comes first.
    known = [_key(loss, 2 * place) for loss in losses[:-1]] + [0]
    unknown = [0] * (len(losses) - 1) + [_key(losses[-1], 2 * place + 1)]
    return _gathered(known, column.bins), _gathered(unknown, column.bins)


def _key(loss: int, place: int) -> int:
    return loss * _PLACES + (_PLACES - 1 - place) if loss else 0


def _gathered(keys: Sequence[int], bins: pl.Series) -> pl.Series:
    return pl.Series(keys, dtype=pl.Int64).gather(bins.cast(pl.UInt32))


def _greatest(columns: Sequence[pl.Series]) -> pl.Series:
    frame = pl.DataFrame([column.alias(str(number)) for number, column in enumerate(columns)])
    return frame.max_horizontal()


def _code(key: pl.Expr, by_place: dict[int, str]) -> pl.Expr:
    place = _PLACES - 1 - key % _PLACES
    code = place.replace_strict(by_place, default=None, return_dtype=pl.String)
    return pl.when(key > 0).then(code)
