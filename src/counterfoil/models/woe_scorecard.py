"""A points card: weights of evidence, a logistic regression on them, points that are integers.

Signs       More evidence for a good case has to mean less risk: a feature whose coefficient says
            otherwise repeats others, and is left out, the worst first.
Points      round(-factor x contribution), factor = points to double the odds / ln 2.
Reported    What rounding to points costs, as area under the curve.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from counterfoil.models.artefact_parts import Json, Unit
from counterfoil.models.binning import Binned, Flags, Floats
from counterfoil.models.column import Column
from counterfoil.models.fitted import Fitted, NothingLearnedError, Steps, notes_of, table_of
from counterfoil.models.logistic import CLOSE, fit_logistic
from counterfoil.models.ranking import area_ppm
from counterfoil.models.recipe import Binning

PPM: Final = 1_000_000
#: A weight below this tells nothing.
_NOTHING: Final = 1e-9
#: Coefficients this close are good enough to see their signs.
_ROUGHLY: Final = 1e-3


def fit_woe(columns: Sequence[Column], bad: Flags, weight: Floats, binning: Binning) -> Fitted:
    """Return the points card of these outcomes."""
    binned = {column.feature.name: column.binned(bad, weight, binning) for column in columns}
    left_out: dict[str, str] = {}
    weighed: dict[str, Floats] = {}
    for column in columns:
        name = column.feature.name
        evidence = column.weighed(binned[name])
        if float(np.abs(evidence).max()) < _NOTHING:
            left_out[name] = "tells nothing once it is binned"
        else:
            weighed[name] = evidence
    intercept, beta = _with_right_signs(weighed, bad, weight, left_out)
    factor = binning.points_to_double_odds / math.log(2)
    offset = binning.points_base - factor * math.log(binning.odds_base)
    features = {column.feature.name: column.feature for column in columns}
    tables = tuple(
        table_of(features[name], _steps(binned[name], -factor * slope), Unit.POINTS)
        for name, slope in beta.items()
    )
    log_odds = intercept + sum(slope * weighed[name] for name, slope in beta.items())
    points = sum(np.rint(-factor * slope * weighed[name]) for name, slope in beta.items())
    exact, rounded = area_ppm(np.asarray(log_odds), bad), area_ppm(-np.asarray(points), bad)
    return Fitted(
        unit=Unit.POINTS,
        base=round(offset - factor * intercept),
        characteristics=tables,
        own_log_odds=(offset / factor, 1 / factor),
        left_out=left_out,
        notes=notes_of(features, tables),
        figures={
            "auc_ppm_lost_to_rounding": exact - rounded,
            "binning": {name: _table(found) for name, found in binned.items()},
        },
        parameters={
            "prebins": binning.prebins,
            "bin_share_min_ppm": binning.bin_share_min_ppm,
            "missing_rows_min": binning.missing_rows_min,
            "points_to_double_odds": binning.points_to_double_odds,
            "points_base": binning.points_base,
            "odds_base": binning.odds_base,
        },
    )


def _with_right_signs(
    weighed: Mapping[str, Floats], bad: Flags, weight: Floats, left_out: dict[str, str]
) -> tuple[float, dict[str, float]]:
    names = list(weighed)
    columns = np.column_stack([weighed[name] for name in names]) if names else np.empty((0, 0))
    start: Floats | None = None
    within = _ROUGHLY
    while names:
        intercept, found = fit_logistic(columns, bad, weight, start, within)
        start = np.concatenate([[intercept], found])
        worst = int(found.argmax())
        if found[worst] < 0 and within > CLOSE:
            within = CLOSE  # All signs are right: now to the last digit, and look again.
            continue
        if found[worst] < 0:
            return intercept, dict(zip(names, map(float, found), strict=True))
        left_out[names.pop(worst)] = "its coefficient has the wrong sign beside the others"
        columns = np.delete(columns, worst, axis=1)
        start = np.delete(start, worst + 1)
    raise NothingLearnedError("no feature tells good cases from bad ones")


def _steps(binned: Binned, points: float) -> Steps:
    return Steps(
        edges=binned.edges,
        values=tuple(round(points * woe) for woe in binned.woe),
        categories={name: round(points * woe) for name, woe in binned.categories.items()},
        missing=round(points * binned.woe_missing) if binned.saw_missing else None,
    )


def _table(binned: Binned) -> list[Json]:
    """Return a binning table as integers: counts, bad rate, weight and value in ppm."""
    return [
        {
            "bin": item.name,
            "rows": item.rows,
            "bad_ppm": None if item.bad_rate is None else round(item.bad_rate * PPM),
            "woe_e6": round(item.woe * PPM),
            "iv_ppm": round(item.iv * PPM),
        }
        for item in binned.table
    ]
