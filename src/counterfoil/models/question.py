"""How a model is looked at: against which thresholds, reference and champion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.models.metrics import Cell
from counterfoil.models.thresholds import Thresholds
from counterfoil.models.validation_data import Cases

#: Share that is accepted where groups and models are compared, unless another is asked for.
APPROVAL_PPM: Final = 700_000
#: What a case that is paid back earns and one that is not loses, as shares of its amount.
MARGIN_PPM: Final = 80_000
LOSS_PPM: Final = 600_000

Interval = tuple[int, int]
#: Makes intervals from counts; needs the training extra, hence given and not imported.
Resample = Callable[[Sequence[Cell]], dict[str, Interval]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How a model is looked at."""

    #: SHA-256 of the file of cases, in hexadecimal.
    data_sha256: str
    thresholds: Thresholds
    approval_ppm: int = APPROVAL_PPM
    #: The present model, scored on the same cases; None where there is none.
    champion: Cases | None = None
    #: What the model was made for; None where no file says it.
    reference: Cases | None = None
    resample: Resample | None = None
    margin_ppm: int = MARGIN_PPM
    loss_ppm: int = LOSS_PPM
