"""A long run below the maximum: what is fast for ten seconds has to be so for hours.

Level       E, open loop at a share of the maximum that the same run measured.
Windows     The run is cut into ten; the last is held against the first: commands answered in
            time, the 99th percentile, the memory of this process.
"""

import resource
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.load import Measured, closed_loop, open_loop
from counterfoil.simulator.bench.report import Report
from counterfoil.simulator.bench.stage import Stage
from counterfoil.simulator.bench.writes import (
    CALLERS,
    Scale,
    Tell,
    Workloads,
    count_versions,
)

WINDOWS: Final = 10
#: Seconds in which the maximum is measured before.
PEAK_SECONDS: Final = 10
_BYTES_PER_MIB: Final = 1024 * 1024
_PAGE_BYTES: Final = resource.getpagesize()


class _Window(NamedTuple):
    """A tenth of the run; its single times are not kept, for they would count as memory."""

    accepted_per_second: float  # house: allow float – a measurement
    refused: int
    p50_ms: float  # house: allow float – a measurement
    p99_ms: float  # house: allow float – a measurement
    memory_mib: float  # house: allow float – a measurement


def _window_of(measured: Measured, seconds: float) -> _Window:  # house: allow float – measured
    """Return what a tenth came to, rounded for reading."""
    return _Window(
        round(measured.accepted / seconds, 1),
        measured.refused,
        round(measured.percentile_ms(0.5), 2),
        round(measured.percentile_ms(0.99), 2),
        round(_resident_mib(), 1),
    )


async def run(
    stage: Stage, *, customers: int, seconds: int, load_percent: int, seed: int, tell: Tell
) -> Report:
    """Measure the maximum, then keep to a share of it; report the last tenth to the first."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    scale = Scale(customers=customers, seconds=PEAK_SECONDS, shards=2, seed=seed)
    async with staging.opened(stage, shards=scale.shards) as house:
        tell(f"loading {customers:,} lines")
        await staging.add_lines(house, customers)
        await staging.settle_down(house.database)
        report.facts["durability"] = await staging.durability(house)
        versions = await count_versions(house)
        loads = Workloads(house, scale, report, tell, versions_before=versions)
        await loads.make_tokens()
        tell("the maximum")
        send = loads.drawer(customers)
        peak = await closed_loop(send, callers=CALLERS, seconds=PEAK_SECONDS)
        rate = peak.per_second * load_percent / 100
        report.facts |= {"maximum": round(peak.per_second), "load_percent": load_percent}
        windows = []
        for number in range(1, WINDOWS + 1):
            tell(f"window {number} of {WINDOWS} at {rate:,.0f}/s")
            started = time.perf_counter()
            measured = await open_loop(send, per_second=rate, seconds=seconds / WINDOWS)
            # A window ends with its last answer: whoever cannot keep up takes longer.
            windows.append(_window_of(measured, time.perf_counter() - started))
        _add(report, windows, rate, seconds)
        report.facts["waiting_at_end"] = house.counter.engine.waiting_count
        await loads.verify()
    return report


def _add(report: Report, windows: list[_Window], rate: float, seconds: int) -> None:
    """Add the last window against the first; every window stands in the notes."""
    first, last = windows[0], windows[-1]
    result = report.add(
        "soak",
        last.accepted_per_second,
        "1/s",
        target=0.97,
        p50_ms=last.p50_ms,
        p99_ms=last.p99_ms,
        notes={
            "seconds": seconds,
            "asked_per_second": round(rate),
            "refused": sum(window.refused for window in windows),
            "windows": [window._asdict() for window in windows],
        },
    )
    result.ratio_to = "first window"
    result.ratio = last.accepted_per_second / first.accepted_per_second
    slowed = report.add("soak_p99", last.p99_ms, "ms", target=1.5, is_ceiling=True)
    slowed.ratio_to, slowed.ratio = "first window", last.p99_ms / first.p99_ms
    grown = last.memory_mib - first.memory_mib
    report.add("soak_memory_growth", grown, "MiB", target=64.0, is_ceiling=True)


def _resident_mib() -> float:  # house: allow float – a measurement
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE_BYTES / _BYTES_PER_MIB
