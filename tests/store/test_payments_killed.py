"""Workers and a bank are killed in the middle of their work, also both at once, over two rails.

The truth is in places that survive: the banks' journals and the books' table. No order may be paid
twice, neither by one bank nor by both, none may be lost, none may be left lying, and the books hear
of each once. The first rail's limit of the day holds over all the dead workers.
"""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx
from tests.store.payments_child import FIRST_RAIL_PAYMENTS
from tests.store.payments_desk import emit, payload

from counterfoil.payments.order import reference_of
from counterfoil.simulator.bank.bank import Bank, Entry, PayoutStatus
from counterfoil.simulator.bank.journal import Journal

#: More for a release: the figure of every run is in its message.
CYCLES = int(os.environ.get("COUNTERFOIL_KILL_CYCLES", "6"))
ORDERS_PER_CYCLE = 120
#: Longer than a lease, so that the next worker inherits at once.
AHEAD_SECONDS_PER_CYCLE = 60
#: What a worker writes, in its order; it dies in the middle of one of them.
STEPS = (
    "payments.payment",
    "payments.payment_attempt",
    "payments.payment_answer",
    "public.books",
    "(SELECT 1 FROM payments.payment WHERE finished_at IS NOT NULL) AS finished",
)
CHILD = Path(__file__).with_name("payments_child.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Bankers:
    """The bank's process, started again whenever it was killed."""

    def __init__(self, journal: Path, port: int) -> None:
        self.journal = journal
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "counterfoil.simulator.bank", "--seed", "5"]
        self._command += ["--port", str(port), "--journal", str(journal)]
        for fault in ("timeout_before_accept", "timeout_after_accept", "error_after_accept"):
            self._command += ["--fault", f"{fault}=100"]
        self._command += ["--fault", "refuses=300"]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._process = subprocess.Popen(self._command)  # noqa: ASYNC220 – returns at once
        async with asyncio.timeout(180), httpx.AsyncClient(base_url=self.url) as client:
            while True:
                with suppress(httpx.HTTPError):
                    await client.get("/counts")
                    return
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


async def start_worker(
    database_url: str, banks: list[Bankers], cycle: int
) -> asyncio.subprocess.Process:
    ahead = str(cycle * AHEAD_SECONDS_PER_CYCLE)
    urls = [bank.url for bank in banks]
    process = await asyncio.create_subprocess_exec(
        sys.executable, CHILD, database_url, *urls, ahead, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def kill(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def test_nothing_is_lost_or_paid_twice_by_killing(database_url: str, tmp_path: Path) -> None:
    chance = random.Random(CYCLES)
    banks = [Bankers(tmp_path / f"{name}.jsonl", free_port()) for name in ("first", "second")]
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "CREATE TABLE public.books (idempotency_key text PRIMARY KEY, loan_id bigint,"
        " outcome text, command text)"
    )
    for bank in banks:
        await bank.start()
    worker = None
    try:
        ordered = doubles = 0
        for cycle in range(1, CYCLES + 1):
            worker = await start_worker(database_url, banks, cycle)
            async with connection.transaction():
                for _ in range(ORDERS_PER_CYCLE):
                    ordered += 1
                    await emit(connection, ordered, payload(ordered))
            step = STEPS[cycle % len(STEPS)]
            await until_counted(connection, step, chance.randrange(1, ORDERS_PER_CYCLE))
            if chance.random() < 0.4:
                doubles += 1
                dying = chance.choice(banks)
                dying.kill()
                await asyncio.sleep(chance.uniform(0, 0.05))
                await kill(worker)
                await dying.start()
            else:
                await kill(worker)
        told_while_killed = await connection.fetchval("SELECT count(*) FROM public.books")
        worker = await start_worker(database_url, banks, CYCLES + 1)
        await until_all_are_finished(connection, ordered)
    finally:
        if worker is not None and worker.returncode is None:
            await kill(worker)
        for bank in banks:
            bank.kill()
    assert doubles, "some deaths are of worker and bank together"
    assert 0 < told_while_killed < ordered, "the deaths came in the middle of the work"
    await check_books_against_banks(connection, banks, ordered)
    await connection.close()


async def until_counted(connection: asyncpg.Connection, table: str, more: int) -> None:
    """Wait until a worker has come so far with so many payments."""
    target = await connection.fetchval(f"SELECT count(*) FROM {table}") + more
    async with asyncio.timeout(180):
        while await connection.fetchval(f"SELECT count(*) FROM {table}") < target:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def until_all_are_finished(connection: asyncpg.Connection, ordered: int) -> None:
    # How long it takes is the machine's affair; that it ends is what is looked at.
    async with asyncio.timeout(300):
        while True:
            finished = await connection.fetchval(
                "SELECT count(*) FROM payments.payment WHERE finished_at IS NOT NULL"
            )
            if finished == ordered:
                return
            await asyncio.sleep(0.1)


async def check_books_against_banks(
    connection: asyncpg.Connection, banks: list[Bankers], ordered: int
) -> None:
    entries: dict[str, Entry] = {}
    counts = []
    for banker in banks:
        with Journal(banker.journal) as kept:
            # Reading the journal asserts that no reference was booked twice.
            bank = Bank(journal=kept)
        assert not entries.keys() & bank.entries.keys(), "no payment went to both banks"
        entries |= bank.entries
        counts.append(len(bank.entries))
    assert entries.keys() == {reference_of(loan) for loan in range(1, ordered + 1)}
    assert counts[0] == FIRST_RAIL_PAYMENTS, "the limit of the day is used and never passed"
    rows = await connection.fetch("SELECT loan_id, outcome FROM public.books")
    told = {row["loan_id"]: row["outcome"] for row in rows}
    assert len(rows) == len(told) == ordered, "the books heard of each loan once"
    for loan, outcome in told.items():
        is_paid = entries[reference_of(loan)].status is PayoutStatus.SUCCEEDED
        assert outcome == ("confirmed" if is_paid else "failed")
    assert await connection.fetchval("SELECT count(*) FROM payments.suspense") == 0
    routes = "SELECT count(DISTINCT payment_id), count(*) FROM payments.route WHERE rail <> ''"
    assert tuple(await connection.fetchrow(routes)) == (ordered, ordered)
