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

from counterfoil.platform import embedded
from counterfoil.platform.database import Database
from counterfoil.platform.queries import Queries

QUERIES = Queries.load("counterfoil.simulator.bench", "workload.sql")

PGBENCH_SCALE = 50
CLIENTS = 16
#: A table like the journals', made for the yardstick.
COPY_TABLE = "bench_journal"
COLUMNS = (
    "customer_id",
    "journal_id",
    "lender_id",
    "currency",
    "product_code",
    "book_date",
    "posted_at",
    "kind",
    "loan_id",
    "transaction_id",
    "accounts",
    "amounts",
)
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
    async with Database(url, connections_max=connections + 1) as database:
        async with database.connection() as connection:
            await QUERIES.add_copy_table.execute(connection)
        buffers = [await _buffer(database, number) for number in range(connections)]
        started = time.perf_counter()
        await asyncio.gather(*[_load(database, buffer) for buffer in buffers])
        seconds = time.perf_counter() - started
        async with database.connection() as connection:
            await QUERIES.drop_copy_table.execute(connection)
    return connections * COPY_ROWS / seconds


async def _load(database: Database, buffer: bytes) -> None:
    async with database.connection() as connection:
        await connection.copy_to_table(COPY_TABLE, source=io.BytesIO(buffer), format="binary")


async def _buffer(database: Database, number: int) -> bytes:
    """Return rows in the form in which COPY takes them, made before any clock runs."""
    now = datetime.now(UTC)  # house: allow clock – a benchmark is an entry point
    rows = [_row(number * COPY_ROWS + i, now) for i in range(COPY_ROWS)]
    async with database.connection() as connection:
        await connection.copy_records_to_table(
            COPY_TABLE, records=rows, columns=COLUMNS, schema_name="public"
        )
        into = io.BytesIO()
        await connection.copy_from_table(COPY_TABLE, output=into, format="binary")
        await QUERIES.empty_copy_table.execute(connection)
    return into.getvalue()


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
