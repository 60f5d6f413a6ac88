"""A short way from a command to the installation's database and back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.platform.database import Connection

T = TypeVar("T")


def with_connection(work: "Callable[[Connection], Awaitable[T]]") -> T:
    """Run work in one transaction of the installation's database, migrated if it is embedded."""
    from counterfoil.platform import embedded, migrate
    from counterfoil.platform.database import Database
    from counterfoil.platform.settings import Settings

    async def run(address: str) -> T:
        if settings.is_embedded:
            await migrate.apply(address)
        database = Database(address, connections_max=1)
        async with database, database.transaction() as connection:
            return await work(connection)

    with output.failures_as_messages():
        settings = Settings()
        with embedded.address(settings) as address:
            return asyncio.run(run(address))
