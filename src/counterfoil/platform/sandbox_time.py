"""Time that a sandbox skips: kept with its data, so that all its processes are equally far ahead.

Invariant   Only forward. Outside a sandbox nothing is read and nothing skips: there the clock is
            the machine's.
Reach       Whatever is dated by the house's clock: deadlines, cooling times, codes. Evidence,
            inquiries and the rights of staff and programs stay in the world's time, because those
            outside, witnesses above all, live there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import structlog

from counterfoil.kernel.clock import Clock, SandboxClock
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.queries import Queries, Runner

_QUERIES: Final = Queries.load("counterfoil.platform", "sandbox_time.sql")
#: So soon other processes of a sandbox follow one that skipped.
_LOOK_SECONDS: Final = 1

_log = structlog.get_logger(__name__)


class Step(NamedTuple):
    """Where a step led to."""

    ahead: timedelta
    #: Up to which business date days are to be closed.
    business_date: date


async def read_ahead(connection: Runner) -> timedelta:
    """Return how far the sandbox is ahead of the machine's clock."""
    return timedelta(seconds=await _QUERIES.ahead.fetchval(connection))


async def find_step(connection: Connection, step_key: str) -> Step | None:
    """Return the step that was made under a key, and keep other steps away until the commit."""
    await _QUERIES.lock_time.execute(connection)
    row = await _QUERIES.step.fetchrow(connection, step_key=step_key)
    if row is None:
        return None
    return Step(timedelta(seconds=row["ahead_seconds"]), row["business_date"])


async def add_step(connection: Connection, step_key: str, step: Step, *, at: datetime) -> None:
    """Keep a step; `at` is the world's instant."""
    await _QUERIES.add_step.execute(
        connection,
        step_key=step_key,
        ahead_seconds=step.ahead // timedelta(seconds=1),
        business_date=step.business_date,
        skipped_at=at,
    )


@asynccontextmanager
async def following_time(database: Database, clock: Clock) -> AsyncIterator[None]:
    """Let a sandbox's clock run as far ahead as its data says; any other clock is left alone."""
    if not isinstance(clock, SandboxClock):
        yield
        return
    await _follow(database, clock)
    task = asyncio.create_task(_go_on(database, clock))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _go_on(database: Database, clock: SandboxClock) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await _follow(database, clock)
        except Exception as error:  # noqa: BLE001 - the database may be away; the next look tells
            _log.warning("sandbox_time_not_read", error=type(error).__name__)


async def _follow(database: Database, clock: SandboxClock) -> None:
    async with database.connection() as connection:
        clock.run_ahead(await read_ahead(connection))
