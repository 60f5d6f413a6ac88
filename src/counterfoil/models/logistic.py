"""Logistic regression by iteratively reweighted least squares.

Units       Log odds of default; a coefficient is log odds for each unit of its column.
Bounds      At most 100 steps; a ridge of a millionth of the rows keeps columns that say the same
            apart, and perfect separation from running away.
Follows     McCullagh and Nelder, Generalized Linear Models, section 2.5.
"""

from typing import Final

import numpy as np

from counterfoil.models.binning import Flags, Floats

_STEPS_MAX: Final = 100
#: Coefficients are found when a step moves none of them by more.
CLOSE: Final = 1e-9
_RIDGE: Final = 1e-6


class NotConvergedError(ArithmeticError):
    """The regression found no end."""


def fit_logistic(
    columns: Floats,
    bad: Flags,
    weight: Floats,
    start: Floats | None = None,
    within: float = CLOSE,
) -> tuple[float, Floats]:
    """Return intercept and coefficients; `columns` has a row for each case.

    `start` is where to begin, intercept first: the result does not depend on it beyond `within`.
    """
    design = np.column_stack([np.ones(len(bad)), columns])
    outcome = bad.astype(np.float64)
    ridge = np.full(design.shape[1], _RIDGE * float(weight.sum()))
    ridge[0] = 0.0
    beta = np.zeros(design.shape[1]) if start is None else start
    if start is None:
        share = float((weight * outcome).sum() / weight.sum())
        beta[0] = np.log(share / (1 - share))

    def believed(at: Floats) -> float:
        log_odds = design @ at
        fit = weight * (outcome * log_odds - np.logaddexp(0, log_odds))
        return float(fit.sum() - (ridge * at**2).sum() / 2)

    reached = believed(beta)
    for _ in range(_STEPS_MAX):
        chance = probability(design @ beta)
        spread = weight * np.maximum(chance * (1 - chance), 1e-12)
        slope = design.T @ (weight * (outcome - chance)) - ridge * beta
        curve = design.T @ (design * spread[:, None]) + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        # Where columns nearly repeat each other a whole step overshoots: halve it until it helps.
        while (found := believed(beta + step)) < reached and float(np.abs(step).max()) >= within:
            step = step / 2
        beta, reached = beta + step, found
        if float(np.abs(step).max()) < within:
            return float(beta[0]), beta[1:]
    raise NotConvergedError("the logistic regression does not converge")


def probability(log_odds: Floats) -> Floats:
    """Return probabilities of log odds, without overflow at the ends."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -40, 40))))
