"""Yardsticks: what this machine does without us, taken on the same server in the same run.

T           `pgbench` TPC-B, 16 clients, prepared; T1 the same with one client.
N           `pgbench -N` (simple update), 16 clients.
F           Flushes a second: `pg_test_fsync`, fdatasync of one 8 kB write.
C, C2       Rows a second of binary COPY into our journal table with its indexes, from prepared
            buffers, over 1 and 2 connections.
"""

import asyncio
import io
import re
import subprocess
import time
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg

from counterfoil.platform import embedded
from counterfoil.platform.queries import Queries

QUERIES = Queries.load("counterfoil.simulator.bench", "workload.sql")

PGBENCH_SCALE = 50
CLIENTS = 16
#: Rows of one COPY buffer.
COPY_ROWS = 100_000
_TPS = re.compile(r"^tps = (?P<tps>[\d.]+) \(without initial connection time\)", re.MULTILINE)
_FSYNC = re.compile(r"fdatasync\s+(?P<ops>[\d.]+) ops/sec")


class Pgbench:
    """PostgreSQL's own benchmark against a database of its own on the same server."""

    def __init__(self, url: str, seconds: int) -> None:
        """Take the server's address and how long a run lasts."""
        self._url = url
        self._seconds = seconds

    def prepare(self) -> None:
        """Load the tables."""
        self._run("-i", "-q", "-s", str(PGBENCH_SCALE))

    def tpc_b(self, clients: int) -> float:
        """Return transactions a second of the TPC-B-like script."""
        return self._tps("-c", str(clients), "-j", str(min(clients, 2)))

    def simple_update(self) -> float:
        """Return transactions a second of the script without the contended tables."""
        return self._tps("-N", "-c", str(CLIENTS), "-j", "2")

    def _tps(self, *options: str) -> float:
        output = self._run("-n", "-M", "prepared", "-T", str(self._seconds), *options)
        found = _TPS.search(output)
        if found is None:
            raise RuntimeError(f"pgbench said nothing of its speed: {output[-400:]}")
        return float(found["tps"])

    def _run(self, *options: str) -> str:
        command = [str(embedded.binary("pgbench")), *options, self._url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pgbench failed: {done.stderr[-400:]}")
        return done.stdout


def flushes(directory: Path) -> float:
    """Return how often a second one 8 kB write reaches the disk."""
    file = directory / "pg_test_fsync.out"
    command = [str(embedded.binary("pg_test_fsync")), "-s", "2", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    file.unlink(missing_ok=True)
    found = _FSYNC.search(done.stdout)
    return float(found["ops"]) if found else 0.0


async def copy_rows(url: str, connections: int) -> float:
    """Return rows a second of binary COPY into a table like the journals'."""
    buffers = [await _buffer(url, number) for number in range(connections)]
    pool = [await asyncpg.connect(url) for _ in range(connections)]
    try:
        await QUERIES.add_copy_table.execute(pool[0])
        started = time.perf_counter()
        await asyncio.gather(
            *[
                connection.copy_to_table(
                    "bench_journal", source=io.BytesIO(buffer), format="binary"
                )
                for connection, buffer in zip(pool, buffers, strict=True)
            ]
        )
        seconds = time.perf_counter() - started
        await QUERIES.drop_copy_table.execute(pool[0])
    finally:
        for connection in pool:
            await connection.close()
    return connections * COPY_ROWS / seconds


async def _buffer(url: str, number: int) -> bytes:
    """Return rows in the form in which COPY takes them, made before any clock runs."""
    connection = await asyncpg.connect(url)
    now = datetime.now(UTC)
    try:
        await QUERIES.add_copy_table.execute(connection)
        await connection.copy_records_to_table(
            "bench_journal",
            records=[_row(number * COPY_ROWS + i, now) for i in range(COPY_ROWS)],
        )
        into = io.BytesIO()
        await connection.copy_from_table("bench_journal", output=into, format="binary")
        await QUERIES.drop_copy_table.execute(connection)
        return into.getvalue()
    finally:
        await connection.close()


def _row(number: int, now: datetime) -> tuple[object, ...]:
    return (
        number * 7919 % 1_000_003,
        number,
        "lender-one",
        "CNY",
        "cash-line-open",
        date(2026, 1, 1),
        now,
        "hold",
        number,
        None,
        [9101, 9102],
        [100_000, -100_000],
    )
