"""From scores to probabilities: Platt or isotonic, then a table of steps; monthly shifts.

Slice       Rows that nothing was learned from, the latest ones where there are periods.
Steps       A probability is a step of the score, in ppm, so that every engine gives the same.
Shift       Matured outcomes move all probabilities by one amount of log odds until the predicted
            number of defaults is the one that came; ranks stay. Its own calibration version.
Follows     Platt (1999), with his smoothed targets; Zadrozny and Elkan (2002) for isotonic.
"""

from typing import Final

import numpy as np

from counterfoil.models.artefact_parts import Calibration, Method, Unit
from counterfoil.models.binning import Flags, Floats, Ints
from counterfoil.models.logistic import fit_logistic, probability

PPM: Final = 1_000_000
#: Steps of a table: two neighbours differ by some percent of the probability at most.
STEPS: Final = 600
#: Fewest cases of a step of an isotonic table, so that one case makes no grade.
_ISOTONIC_CASES_MIN: Final = 50
#: A shift is found to this part of a log odd.
_SHIFT_WITHIN: Final = 1e-9
_SHIFT_MAX: Final = 20.0


def calibrate(
    risk: Floats,
    bad: Flags,
    weight: Floats,
    method: Method,
    *,
    unit: Unit,
    version: str,
    own: tuple[float, float],
) -> Calibration:
    """Return the table of a slice: `risk` are its scores as risk, in the model's own unit.

    Without a method the table holds the model's own chances: `own` are intercept and slope of its
    log odds over the risk.
    """
    match method:
        case Method.PLATT:
            return _platt(risk, bad, weight, unit, version)
        case Method.ISOTONIC:
            return _isotonic(risk, bad, weight, unit, version)
        case Method.NONE:
            return _line(risk, *own, method, unit, version)


def shifted(
    calibration: Calibration, totals: Ints, bad: Flags, weight: Floats, *, version: str
) -> Calibration:
    """Return the table whose predicted number of defaults is the one of these outcomes."""
    edges = np.asarray(calibration.edges, dtype=np.int64)
    table = np.clip(np.asarray(calibration.pd_ppm, dtype=np.float64) / PPM, 1e-6, 1 - 1e-6)
    log_odds = np.log(table / (1 - table))
    mass = np.bincount(
        np.searchsorted(edges, totals, side="right"), weights=weight, minlength=len(table)
    )
    wanted = float(weight[bad].sum())
    low, high = -_SHIFT_MAX, _SHIFT_MAX
    while high - low > _SHIFT_WITHIN:
        middle = (low + high) / 2
        if float((mass * probability(log_odds + middle)).sum()) < wanted:
            low = middle
        else:
            high = middle
    moved = np.rint(probability(log_odds + low) * PPM).astype(np.int64)
    return Calibration(
        version=version,
        method=calibration.method,
        edges=calibration.edges,
        pd_ppm=tuple(moved.tolist()),
    )


def _platt(risk: Floats, bad: Flags, weight: Floats, unit: Unit, version: str) -> Calibration:
    centre, width = float(risk.mean()), float(risk.std()) or 1.0
    scaled = ((risk - centre) / width)[:, None]
    # Platt's targets: each class is believed as far as Laplace's rule goes, by rows of both kinds.
    ones, zeros = float(weight[bad].sum()), float(weight[~bad].sum())
    rows = np.concatenate([scaled, scaled])
    outcome = np.concatenate([np.ones(len(bad), dtype=bool), np.zeros(len(bad), dtype=bool)])
    belief = np.where(bad, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    intercept, [slope] = fit_logistic(
        rows, outcome, np.concatenate([weight * belief, weight * (1 - belief)])
    )
    slope = max(float(slope), 0.0) / width
    return _line(risk, intercept - slope * centre, slope, Method.PLATT, unit, version)


def _line(
    risk: Floats, intercept: float, slope: float, method: Method, unit: Unit, version: str
) -> Calibration:
    low, high = int(np.floor(risk.min())), int(np.ceil(risk.max()))
    # Beyond the scores seen as much again: cases to come may be safer and riskier than these.
    reach = max(high - low, 1)
    edges = np.unique(
        np.rint(np.linspace(low - reach / 4, high + reach / 4, STEPS)).astype(np.int64)
    )
    width = float(edges[1] - edges[0]) if len(edges) > 1 else 1.0
    middles = np.concatenate([[edges[0] - width / 2], edges + width / 2])
    return _table(edges, probability(intercept + slope * middles), method, unit, version)


def _isotonic(risk: Floats, bad: Flags, weight: Floats, unit: Unit, version: str) -> Calibration:
    order = np.argsort(risk, kind="stable")
    ordered, outcome, mass = risk[order], bad[order].astype(np.float64), weight[order]
    starts: list[int] = []
    sums: list[float] = []
    cases: list[float] = []
    counts: list[int] = []
    firsts = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1]]))
    for place, end in zip(firsts, [*firsts[1:], len(ordered)], strict=True):
        starts.append(int(place))
        sums.append(float((mass[place:end] * outcome[place:end]).sum()))
        cases.append(float(mass[place:end].sum()))
        counts.append(int(end - place))
        while len(starts) > 1 and (
            sums[-2] * cases[-1] >= sums[-1] * cases[-2] or counts[-2] < _ISOTONIC_CASES_MIN
        ):
            starts.pop()
            for column in (sums, cases):
                column[-2:] = [column[-2] + column[-1]]
            counts[-2:] = [counts[-2] + counts[-1]]
    # The last step may be small: it is judged by its neighbour's cases as well.
    chance = (np.array(sums) + 0.5) / (np.array(cases) + 1)
    edges = np.rint(ordered[starts[1:]]).astype(np.int64)
    return _table(edges, np.maximum.accumulate(chance), Method.ISOTONIC, unit, version)


def _table(edges: Ints, chance: Floats, method: Method, unit: Unit, version: str) -> Calibration:
    """Return steps by risk as steps by score: points count the other way."""
    pd_ppm = np.rint(chance * PPM).astype(np.int64)
    keep = np.concatenate([[True], pd_ppm[1:] != pd_ppm[:-1]])
    edges, pd_ppm = edges[keep[1:]], pd_ppm[keep]
    if unit is Unit.POINTS:
        # Risk from e on is a score of at most -e: the step begins at the score after it.
        edges, pd_ppm = 1 - edges[::-1], pd_ppm[::-1]
    return Calibration(
        version=version,
        method=method,
        edges=tuple(edges.tolist()),
        pd_ppm=tuple(pd_ppm.tolist()),
    )
