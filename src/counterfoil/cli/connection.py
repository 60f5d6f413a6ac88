"""A short way from a command to the installation's database and back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.platform.database import Connection
    from counterfoil.platform.in_hand import InHand

T = TypeVar("T")


def with_connection(work: "Callable[[Connection], Awaitable[T]]", *, told: str = "") -> T:
    """Run work in one transaction of the installation's database, migrated if it is embedded.

    What it changes has a line of the trail in that transaction, under the name of the machine's
    account; `told` says what is left behind, never a secret.
    """
    from counterfoil.platform import embedded, migrate
    from counterfoil.platform.database import Database
    from counterfoil.platform.in_hand import taken_in_hand
    from counterfoil.platform.settings import Settings

    async def run(address: str) -> T:
        if settings.is_embedded:
            await migrate.apply(address)
        database = Database(address, connections_max=1)
        with taken_in_hand(_act_of(told, settings.node)):
            async with database, database.transaction() as connection:
                return await work(connection)

    with output.failures_as_messages():
        settings = Settings()
        with embedded.address(settings) as address:
            return asyncio.run(run(address))


def _act_of(told: str, node: int) -> "InHand":
    """Return the act of whoever has the machine's account, where no house is open."""
    from counterfoil.cli.acting import command_words, machine_account
    from counterfoil.journeys.trail import Act, entries_of
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.kernel.ids import IdSource
    from counterfoil.platform.in_hand import InHand, Origin

    clock, actor = SystemClock(), machine_account()
    numbers = IdSource(clock.milliseconds, node)
    act = Act(name="command", subject=command_words(), after=told)
    return InHand(
        origin=Origin(actor.name, actor.role, actor.source),
        lines=lambda _state: entries_of(numbers, clock, actor, act),
    )
