"""The value axis of a chart: round ticks that enclose the figures, and coordinates as text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TICKS_WANTED: Final = 4
#: Steps of an axis that ends where its figures end, so that a tick or two may fall outside.
_TICKS_BETWEEN: Final = 6
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Round values from low to high, zero always among them."""

    ticks: tuple[float, ...]

    def y(self, value: float, top: float, bottom: float) -> str:
        """Return the height at which a value stands between two edges of the picture."""
        low, high = self.ticks[0], self.ticks[-1]
        return coordinate(bottom - (value - low) / (high - low) * (bottom - top))


def make_axis(values: Sequence[float]) -> Axis:
    """Return the axis that encloses zero and all values; from 0 to 1 where there are none."""
    low, high = min((0.0, *values)), max((0.0, *values))
    if low == high:
        high = 1.0
    step = _round_step((high - low) / _TICKS_WANTED)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Axis(ticks=tuple(number * step for number in range(first, last + 1)))


def round_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return round values from low to high, both included; zero only where it lies between."""
    if low >= high:
        return (low,)
    step = _round_step((high - low) / _TICKS_BETWEEN)
    first, last = math.ceil(low / step), math.floor(high / step)
    return tuple(number * step for number in range(first, last + 1))


def coordinate(value: float) -> str:
    """Return a coordinate with at most two digits after the point."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def plain_tick(value: float) -> str:
    """Return a tick's number without needless digits; minus is a minus sign."""
    return f"{value:,.6g}".replace("-", "−")


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    for step in _STEPS:
        if rough <= step * power * (1 + 1e-9):
            return step * power
    return _STEPS[-1] * power
