"""Decisions: one applicant, millions of them, a boosted card, the gate; on one thread.

Yardsticks  L: steps a second of a plain Python loop that adds integers. S: rows a second that
            Polars reads from the same file of cases and writes again, on one thread.
Equality    Checked before time is taken: every engine gives the same decisions here as well.
Honest      The median of calls timed one by one, each on another case; nothing is warmed but the
            code itself. The machine may be shared: the same run holds both yardsticks.
"""

import gc
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
import polars as pl

from counterfoil.decisioning import polars_card
from counterfoil.decisioning.batch_memory import bound_memory
from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.compile_polars import decided
from counterfoil.decisioning.compile_python import compile_card, compile_python
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gate import publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.polars_text import Texts
from counterfoil.decisioning.policy import Policy
from counterfoil.simulator.bench import decide_zen
from counterfoil.simulator.bench.decide_policy import (
    ASKED,
    SEED,
    bench_policy,
    boosted_policy,
    case_of,
    frame_of_cases,
)
from counterfoil.simulator.bench.report import Report, percentile
from counterfoil.simulator.bench.writes import Tell

CASES: Final = 5_000
ROUNDS: Final = 7
ROUNDS_OF_BATCHES: Final = 3
GATE_CASES: Final = 10_000
_LOOP_STEPS: Final = 200_000
_ZEN_CASES: Final = 500
_MICRO: Final = 1_000_000
_KIB_PER_GB: Final = 1_000_000_000 / 1024

Case = Mapping[str, Value | None]
Cases = list[dict[str, Value | None]]


def run(*, rows: int, file_rows: int, tell: Tell) -> Report:
    """Measure everything; `rows` in memory, `file_rows` from file to file."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    report.facts["polars_threads"] = pl.thread_pool_size()
    report.facts["rules"] = 40
    tell("yardstick: a plain loop")
    report.yardsticks["L"] = _loop_steps()
    policy = bench_policy()
    chance = random.Random(SEED)  # noqa: S311 - a workload
    cases = [case_of(policy, chance) for _ in range(CASES)]
    _measure_one(report, policy, cases, tell)
    _measure_boosted(report, chance, rows, tell)
    _measure_zen(report, policy, cases, tell)
    _measure_gate(report, policy, tell)
    _measure_batch(report, policy, rows, tell)
    if file_rows:
        _measure_files(report, file_rows, tell)
    report.yardsticks["L_after"] = _loop_steps()
    return report


def _loop_steps() -> float:  # house: allow float – a measurement
    def loop() -> int:
        total = 0
        for number in range(_LOOP_STEPS):
            total += number
        return total

    return _LOOP_STEPS / min(_timed(loop) for _ in range(ROUNDS))


def _timed(work: Callable[[], object]) -> float:  # house: allow float – a measurement
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _add_rows(report: Report, name: str, rows: int, work: Callable[[], object]) -> None:
    """Add rows a second of the best of some rounds, by the clock and by the processor's time."""
    wall, busy = [], []
    for _ in range(ROUNDS_OF_BATCHES):
        began, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - began)
        busy.append(time.process_time() - used)
    notes = {"rows": rows, "rows_per_cpu_second": round(rows / min(busy))}
    report.add(name, rows / min(wall), "rows/s", target=1_000_000, notes=notes)


def _each(
    work: Callable[[Any], object], cases: Sequence[Any]
) -> list[float]:  # house: allow float – measurements
    """Return seconds of single calls, sorted, of the round with the best median."""
    clock = time.perf_counter
    best: list[float] = []
    gc.disable()
    try:
        for _ in range(ROUNDS):
            times = []
            for case in cases:
                began = clock()
                work(case)
                times.append(clock() - began)
            times.sort()
            if not best or times[len(times) // 2] < best[len(best) // 2]:
                best = times
    finally:
        gc.enable()
    return best


def _add_each(
    report: Report, name: str, times: list[float], *, target: float | None = None, **notes: object
) -> None:  # house: allow float – measured
    median, high = percentile(times, 0.5), percentile(times, 0.99)
    report.add(
        name,
        median * _MICRO,
        "us",
        target=target,
        is_ceiling=True,
        p50_ms=median * 1_000,
        p99_ms=high * 1_000,
        notes={
            "p99_us": round(high * _MICRO, 2),
            "loop_steps": round(median * report.yardsticks["L"]),
            **notes,
        },
    )


def _measure_one(
    report: Report, policy: Policy, cases: list[dict[str, Value | None]], tell: Tell
) -> None:
    tell("one applicant at a time")
    compile_seconds = min(_timed(lambda: compile_python(policy)) for _ in range(3))
    compiled = compile_python(policy)
    for case in cases[:_ZEN_CASES]:
        assert compiled.decide(case, ASKED) == policy.decide(case, ASKED), "the engines agree"
    decide, reference = compiled.function, policy.decide
    guards = policy.decide(cases[0], ASKED).guards
    _add_each(
        report,
        "decide_one",
        _each(lambda case: decide(case, ASKED, guards), cases),
        target=20,
        compile_ms=round(compile_seconds * 1_000, 1),
    )
    _add_each(report, "decide_one_reference", _each(lambda case: reference(case, ASKED), cases))

    def recorded(case: Case) -> bytes:
        decision = decide(case, ASKED, guards)
        return decision.inputs() + decision.result()

    _add_each(report, "decide_one_with_record", _each(recorded, cases), target=60)


def _measure_boosted(report: Report, chance: random.Random, rows: int, tell: Tell) -> None:
    tell("a boosted card")
    policy = boosted_policy()
    cases = [case_of(policy, chance) for _ in range(CASES // 2)]
    score = compile_card(policy)
    for case in cases[:_ZEN_CASES]:
        expected = policy.scorecard.contributions(case)
        assert score(case) == (policy.scorecard.score(expected), expected), "the cards agree"
    _add_each(report, "boosted_one_with_contributions", _each(score, cases), target=10)
    frame = frame_of_cases(policy, rows // 2).collect(engine="streaming").lazy()
    names = {item.name: item.name for item in policy.features}
    columns = polars_card.Columns(names, Texts(()))
    reasons = {code: number for number, code in enumerate(policy.reasons)}
    keys = polars_card.keys(policy.scorecard, columns, reasons)
    losses = [(pl.col(f"k{n}") // polars_card.LOSS).cast(pl.Int32) for n in range(len(keys))]
    points = polars_card.points(policy.scorecard).alias("points")
    scored = frame.select(keys).select(points, *losses)
    name = "boosted_batch_with_contributions"
    _add_rows(report, name, rows // 2, lambda: scored.collect(engine="streaming"))
    alone = frame.select(keys).select(points)
    name = "boosted_batch_score_alone"
    _add_rows(report, name, rows // 2, lambda: alone.collect(engine="streaming"))


def _measure_zen(
    report: Report, policy: Policy, cases: list[dict[str, Value | None]], tell: Tell
) -> None:
    """Measure zen-engine on cases with nothing missing, where it is installed."""
    if not decide_zen.is_there():
        report.facts["zen_engine"] = "not installed"
        return
    tell("zen-engine beside ours")
    whole = [case for case in cases if None not in case.values()][:_ZEN_CASES]
    zen = decide_zen.ZenDecision(policy)
    for case in whole:
        _same(policy, zen.decide(case), case)
    times = _each(zen.decide, whole)
    ours = report.results["decide_one"].value
    slower = round(percentile(times, 0.5) * _MICRO / ours, 1)
    _add_each(report, "zen_one", times, times_ours=slower, cases=len(whole))


def _same(policy: Policy, found: Mapping[str, Any], case: Case) -> None:
    expected = policy.decide(case, ASKED)
    assert found["points"] == expected.points, "zen-engine has the same points"
    assert found["grade"] == expected.grade, "zen-engine has the same grade"
    for code, verdict in expected.verdicts.items():
        assert found[f"v_{code}"] is (verdict == "true"), "zen-engine has the same verdicts"


def _measure_gate(report: Report, policy: Policy, tell: Tell) -> None:
    tell("the gate")
    cases = [GateCase(case, ASKED) for case in generated_cases(policy, most=GATE_CASES)]
    seconds = _timed(lambda: publication_check(policy, [], cases))
    report.add("gate_10000_cases", seconds, "s", target=1, is_ceiling=True)


def _measure_batch(report: Report, policy: Policy, rows: int, tell: Tell) -> None:
    tell(f"{rows:,} applicants in memory")
    frame = frame_of_cases(policy, rows).collect(engine="streaming").lazy()
    query = decided(policy, frame, ASKED)
    _add_rows(report, "decide_batch", rows, lambda: query.collect(engine="streaming"))


def _measure_files(report: Report, rows: int, tell: Tell) -> None:
    """Decide a file of cases in a process of its own, and copy the same file as a yardstick."""
    tell(f"{rows:,} applicants from file to file")
    with TemporaryDirectory(prefix="counterfoil-bench-") as home:
        source, target = Path(home) / "cases.parquet", Path(home) / "decisions.parquet"
        _child("make", str(rows), str(source))
        found = orjson.loads(_child("run", str(source), str(target)))
        frame = pl.scan_parquet(source)
        seconds = _timed(lambda: frame.sink_parquet(Path(home) / "copy.parquet"))
        report.yardsticks["S"] = rows / seconds
        report.facts["file_bytes"] = source.stat().st_size
        report.facts["outcomes"] = found["outcomes"]
    report.add(
        "decide_files",
        found["rows"] / found["seconds"],
        "rows/s",
        notes={
            "rows": found["rows"],
            "seconds": round(found["seconds"], 1),
            "rows_per_cpu_second": round(found["rows"] / found["cpu_seconds"]),
        },
    )
    report.add(
        "decide_files_memory",
        found["memory_kib"] / _KIB_PER_GB,
        "GB",
        target=1,
        is_ceiling=True,
    )


def _child(*arguments: str) -> str:
    module = "counterfoil.simulator.bench.decide_batch"
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    bound_memory(environment)
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout
