"""Full gradient boosting, to tell what the additive form gives away; it never decides."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from counterfoil.models.artefact_parts import Type
from counterfoil.models.binning import Flags, Floats, Ints
from counterfoil.models.boosted import Outcomes, Tell, best_rounds, boost, parameters_of
from counterfoil.models.column import Column
from counterfoil.models.recipe import Boosting

LEAVES: Final = 31
LEARNING_RATE_PPM: Final = 50_000
BINS: Final = 255


def challenger_risk(
    columns: Sequence[Column],
    outcomes: Outcomes,
    rows: Ints,
    stopping: Flags,
    boosting: Boosting,
    *,
    seed: int,
    tell: Tell = lambda _done, _most: None,
) -> Floats:
    """Return the log odds that unconstrained boosting, learned on `rows`, gives to every row.

    `stopping` marks those of `rows` that end it.
    """
    matrix = np.column_stack([_as_number(column) for column in columns])
    parameters = {
        **parameters_of(boosting, seed),
        "learning_rate": LEARNING_RATE_PPM / 1_000_000,
        "max_bin": BINS,
        "num_leaves": LEAVES,
        "min_data_in_leaf": boosting.leaf_rows_min,
        "lambda_l2": boosting.l2,
    }
    learned = outcomes.take(rows)
    rounds = best_rounds(matrix[rows], learned, stopping, parameters, boosting, tell)
    booster = boost(matrix[rows], learned, parameters, rounds)
    return np.asarray(booster.predict(matrix, raw_score=True))


def _as_number(column: Column) -> Floats:
    # Categories by their place in the alphabet: trees of 31 leaves take them apart again.
    missing = column.feature.type is Type.TEXT
    values = column.values.astype(np.float64)
    return values if missing and column.known.all() else np.where(column.known, values, np.nan)
