"""The gate that figures have to pass: none falls below its stated floor.

A floor nobody measured fails too where its benchmark ran: a figure that vanished from a result is
not a figure that holds.
"""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, NamedTuple

#: Yardsticks that drift further than this within a run leave nothing to compare with, in percent.
DRIFT_MAX: Final = 15

_BOUNDS: Final = {
    "ratio_min": ("ratio", 1),
    "ratio_max": ("ratio", -1),
    "value_min": ("value", 1),
    "value_max": ("value", -1),
}


class Finding(NamedTuple):
    """One figure held against its floor."""

    name: str
    measured: float | None  # house: allow float – a measurement
    bound: str
    limit: float  # house: allow float – a measurement
    holds: bool


def load_floors(text: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the floors by result; the ones shipped unless a text is given."""
    if text is None:
        text = files("counterfoil.simulator.bench").joinpath("floors.toml").read_text("utf-8")
    floors = tomllib.loads(text)
    for name, bounds in floors.items():
        if not isinstance(bounds, dict) or not bounds or bounds.keys() - _BOUNDS.keys():
            raise ValueError(f"[{name}] takes one or more of {', '.join(_BOUNDS)}")
    return floors


def hold(document: Mapping[str, Any], floors: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield each floored figure of a result; figures without a floor are passed over."""
    results = document["results"]
    family = _family(results, floors)
    for name in floors:
        if name not in results and name not in family:
            continue
        for bound, limit in floors[name].items():
            member, sign = _BOUNDS[bound]
            measured = results.get(name, {}).get(member)
            holds = measured is not None and sign * measured >= sign * limit
            yield Finding(name, measured, bound, limit, holds)


def is_comparable(document: Mapping[str, Any]) -> bool:
    """Return whether the yardsticks stood still enough during the run."""
    drift_percent: float = document.get("drift_percent") or 0  # house: allow float – measured
    return abs(drift_percent) <= DRIFT_MAX


def _family(results: Mapping[str, Any], floors: Mapping[str, Any]) -> set[str]:
    """Return the floors that belong to the benchmark that made a result, by their first word."""
    words = {name.partition("_")[0] for name in results if name in floors}
    return {name for name in floors if name.partition("_")[0] in words}
