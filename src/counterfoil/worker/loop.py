"""Repeats a step: at once while there is work, ever more rarely while there is none.

Bounds      Between 5 and 50 ms without work, so that nobody waits long and an idle worker costs
            twenty small queries a second. After a failure from 100 ms up to 5 s.
Ending      A stop lets the step under way end; then the job closes what it has open.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from counterfoil.platform.read_acts import Door, begin_reading

PAUSE_MS_MIN: Final = 5
PAUSE_MS_MAX: Final = 50
FAILURE_PAUSE_MS_MIN: Final = 100
FAILURE_PAUSE_MS_MAX: Final = 5_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One background job."""

    name: str
    #: Does some work and returns how much it was; 0 means that there was none.
    step: Callable[[], Awaitable[int]]
    #: Ends what the job has open.
    close: Callable[[], Awaitable[None]]


async def _nothing_open() -> None:
    """There is nothing to end: a step ends with what it has open."""


def look_every(
    name: str,
    seconds: float,
    look: Callable[[], Awaitable[int]],
    *,
    at_once: bool = False,
    close: Callable[[], Awaitable[None]] = _nothing_open,
) -> Job:
    """Return a job that looks for work now and then; with `at_once`, again while it finds some."""
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        if not at_once:
            next_at = now + seconds
        worked = await look()
        if at_once and not worked:
            next_at = now + seconds
        return worked

    return Job(name=name, step=step, close=close)


def pause_after(worked: int, pause_ms: int) -> int:
    """Return the next pause in milliseconds: none after work, else twice the last one."""
    return 0 if worked else min(max(2 * pause_ms, PAUSE_MS_MIN), PAUSE_MS_MAX)


def pause_after_failure(pause_ms: int) -> int:
    """Return the pause in milliseconds after a step that failed."""
    return min(max(2 * pause_ms, FAILURE_PAUSE_MS_MIN), FAILURE_PAUSE_MS_MAX)


async def run(jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Run jobs side by side until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_repeat(job, stop), name=job.name)


async def _repeat(job: Job, stop: asyncio.Event) -> None:
    if begin_reading(Door.JOBS, job.name) is None:
        raise ValueError(f"the job {job.name} does not say for what it reads")
    pause_ms = 0
    try:
        while not stop.is_set():
            try:
                pause_ms = pause_after(await job.step(), pause_ms)
            except Exception:  # noqa: BLE001 – a job outlives whatever one step met
                # The next step starts from what the database says; there is nothing to undo.
                _log.exception("job_failed", job=job.name)
                pause_ms = pause_after_failure(pause_ms)
            if pause_ms:
                await _wait(stop, pause_ms)
    finally:
        await job.close()


async def _wait(stop: asyncio.Event, pause_ms: int) -> None:
    try:
        async with asyncio.timeout(pause_ms / 1_000):
            await stop.wait()
    except TimeoutError:
        return
