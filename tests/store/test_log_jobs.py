"""The jobs of the log in a running house: waiting for witnesses, keys that are away, figures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.store.log_desk import LogDesk, log_opened

from counterfoil.evidence.monitor import Observation, observe
from counterfoil.evidence.publisher import Publisher
from counterfoil.evidence.refusals import NOT_WITNESSED_IN_TIME
from counterfoil.journeys.proving.publish_log import wait_witnessed
from counterfoil.journeys.proving.watch_log import Watching
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.worker.log import log_jobs
from counterfoil.worker.loop import run


@asynccontextmanager
async def running(log: LogDesk) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with log.desk() as desk:
        task = asyncio.create_task(run(log_jobs(log.house, desk), stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def observed(log: LogDesk, *, after_seconds: int = 0) -> Observation:
    async with log.desk() as desk, log.house.database.connection() as connection:
        return await observe(connection, desk, now=log.house.leaves.now() + after_seconds)


async def test_who_waits_learns_of_the_first_head_that_covers_its_leaves(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log, running(log):
        for _ in range(3):
            keys = [(7, leaf_id) for leaf_id in await log.stage(5)]
            size = await wait_witnessed(log.house, keys, timeout_ms=20_000)
            assert not isinstance(size, Refused)
            found = await log.rows(
                "SELECT max(idx) < $1 FROM evidence.leaf WHERE customer_id = 7", size
            )
            assert found[0][0]
        assert log.house.leaves.witnessed.size >= 15


async def test_who_needs_a_certain_witness_waits_for_its_line(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log, running(log):
        log.witnesses["bureau"].is_down = True
        keys = [(7, leaf_id) for leaf_id in await log.stage(1)]
        first = await wait_witnessed(log.house, keys, timeout_ms=20_000)
        assert first == 1
        refused = await wait_witnessed(log.house, keys, timeout_ms=200, by=["bureau"])
        assert isinstance(refused, Refused)
        assert refused.refusal is NOT_WITNESSED_IN_TIME
        log.witnesses["bureau"].is_down = False
        await log.stage(1)
        size = await wait_witnessed(log.house, keys, timeout_ms=20_000, by=["bureau"])
        assert size == 2


async def test_while_keys_are_away_leaves_wait_and_none_is_lost(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        [key] = (tmp_path / "keys").glob("wrapping-*.key")
        kept = key.read_bytes()
        key.unlink()
        async with running(log):
            leaves = await log.stage(5)
            waiting = await wait_witnessed(log.house, [(7, leaves[0])], timeout_ms=300)
            assert isinstance(waiting, Refused)
            assert (await log.rows("SELECT count(*) FROM evidence.leaf_staged"))[0][0] == 5
            key.write_bytes(kept)
            found = await wait_witnessed(log.house, [(7, leaves[-1])], timeout_ms=20_000)
            assert found == 5


async def test_a_look_at_the_log_tells_what_is_wrong(database_url: str, tmp_path: Path) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(5)
        seen = await observed(log)
        assert (seen.size, seen.signed_size, seen.witnessed_size) == (5, 5, 5)
        assert seen.findings == ()
        log.witnesses["auditor"].is_down = True
        log.witnesses["bureau"].home.store_head("log.test.example/2026", b"nonsense\n")
        await log.stage(3)
        late = await observed(log, after_seconds=3_600)
        assert late.staged == 3
        assert {(f.code, f.witness) for f in late.findings} == {
            ("queue_old", ""),
            ("witness_absent", "auditor"),
            ("witness_faulty", "bureau"),
        }


async def test_witnesses_whose_clocks_differ_are_told_of(database_url: str, tmp_path: Path) -> None:
    async with log_opened(database_url, tmp_path) as log:
        ahead = log.witnesses["bureau"].clock
        log.witnesses["bureau"].clock = lambda: ahead() + 90
        log.witnesses["bureau"].start()
        await log.grow(1)
        assert {f.code for f in (await observed(log)).findings} == {"clock_spread"}


async def test_clocks_that_step_back_stop_nobody_else(database_url: str, tmp_path: Path) -> None:
    async with log_opened(database_url, tmp_path) as log:
        assert await log.grow(1) == 1
        bureau = log.witnesses["bureau"]
        right = bureau.clock
        bureau.clock = lambda: right() - 86_400  # it signs nothing until its clock is right again
        bureau.start()
        await log.stage(1)
        await log.integrate()
        yesterday = TestClock(log.house.wall.now() - timedelta(days=1))
        async with log.desk() as desk, log.house.database.dedicated({}) as connection:
            publisher = Publisher(log.house.database, replace(desk, clock=yesterday))
            assert await publisher.step(connection) == 2
            await publisher.close()
        found = await log.rows("SELECT witness FROM evidence.cosignature WHERE size = 2")
        assert {row[0] for row in found} == {"regulator", "auditor"}
        assert await log.grow(1) == 3


async def test_figures_are_counted_for_the_metrics(database_url: str, tmp_path: Path) -> None:
    async with log_opened(database_url, tmp_path) as log, log.desk() as desk:
        await log.grow(5)
        await log.stage(2)
        await Watching(log.house, desk).step()
        text = log.house.metrics.exposition()[0].decode()
        for line in ('log_leaves{state="witnessed"} 5.0', 'log_leaves{state="staged"} 2.0'):
            assert f"counterfoil_{line}" in text
