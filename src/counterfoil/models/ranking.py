"""The area under the curve of a column of numbers, for training; ties count half."""

import numpy as np

from counterfoil.models.binning import Flags, Floats

PPM = 1_000_000


def area_ppm(risk: Floats, bad: Flags) -> int:
    """Return the chance, in ppm, that a bad case has the higher risk of one bad and one good."""
    ordered, places = np.unique(risk, return_inverse=True)
    bads = np.bincount(places[bad], minlength=len(ordered)).astype(np.float64)
    goods = np.bincount(places[~bad], minlength=len(ordered)).astype(np.float64)
    below = np.cumsum(goods) - goods
    won = float((bads * (below + goods / 2)).sum())
    return round(won / (float(bads.sum()) * float(goods.sum())) * PPM)
