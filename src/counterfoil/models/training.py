"""From data and a recipe to a model: slices, tables, calibration, figures.

Slices      Calibration first (the latest months, or a share drawn by the seed), then a share of the
            rest that tells boosting when to stop. Neither is seen by what it judges.
Same        The same data, recipe and seed give the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final

import numpy as np
import polars as pl

from counterfoil import __version__
from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Calibration, Json, Kind, Method, Training
from counterfoil.models.binning import Flags, Floats, Ints
from counterfoil.models.bulk_score import score_frame
from counterfoil.models.calibrating import calibrate
from counterfoil.models.column import Column, columns_of
from counterfoil.models.data_columns import UnfitDataError
from counterfoil.models.data_faults import FEW_ROWS, check_columns, check_outcomes
from counterfoil.models.fitted import Fitted
from counterfoil.models.ranking import PPM, area_ppm
from counterfoil.models.recipe import Feature, Recipe
from counterfoil.models.training_data import TrainingData
from counterfoil.models.woe_scorecard import fit_woe

#: Told what is being done, how much of it, and of how much.
Tell = Callable[[str, int, int], None]

#: Fewest bad and good cases to calibrate on; with fewer the slice says nothing.
CALIBRATION_OUTCOMES_MIN: Final = 20


def _silent(_what: str, _done: int, _most: int) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model, and what training said about it."""

    artefact: Artefact
    #: Area under the curve, ppm: on rows it learned from, on held-out ones, of each feature alone.
    figures: dict[str, Json]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """Row numbers of the slices."""

    learn: Ints
    #: Which of `learn` tell boosting when to stop.
    stopping: Flags
    calibrate: Ints


def train(
    data: TrainingData,
    recipe: Recipe,
    *,
    seed: int,
    with_challenger: bool = True,
    tell: Tell = _silent,
) -> Trained:
    """Return the model of a recipe; raises `UnfitDataError` where the data cannot carry one."""
    tell("looking at columns", 0, 1)
    columns = columns_of(data.features, recipe.features)
    bad = data.bad.to_numpy().astype(np.bool_)
    weight = data.weight.to_numpy().astype(np.float64)
    weight = weight * (len(weight) / weight.sum())
    check_outcomes(bad, recipe)
    cut = _cut(data, bad, recipe, seed)
    learn = [column.take(cut.learn) for column in columns]
    judged = check_columns(learn, bad[cut.learn], weight[cut.learn], recipe)
    fitted = fit(learn, bad[cut.learn], weight[cut.learn], cut.stopping, recipe, seed, tell)
    bare = _artefact(data, bad, recipe, fitted, seed)
    risk, scored = _risk(bare, data)
    held = cut.calibrate[scored[cut.calibrate]]
    calibration = calibrate(
        *(risk[held], bad[held], weight[held], recipe.calibration),
        unit=bare.unit,
        version=recipe.version,
        own=fitted.own_log_odds,
    )
    figures = _figures(risk, bad, cut.learn[scored[cut.learn]], held, recipe)
    figures |= {"features_alone_auc_ppm": dict(judged.areas_ppm), **fitted.figures}
    if with_challenger:
        figures |= _challenger(columns, bad, weight, cut, recipe, seed, tell)
    notes = _notes(data, cut, recipe, fitted)
    card = _card(data, recipe, fitted, figures, notes)
    return Trained(
        artefact=_complete(bare, calibration, card),
        figures=figures,
        notes=notes,
    )


def fit(
    columns: list[Column],
    bad: Flags,
    weight: Floats,
    stopping: Flags,
    recipe: Recipe,
    seed: int,
    tell: Tell = _silent,
) -> Fitted:
    """Return the tables of the recipe's kind, learned from these rows alone."""
    match recipe.kind:
        case Kind.WOE_SCORECARD:
            tell("weighing evidence", 0, 1)
            return fit_woe(columns, bad, weight, recipe.binning)
        case Kind.BOOSTED_SCORECARD:
            # Here, so that points cards are trained without LightGBM.
            from counterfoil.models.boosted import Outcomes, fit_boosted  # noqa: PLC0415

            return fit_boosted(
                columns,
                Outcomes(bad=bad, weight=weight),
                stopping,
                recipe.boosting,
                recipe.binning,
                seed=seed,
                tell=lambda done, most: tell("boosting", done, most),
            )


def stopping_slice(count: int, share_ppm: int, seed: int) -> Flags:
    """Return which of so many rows tell boosting when to stop, drawn by the seed."""
    chosen = np.zeros(count, dtype=np.bool_)
    order = np.random.default_rng([seed, 2]).permutation(count)
    chosen[order[: count * share_ppm // PPM]] = True
    return chosen


def _cut(data: TrainingData, bad: Flags, recipe: Recipe, seed: int) -> _Cut:
    rows, share = data.rows, recipe.slices.calibration_ppm
    calibrating = np.zeros(rows, dtype=np.bool_)
    if share and data.period is not None:
        calibrating = _latest(data.period, share)
    elif share:
        order = np.random.default_rng([seed, 1]).permutation(rows)
        calibrating[order[: rows * share // PPM]] = True
    learn = np.flatnonzero(~calibrating)
    chosen = np.flatnonzero(calibrating) if share else learn
    bads = int(bad[chosen].sum())
    if share and min(bads, len(chosen) - bads) < CALIBRATION_OUTCOMES_MIN:
        reason = (
            f"the slice for calibration has {bads:,} bad of {len(chosen):,} rows;"
            f" {CALIBRATION_OUTCOMES_MIN} of each kind are the least"
        )
        raise UnfitDataError([(recipe.data.target_column, reason)])
    return _Cut(
        learn=learn,
        stopping=stopping_slice(len(learn), recipe.slices.stopping_ppm, seed),
        calibrate=chosen,
    )


def _latest(period: pl.Series, share_ppm: int) -> Flags:
    """Return the rows of the latest months that make up the share, never all months."""
    months = period.value_counts().sort("period", descending=True)
    wanted = len(period) * share_ppm // PPM
    taken: list[str] = []
    rows = 0
    for month, count in months.iter_rows():
        if rows >= wanted or len(taken) == months.height - 1:
            break
        taken.append(month)
        rows += count
    if not taken:
        raise UnfitDataError([("period", "is one month; without a later one nothing calibrates")])
    return period.is_in(taken).to_numpy().astype(np.bool_)


def _artefact(
    data: TrainingData, bad: Flags, recipe: Recipe, fitted: Fitted, seed: int
) -> Artefact:
    return Artefact(
        code=recipe.code,
        version=recipe.version,
        kind=recipe.kind,
        target=recipe.target,
        training=Training(
            data_sha256=data.sha256,
            rows=data.rows,
            bad_ppm=round(float(bad.mean()) * PPM),
            seed=seed,
            code_version=__version__,
            parameters=fitted.parameters,
            period=_period(data),
        ),
        unit=fitted.unit,
        base=fitted.base,
        characteristics=fitted.characteristics,
        calibration=Calibration(version="", method=Method.NONE, edges=(), pd_ppm=(0,)),
        bands=recipe.bands,
        card={},
    )


def _complete(bare: Artefact, calibration: Calibration, card: dict[str, Json]) -> Artefact:
    return replace(bare, calibration=calibration, card=card)


def _period(data: TrainingData) -> dict[str, Json] | None:
    if data.period is None:
        return None
    return {"from": str(data.period.min()), "to": str(data.period.max())}


def _risk(bare: Artefact, data: TrainingData) -> tuple[Floats, Flags]:
    """Return the risk of each row in the model's unit, and whether it has one."""
    totals = score_frame(bare, data.features).total
    [sign] = bare.risks([1])
    scored = totals.is_not_null().to_numpy().astype(np.bool_)
    return sign * totals.fill_null(0).to_numpy().astype(np.float64), scored


def _figures(risk: Floats, bad: Flags, learn: Ints, held: Ints, recipe: Recipe) -> dict[str, Json]:
    figures: dict[str, Json] = {"learned_auc_ppm": area_ppm(risk[learn], bad[learn])}
    if recipe.slices.calibration_ppm:
        figures["auc_ppm"] = area_ppm(risk[held], bad[held])
        figures["auc_rows"] = len(held)
    return figures


def _challenger(
    columns: list[Column],
    bad: Flags,
    weight: Floats,
    cut: _Cut,
    recipe: Recipe,
    seed: int,
    tell: Tell,
) -> dict[str, Json]:
    if len(cut.learn) == len(bad) or find_spec("lightgbm") is None:
        return {}
    from counterfoil.models.boosted import Outcomes  # noqa: PLC0415 - as above
    from counterfoil.models.challenger import challenger_risk  # noqa: PLC0415

    risk = challenger_risk(
        columns,
        Outcomes(bad=bad, weight=weight),
        cut.learn,
        cut.stopping,
        recipe.boosting,
        seed=seed,
        tell=lambda done, most: tell("challenger", done, most),
    )
    held = cut.calibrate
    return {"challenger_auc_ppm": area_ppm(risk[held], bad[held])}


def _notes(data: TrainingData, cut: _Cut, recipe: Recipe, fitted: Fitted) -> tuple[str, ...]:
    notes = [*fitted.notes]
    notes += [f"{name}: left out, {reason}" for name, reason in fitted.left_out.items()]
    if recipe.kind is Kind.BOOSTED_SCORECARD and len(cut.learn) < FEW_ROWS:
        notes.append(
            f"learned from {len(cut.learn):,} rows: below {FEW_ROWS:,} the points card is steadier"
        )
    if not recipe.slices.calibration_ppm:
        notes.append("calibrated on the rows it learned from: probabilities are too sure")
    if data.kept_for_test:
        notes.append(f"{data.kept_for_test:,} rows of later periods were kept for validation")
    return tuple(notes)


def _card(
    data: TrainingData,
    recipe: Recipe,
    fitted: Fitted,
    figures: dict[str, Json],
    notes: tuple[str, ...],
) -> dict[str, Json]:
    return {
        **recipe.card,
        "exclusions": dict(data.excluded),
        "kept_for_test": data.kept_for_test,
        "protected": list(recipe.data.protected),
        "features": {
            feature.name: _feature_card(feature, data.features[feature.name])
            for feature in recipe.features
            if feature.name not in fitted.left_out
        },
        "left_out": dict(fitted.left_out),
        "reasons": {code: dict(texts) for code, texts in recipe.reasons.items()},
        "figures": figures,
        "notes": list(notes),
    }


def _feature_card(feature: Feature, values: pl.Series) -> Json:
    card: dict[str, Json] = {
        "type": str(feature.type),
        "scale": feature.scale,
        "direction": str(feature.monotone),
        "unknown": str(feature.unknown),
        "missing_ppm": round(values.null_count() / len(values) * PPM),
        "special": list(feature.special),
        "meaning": feature.meaning,
        "source": feature.source,
        "basis": feature.basis,
        "no_leak": feature.no_leak,
    }
    if values.dtype == pl.Int64:
        card |= {"least": _whole(values.min()), "most": _whole(values.max())}
    return card


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
