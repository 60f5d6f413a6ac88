"""A boosted scorecard: gradient boosting in which each tree reads one feature, as integer tables.

Additive    `interaction_constraints` let a tree see one column only, so the sum of the trees is a
            sum of tables, and every contribution is exact.
Columns     A feature is one column of the booster, or two: a u-shape is a falling column below its
            lowest bin and a rising one above it; special codes have a column of their own. A text
            is the rank of its category by bad rate.
Stopping    On a slice; then the same number of rounds on all rows.
Missing     A value that no row misses has no amount for "not known": the booster would take zero.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np

from counterfoil.models.artefact_parts import Monotone, Type, Unit
from counterfoil.models.binning import Flags, Floats, Ints
from counterfoil.models.column import Column
from counterfoil.models.fitted import Fitted, NothingLearnedError, notes_of, table_of
from counterfoil.models.recipe import Binning, Boosting
from counterfoil.models.unrolling import Part, check_tables, rounded, unroll

PPM: Final = 1_000_000
_DIRECTIONS: Final = {Monotone.UP: 1, Monotone.DOWN: -1, Monotone.NONE: 0}

#: Told after each round: rounds so far, and the most that there can be.
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What came of the cases, and how they count."""

    bad: Flags
    weight: Floats

    def take(self, rows: Ints) -> "Outcomes":
        """Return those of some cases."""
        return Outcomes(bad=self.bad[rows], weight=self.weight[rows])


def fit_boosted(
    columns: Sequence[Column],
    outcomes: Outcomes,
    stopping: Flags,
    boosting: Boosting,
    binning: Binning,
    *,
    seed: int,
    tell: Tell = lambda _done, _most: None,
) -> Fitted:
    """Return the boosted scorecard of these outcomes; `stopping` marks the slice that ends it."""
    parts = [part for column in columns for part in _parts(column, outcomes, binning)]
    matrix = np.column_stack([part.values for part in parts])
    parameters = {
        **parameters_of(boosting, seed),
        "num_leaves": boosting.leaves,
        "min_data_in_leaf": boosting.leaf_rows_min,
        "interaction_constraints": [[place] for place in range(len(parts))],
        "monotone_constraints": [part.direction for part in parts],
    }
    rounds = best_rounds(matrix, outcomes, stopping, parameters, boosting, tell)
    booster = boost(matrix, outcomes, parameters, rounds)
    unrolled = unroll(booster, columns, parts)
    error = check_tables(unrolled, booster, columns, matrix)
    base, tables = rounded(unrolled)
    used = tuple(
        table_of(column.feature, tables[column.feature.name], Unit.LOG_ODDS_E6)
        for column in columns
        if column.feature.name in tables
    )
    if not used:
        raise NothingLearnedError("no feature tells good cases from bad ones")
    features = {column.feature.name: column.feature for column in columns}
    return Fitted(
        unit=Unit.LOG_ODDS_E6,
        base=base,
        characteristics=used,
        own_log_odds=(0.0, 1 / PPM),
        left_out={name: "no tree reads it" for name in features if name not in tables},
        notes=notes_of(features, used),
        figures={"trees": rounds, "table_error_e18": round(error * 10**18)},
        parameters={
            "leaves": boosting.leaves,
            "learning_rate_ppm": boosting.learning_rate_ppm,
            "bins": boosting.bins,
            "leaf_rows_min": boosting.leaf_rows_min,
            "l2": boosting.l2,
            "rounds": rounds,
            "lightgbm": lightgbm.__version__,
        },
    )


def parameters_of(boosting: Boosting, seed: int) -> dict[str, Any]:
    """Return what every booster of this house has in common: the same bits on every run."""
    return {
        "objective": "binary",
        "learning_rate": boosting.learning_rate_ppm / PPM,
        "max_bin": boosting.bins,
        "lambda_l2": boosting.l2,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def best_rounds(
    matrix: Floats,
    outcomes: Outcomes,
    stopping: Flags,
    parameters: Mapping[str, Any],
    boosting: Boosting,
    tell: Tell,
) -> int:
    """Return after how many rounds the slice for stopping is foreseen best."""
    train = _dataset(matrix[~stopping], outcomes.take(np.flatnonzero(~stopping)), parameters)
    judge = _dataset(matrix[stopping], outcomes.take(np.flatnonzero(stopping)), parameters, train)

    def after_round(state: Any) -> None:
        tell(state.iteration + 1, boosting.rounds_max)

    booster = lightgbm.train(
        dict(parameters),
        train,
        num_boost_round=boosting.rounds_max,
        valid_sets=[judge],
        callbacks=[
            lightgbm.early_stopping(boosting.patience, verbose=False),
            after_round,
        ],
    )
    return max(1, int(booster.best_iteration))


def boost(
    matrix: Floats, outcomes: Outcomes, parameters: Mapping[str, Any], rounds: int
) -> lightgbm.Booster:
    """Return the booster of all rows after so many rounds."""
    return lightgbm.train(
        dict(parameters), _dataset(matrix, outcomes, parameters), num_boost_round=rounds
    )


def _dataset(
    matrix: Floats,
    outcomes: Outcomes,
    parameters: Mapping[str, Any],
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        matrix,
        label=outcomes.bad.astype(np.float64),
        weight=outcomes.weight,
        reference=reference,
        params=dict(parameters),
        free_raw_data=True,
    )


def _parts(column: Column, outcomes: Outcomes, binning: Binning) -> list[Part]:
    feature = column.feature
    if feature.type is Type.TEXT:
        return [_ranked(column, outcomes)]
    special = np.isin(column.values, feature.special) & column.known
    ordinary = column.known & ~special
    values = np.where(ordinary, column.values.astype(np.float64), np.nan)
    if feature.monotone is Monotone.U_SHAPE:
        turn = _lowest(column, outcomes, binning)
        name = feature.name
        parts = [
            Part(feature=name, values=np.minimum(values, turn), direction=-1, most=turn),
            Part(feature=name, values=np.maximum(values, turn), direction=1, least=turn),
        ]
    else:
        direction = _DIRECTIONS[feature.monotone]
        parts = [Part(feature=feature.name, values=values, direction=direction)]
    if feature.special:
        places = np.zeros(len(values))
        for place, code in enumerate(feature.special, start=1):
            places[special & (column.values == code)] = place
        parts.append(Part(feature=feature.name, values=places, direction=0, codes=feature.special))
    return parts


def _ranked(column: Column, outcomes: Outcomes) -> Part:
    """Return a text as ranks of its categories by bad rate; unseen ones rank as the average."""
    mass = np.bincount(
        column.values[column.known],
        weights=outcomes.weight[column.known],
        minlength=len(column.names),
    )
    share = float(outcomes.weight[outcomes.bad].sum() / outcomes.weight.sum())
    bad = np.bincount(
        column.values[column.known],
        weights=(outcomes.weight * outcomes.bad)[column.known],
        minlength=len(column.names),
    )
    # Rates are pulled towards the average by as much as ten cases: small categories are chance.
    rate = (bad + 10 * share) / (mass + 10)
    order = np.argsort(np.append(rate, share), kind="stable")
    ranks = np.empty(len(order), dtype=np.float64)
    ranks[order] = np.arange(len(order))
    values = np.where(column.known, ranks[column.values], np.nan)
    return Part(
        feature=column.feature.name,
        values=values,
        direction=0,
        categories=dict(zip(column.names, ranks[:-1].astype(int).tolist(), strict=True)),
        unseen=int(ranks[-1]),
    )


def _lowest(column: Column, outcomes: Outcomes, binning: Binning) -> int:
    """Return a value in the bin with the fewest bad cases: where the u-shape turns."""
    binned = column.binned(outcomes.bad, outcomes.weight, binning)
    place = int(np.argmax(binned.woe))
    if not binned.edges:
        return 0
    return binned.edges[0] - 1 if place == 0 else binned.edges[place - 1]
