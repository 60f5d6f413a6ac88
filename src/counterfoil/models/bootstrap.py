"""Intervals of rank order by resampling; part of the training extra (numpy)."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from counterfoil.models.metrics import PPM, Cell

#: The middle share of the resamples that an interval holds: 95 %.
_TAIL: Final = 0.025


def intervals(cells: Sequence[Cell], *, seed: int, times: int = 200) -> dict[str, tuple[int, int]]:
    """Return 95 % intervals of AUC, Gini and KS in ppm: the percentiles of resampled counts.

    Cases are drawn with replacement, good and bad together, from counts in ascending order of risk.
    """
    good = np.array([cell.good for cell in cells], dtype=np.int64)
    bad = np.array([cell.bad for cell in cells], dtype=np.int64)
    counts = np.concatenate([good, bad])
    total = int(counts.sum())
    generator = np.random.default_rng(seed)
    areas, distances = [], []
    for _ in range(times):
        drawn = generator.multinomial(total, counts / total)
        goods, bads = drawn[: len(good)], drawn[len(good) :]
        below = np.cumsum(goods)
        whole_good, whole_bad = int(below[-1]), int(bads.sum())
        if whole_good == 0 or whole_bad == 0:
            continue
        wins = float((bads * (below - goods / 2)).sum())
        areas.append(wins / (whole_good * whole_bad))
        gaps = below / whole_good - np.cumsum(bads) / whole_bad
        distances.append(float(np.abs(gaps).max()))
    if not areas:
        return {}
    auc, ks = _middle(areas), _middle(distances)
    return {"auc_ppm": auc, "gini_ppm": (2 * auc[0] - PPM, 2 * auc[1] - PPM), "ks_ppm": ks}


def _middle(values: Sequence[float]) -> tuple[int, int]:
    low, high = np.quantile(np.array(values), [_TAIL, 1 - _TAIL])
    return round(float(low) * PPM), round(float(high) * PPM)
