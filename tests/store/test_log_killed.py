"""Processes of the log are killed at random points; then every leaf is there once, in its order."""

import asyncio
import random
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from tests.store.log_desk import LogDesk, TestWitness, log_opened

from counterfoil.evidence.auditing import Audit
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.tile_directory import TileDirectory
from counterfoil.evidence.formats.verifying import Verdict
from counterfoil.evidence.formats.verifying_log import verify_log

CHILD = Path(__file__).with_name("log_child.py")


@contextmanager
def listening(witness: TestWitness) -> Iterator[int]:
    """Serve a witness on a port of this machine; return the port."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        witness.app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    try:
        yield taken.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        taken.close()


async def a_life(what: str, home: Path, url: str, seconds: float) -> None:
    """Start a process of the log and kill it after a while."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), what, str(home), url, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    async with asyncio.timeout(180):
        assert await child.stdout.readline() == b"ready\n"
    await asyncio.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    await child.wait()


async def lives(what: str, home: Path, url: str, chance: random.Random, count: int) -> None:
    for _ in range(count):
        await a_life(what, home, url, chance.uniform(0.02, 1.2))


async def staging(log: LogDesk, stop: asyncio.Event) -> dict[int, list[int]]:
    """Stage leaves of a few customers without pause; return them in the order of commits."""
    staged: dict[int, list[int]] = {}
    while not stop.is_set():
        for customer_id in (1, 2, 3):
            staged.setdefault(customer_id, []).extend(await log.stage(7, customer_id=customer_id))
        await asyncio.sleep(0.05)
    return staged


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_processes_lose_no_leaf_number_none_twice_and_sign_one_root_a_size(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with log_opened(database_url, tmp_path) as log:
        with ExitStack() as stack:
            ports = {
                name: stack.enter_context(listening(witness))
                for name, witness in log.witnesses.items()
            }
            name_witnesses(tmp_path, ports)
            stop = asyncio.Event()
            writing = asyncio.create_task(staging(log, stop))
            await asyncio.gather(
                lives("integrate", tmp_path, database_url, random.Random(chance.random()), 6),
                lives("publish", tmp_path, database_url, random.Random(chance.random()), 6),
            )
            stop.set()
            staged = await writing
            await log.integrate()
            async with log.publisher() as (publisher, connection):
                while await publisher.step(connection):
                    pass
        total = sum(map(len, staged.values()))
        assert total > 100
        assert await numbered(log) == staged
        verdict = await examine(log)
        assert verdict.is_accepted, verdict.shape()
        assert verdict.facts["size"] == total


async def numbered(log: LogDesk) -> dict[int, list[int]]:
    """Return the leaves of each customer in the order of their numbers."""
    found: dict[int, list[int]] = {}
    for customer_id, leaf_id in await log.rows(
        "SELECT customer_id, leaf_id FROM evidence.leaf ORDER BY idx"
    ):
        found.setdefault(customer_id, []).append(leaf_id)
    return found


async def examine(log: LogDesk) -> Verdict:
    """Audit the log in the database; return what an outsider finds of its files."""
    async with log.house.database.connection() as connection:
        assert [fault async for fault in Audit(connection).faults()] == []
    assert await log.alarms() == set()
    [[left]] = await log.rows("SELECT count(*) FROM evidence.leaf_staged")
    assert left == 0
    heads = await log.rows("SELECT note FROM evidence.witnessed ORDER BY size")
    assert heads
    return verify_log(
        TileDirectory(log.files), Policy.parse(log.policy), [row[0].encode() for row in heads]
    )


def name_witnesses(home: Path, ports: dict[str, int]) -> None:
    """Give the witnesses the addresses at which they listen now."""
    path = home / "witnesses"
    text = path.read_text(encoding="utf-8")
    for name, port in ports.items():
        text = text.replace(f"http://{name}.test", f"http://127.0.0.1:{port}")
    path.write_text(text, encoding="utf-8")
