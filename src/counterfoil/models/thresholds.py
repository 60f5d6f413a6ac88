"""Green, amber, red: when a figure of a model is looked at, and when it is acted on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from counterfoil.kernel.toml import parse_toml


class Level(StrEnum):
    """How a figure stands; the later the worse."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


_ORDER: Final = {level: number for number, level in enumerate(Level)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A figure that is not as it should be."""

    #: Name of the threshold, or of a fault that has none.
    code: str
    level: Level
    #: What it is about: a feature, a month, a grade, a group; empty for the whole.
    subject: str
    #: Ppm; None where the alarm is no question of degree.
    figure_ppm: int | None
    threshold_ppm: int | None

    def document(self) -> dict[str, str | int | None]:
        """Return the alarm as a document says it."""
        return {
            "code": self.code,
            "level": self.level.value,
            "subject": self.subject,
            "figure_ppm": self.figure_ppm,
            "threshold_ppm": self.threshold_ppm,
        }


Thresholds = Mapping[str, Mapping[str, int]]


@cache
def load_thresholds() -> Thresholds:
    """Return the thresholds of this release."""
    text = resources.files("counterfoil.models").joinpath("thresholds.toml").read_text("utf-8")
    return parse_thresholds(text)


def parse_thresholds(text: str) -> Thresholds:
    """Return the thresholds of a file; raise ValueError where one is not a table of integers."""
    read = parse_toml(text)
    for name, table in read.items():
        if not isinstance(table, dict) or any(type(item) is not int for item in table.values()):
            raise ValueError(f"[{name}] is not a table of integers")
    return read


def worst(levels: "list[Level]") -> Level:
    """Return the worst of some levels; green of none."""
    return max(levels, key=_ORDER.__getitem__, default=Level.GREEN)


def above(limits: Thresholds, code: str, figure_ppm: int | None, subject: str = "") -> list[Alarm]:
    """Return the alarm of a figure that should stay below its threshold, if it does not."""
    if figure_ppm is None:
        return []
    for level in (Level.RED, Level.AMBER):
        limit = limits[code].get(level.value)
        if limit is not None and figure_ppm >= limit:
            return [
                Alarm(
                    code=code,
                    level=level,
                    subject=subject,
                    figure_ppm=figure_ppm,
                    threshold_ppm=limit,
                )
            ]
    return []


def outside(
    limits: Thresholds, ratios: Mapping[str, int | None], *, code: str = "calibration"
) -> list[Alarm]:
    """Return the alarms of predicted / actual by month: one outside is amber, several on end red.

    `ratios` stands in the order of the months; a month without a ratio ends a row.
    """
    low, high, needed = (limits[code][name] for name in ("low", "high", "months"))
    alarms, row = [], 0
    for month, ratio in ratios.items():
        is_outside = ratio is not None and not low <= ratio <= high
        row = row + 1 if is_outside else 0
        if ratio is not None and is_outside:
            alarms.append(
                Alarm(
                    code=f"{code}_month",
                    level=Level.RED if row >= needed else Level.AMBER,
                    subject=month,
                    figure_ppm=ratio,
                    threshold_ppm=low if ratio < low else high,
                )
            )
    return alarms
