"""A batch from file to file in a process of its own, so that its memory is its own.

`python -m counterfoil.simulator.bench.decide_batch make ROWS FILE` writes the cases,
`… run FILE OUT` decides them and writes one line of JSON.
"""

import sys
import time
from pathlib import Path

import orjson

from counterfoil.decisioning.backtest import Backtest, run, scan
from counterfoil.simulator.bench.decide_policy import ASKED, bench_policy, frame_of_cases

_ROWS_OF_A_GROUP = 250_000


def make(rows: int, target: Path) -> None:
    """Write a file of cases."""
    frame_of_cases(bench_policy(), rows).sink_parquet(target, row_group_size=_ROWS_OF_A_GROUP)


def decide(source: Path, target: Path) -> dict[str, object]:
    """Decide a file of cases; return rows, seconds and the most memory the process had."""
    policy = bench_policy()
    backtest = Backtest(policy=policy, source=source, target=target, asked=ASKED)
    began, used = time.perf_counter(), time.process_time()
    summary = run(backtest, scan([policy], source))
    return {
        "rows": summary.rows,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - used,
        "memory_kib": _most_memory_kib(),
        "outcomes": summary.outcomes,
    }


def _most_memory_kib() -> int:
    """Return the most memory that this program had.

    Not the usage that the system keeps: that begins with what the parent had when it started us.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("the system does not say how much memory this process had")


if __name__ == "__main__":
    word, first, second = sys.argv[1:]
    if word == "make":
        make(int(first), Path(second))
    else:
        sys.stdout.write(orjson.dumps(decide(Path(first), Path(second))).decode())
