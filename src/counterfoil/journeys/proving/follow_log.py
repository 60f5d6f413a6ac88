"""Following the log: every process learns of each witnessed head, whoever publishes it.

Leaves need the last one for their lower bound in time; who asks a bureau waits for the one that
covers its intent.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from counterfoil.evidence import log_store
from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.staging import Leaves, Witnessed
from counterfoil.platform.database import Database

#: How often the head is read while somebody waits for the next one, and while nobody does.
WAITING_MS: Final = 20
IDLE_MS: Final = 1_000

_log = structlog.get_logger(__name__)


class LogFollower:
    """What one process knows of the log's witnessed heads."""

    def __init__(self, database: Database, leaves: Leaves) -> None:
        """Take the database and the leaves that are dated by the heads."""
        self._database = database
        self._leaves = leaves
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._waiting_count = 0

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody in this process waits for the next head."""
        return self._waiting_count > 0

    async def read(self) -> int:
        """Read the last witnessed head; return its size."""
        async with self._database.connection() as connection:
            head = await log_store.last_witnessed(connection)
        if head is not None and head.size > self._leaves.witnessed.size:
            self._leaves.note_witnessed(Witnessed(head.size, format_base64(head.root)))
            self._changed.set()
            self._changed = asyncio.Event()
        return self._leaves.witnessed.size

    async def wait_beyond(self, size: int) -> int:
        """Wait until a head beyond a size is witnessed; return its size."""
        self._waiting_count += 1
        try:
            while self._leaves.witnessed.size <= size:
                changed = self._changed
                self._wanted.set()
                await changed.wait()
        finally:
            self._waiting_count -= 1
        return self._leaves.witnessed.size

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self.read()
            except Exception as failure:  # noqa: BLE001 – the database may come back
                _log.warning("log_not_read", error=type(failure).__name__)
            if self._waiting_count:
                await asyncio.sleep(WAITING_MS / 1_000)
                continue
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_MS / 1_000):
                    await self._wanted.wait()


@asynccontextmanager
async def following(database: Database, leaves: Leaves) -> AsyncIterator[LogFollower]:
    """Follow the log while the house is open."""
    follower = LogFollower(database, leaves)
    await follower.read()
    task = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
