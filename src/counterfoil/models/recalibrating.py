"""A model with probabilities brought to matured outcomes; its tables and its ranks stay."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Method
from counterfoil.models.binning import Floats
from counterfoil.models.bulk_score import score_frame
from counterfoil.models.calibrating import calibrate, shifted
from counterfoil.models.data_columns import UnfitDataError
from counterfoil.models.training_data import TrainingData

PPM: Final = 1_000_000
#: Fewest bad and good cases that can move all probabilities.
OUTCOMES_MIN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrated:
    """The model, and what was predicted before and after."""

    artefact: Artefact
    rows: int
    actual_ppm: int
    before_ppm: int
    after_ppm: int


def recalibrate(
    artefact: Artefact,
    data: TrainingData,
    *,
    version: str,
    month: str | None,
    is_fitted_again: bool,
) -> Recalibrated:
    """Return the model whose mean probability is the share of bad cases of a month, or of all."""
    scores = score_frame(artefact, data.features)
    used = scores.total.is_not_null()
    if month is not None:
        if data.period is None:
            raise UnfitDataError([("the recipe", "names no column of periods: data.period")])
        used &= data.period == month
    bad = data.bad.filter(used).to_numpy().astype(np.bool_)
    weight = data.weight.filter(used).to_numpy().astype(np.float64)
    totals = scores.total.filter(used).to_numpy().astype(np.int64)
    bads = int(bad.sum())
    if min(bads, len(bad) - bads) < OUTCOMES_MIN:
        reason = f"says bad in {bads:,} of {len(bad):,} rows; {OUTCOMES_MIN} of each kind are the"
        raise UnfitDataError([("the outcome", f"{reason} least to calibrate by")])
    before = artefact.calibration
    if is_fitted_again:
        [sign] = artefact.risks([1])
        method = Method.PLATT if before.method is Method.NONE else before.method
        after = calibrate(
            *((sign * totals).astype(np.float64), bad, weight, method),
            unit=artefact.unit,
            version=version,
            own=(0.0, 0.0),
        )
    else:
        after = shifted(before, totals, bad, weight, version=version)
    changed = artefact.recalibrated(after)
    moved = replace(changed, card={**artefact.card, "calibrated_by_sha256": data.sha256})
    return Recalibrated(
        artefact=moved,
        rows=len(bad),
        actual_ppm=round(float((weight * bad).sum() / weight.sum()) * PPM),
        before_ppm=_mean(artefact, data, used, weight),
        after_ppm=_mean(moved, data, used, weight),
    )


def _mean(artefact: Artefact, data: TrainingData, used: pl.Series, weight: Floats) -> int:
    pd_ppm = score_frame(artefact, data.features).pd_ppm.filter(used).to_numpy()
    return round(float((weight * pd_ppm).sum() / weight.sum()))
