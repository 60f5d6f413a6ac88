"""What a benchmark says: yardsticks, results as ratios, and everything needed to judge them."""

import os
import platform
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(slots=True, kw_only=True)
class Result:
    """One figure with what it is compared to."""

    value: float  # house: allow float – a measurement
    unit: str
    #: Name of the yardstick it is a ratio to, None where it stands for itself.
    ratio_to: str | None = None
    ratio: float | None = None  # house: allow float – a measurement
    p50_ms: float | None = None  # house: allow float – a measurement
    p99_ms: float | None = None  # house: allow float – a measurement
    #: What is aimed at, as a ratio where there is one, else in the unit.
    target: float | None = None  # house: allow float – a measurement
    #: Whether less is better, as for latencies.
    is_ceiling: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Return whether the target was reached, None where there is none."""
        if self.target is None:
            return None
        measured = self.ratio if self.ratio is not None else self.value
        return measured <= self.target if self.is_ceiling else measured >= self.target

    def document(self) -> dict[str, Any]:
        """Return the figure as programs read it."""
        return {
            "value": _short(self.value),
            "unit": self.unit,
            "ratio": _short(self.ratio),
            "ratio_to": self.ratio_to,
            "p50_ms": _short(self.p50_ms),
            "p99_ms": _short(self.p99_ms),
            "target": self.target,
            "reached": self.reached,
            **self.notes,
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """A whole run."""

    started_at: datetime
    yardsticks: dict[str, float] = field(default_factory=dict)  # house: allow float – measured
    results: dict[str, Result] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(
        self, name: str, value: float, unit: str, *, to: str | None = None, **more: Any
    ) -> Result:
        """Add a figure; `to` names the yardstick of which it is a ratio."""
        base = self.yardsticks.get(to) if to else None
        result = Result(
            value=value, unit=unit, ratio_to=to, ratio=value / base if base else None, **more
        )
        self.results[name] = result
        return result

    def document(self) -> dict[str, Any]:
        """Return the run as programs read it."""
        return {
            "machine": machine(),
            "date": self.started_at.date().isoformat(),
            "yardsticks": {name: _short(value) for name, value in self.yardsticks.items()},
            "results": {name: result.document() for name, result in self.results.items()},
            **self.facts,
        }


def machine() -> str:
    """Return what this machine is, in one line."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**30
    return (
        f"{_processor()}, {cores} cores, {memory} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.machine()
    return platform.machine()


def percentile(values: list[float], share: float) -> float:  # house: allow float – statistics
    """Return the value below which that share of a sorted list lies."""
    if not values:
        return 0.0  # house: allow float – nothing was measured
    return values[min(len(values) - 1, int(len(values) * share))]


def _short(value: float | None) -> float | None:  # house: allow float – for reading
    return None if value is None else round(value, 3 if abs(value) < 100 else 1)  # noqa: PLR2004
