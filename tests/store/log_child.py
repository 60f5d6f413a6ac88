"""A process of the log, made to be killed: numbers leaves, or publishes, as fast as it can.

Called with what to do, the installation's home and the database's address.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from counterfoil.evidence.integrator import Integrator
from counterfoil.evidence.log_store import INTEGRATOR_LOCK, PUBLISHER_LOCK, try_lead
from counterfoil.evidence.publisher import Publisher
from counterfoil.journeys.house import vault_of
from counterfoil.journeys.proving.publish_log import open_desk
from counterfoil.kernel.clock import SystemClock
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.settings import Settings


@asynccontextmanager
async def leading(database: Database, lock: int) -> AsyncIterator[Connection]:
    """Give the session that has a lock, as soon as a killed one's has ended."""
    async with database.dedicated({}) as connection:
        while not await try_lead(connection, lock):  # noqa: ASYNC110 – no event tells of it
            await asyncio.sleep(0.005)
        yield connection


async def integrate(settings: Settings, database: Database) -> None:
    integrator = Integrator(vault_of(settings), SystemClock(), batch_leaves=20)
    async with leading(database, INTEGRATOR_LOCK) as first, database.connection() as second:
        while True:
            await integrator.drain([first, second])
            await asyncio.sleep(0.002)


async def publish(settings: Settings, database: Database) -> None:
    async with (
        leading(database, PUBLISHER_LOCK) as connection,
        open_desk(settings, database, SystemClock()) as desk,
    ):
        publisher = Publisher(database, desk)
        while True:
            await publisher.step(connection)
            await asyncio.sleep(0.002)


async def work(what: str, home: Path, url: str) -> None:
    settings = Settings(home=home, witnesses=home / "witnesses")
    async with Database(url, connections_max=8) as database:
        print("ready", flush=True)  # noqa: T201 – the parent waits for it
        await {"integrate": integrate, "publish": publish}[what](settings, database)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
