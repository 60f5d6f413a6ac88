"""The process that works until it is killed: `python -m counterfoil.simulator.crash.clerk`.

It reads its task, one JSON line, from standard input and says on standard output, a line each and
never buffered: `S key` before a command is sent, then `A key digest` when it was accepted or `R
key code` when it was refused, `U key` when nobody knows, `D date` when a day was closed. When
standard input ends it finishes what it has begun and goes.
"""

import asyncio
import os
from collections import deque
from contextlib import suppress
from datetime import date
from hashlib import blake2b
from itertools import count
from pathlib import Path
from random import Random  # seeded by the run
from typing import Final, NamedTuple

import orjson

from counterfoil.journeys.books.close_day import DayReport, close_day
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind, Refused, RefusedError
from counterfoil.lending.commands import Command, Draw
from counterfoil.platform import telemetry
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import is_away
from counterfoil.platform.settings import Settings
from counterfoil.simulator.crash.work import (
    CUSTOMERS,
    FIRST_DATE,
    arrival_key,
    command_of,
    opening_key,
    work_key,
)

#: Callers that wait for an answer at the same time.
_CALLERS: Final = 24
#: Refusals after which the same request may be sent again: nothing was decided.
_UNDECIDED: Final = frozenset({Kind.BUSY, Kind.UNAVAILABLE})
#: Of a hundred commands so many are sent twice at the same time.
_TWINS: Final = 10
#: Pause before a close is carried on with.
_RETRY_SECONDS: Final = 0.1


class Task(NamedTuple):
    """What the clerk is to do."""

    url: str
    home: str
    seed: int
    #: Which clerk of the run it is.
    number: int
    #: Keys of commands to be sent again before anything new.
    backlog: list[str]
    #: Whether to go on with new work afterwards.
    goes_on: bool
    #: Milliseconds until a day is closed; None for no close.
    close_after_ms: int | None


def say(*words: str) -> None:
    """Write a line at once."""
    os.write(1, (" ".join(words) + "\n").encode())


def digest(answer: str) -> str:
    """Return what is kept of an answer."""
    return blake2b(answer.encode(), digest_size=12).hexdigest()


class Clerk:
    """Sends commands from several callers."""

    def __init__(self, house: House, task: Task) -> None:
        """Take the house and the task."""
        self._house = house
        self._task = task
        self._chance = Random(f"{task.seed}/clerk/{task.number}")  # noqa: S311 - a seeded load
        self._todo = deque(task.backlog)
        self._numbers = count(1)
        self.is_stopping = False
        self._is_closing = False

    async def work(self) -> None:
        """Work until told to stop; the last caller out has an answer to everything."""
        if self._task.goes_on:
            self._todo.extend(opening_key(customer) for customer in range(1, CUSTOMERS + 1))
        callers = [asyncio.create_task(self._call()) for _ in range(_CALLERS)]
        closing = asyncio.create_task(self._close())
        await asyncio.gather(*callers)
        if self._task.goes_on and not self._is_closing:
            closing.cancel()
        with suppress(asyncio.CancelledError):
            await closing

    async def _call(self) -> None:
        while not self.is_stopping:
            if self._todo:
                key = self._todo.popleft()
            elif self._task.goes_on:
                on = await self._business_date()
                key = work_key(on, self._task.number, next(self._numbers))
            else:
                return
            await self._send(key)

    async def _send(self, key: str) -> None:
        command = command_of(self._task.seed, key)
        say("S", key)
        times = 2 if self._chance.randrange(100) < _TWINS else 1
        outcomes = await asyncio.gather(
            *[self._house.counter.submit(command, idempotency_key=key) for _ in range(times)]
        )
        for outcome in outcomes:
            self._tell(key, outcome)
        first = outcomes[0]
        if isinstance(first, Answer) and isinstance(command, Draw) and self._task.goes_on:
            await self._plan_arrival(command, first)

    def _tell(self, key: str, outcome: Answer | Refused) -> None:
        if isinstance(outcome, Answer):
            say("A", key, digest(outcome.text))
        elif outcome.kind in _UNDECIDED:
            say("U", key)
        else:
            say("R", key, outcome.code)

    async def _plan_arrival(self, command: Command, answer: Answer) -> None:
        loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
        on = await self._business_date()
        self._todo.append(arrival_key(on, command.customer_id, loan_id))

    async def _business_date(self) -> date:
        """Return the business date; again where the database is on its way back."""
        while True:
            try:
                return await self._house.business_date()
            except Exception as error:
                if not is_away(error):
                    raise
            await asyncio.sleep(_RETRY_SECONDS)

    async def _close(self) -> None:
        if self._task.close_after_ms is None:
            return
        await asyncio.sleep(self._task.close_after_ms / 1_000)
        self._is_closing = True
        for report in await self._closed():
            say("D", report.business_date.isoformat())

    async def _closed(self) -> list[DayReport]:
        """Close a day; again where the database went away, or still holds it for a dead clerk."""
        while True:
            try:
                return await close_day(self._house)
            except Exception as error:
                if not (isinstance(error, RefusedError) or is_away(error)):
                    raise
            await asyncio.sleep(_RETRY_SECONDS)


async def run(task: Task) -> None:
    """Open the house, say so, and work."""
    settings = Settings(home=Path(task.home), node=task.number % 1_000 + 1)
    telemetry.configure_logging(settings.log_level, settings.log_format)
    async with open_house(settings, task.url, first_date=FIRST_DATE) as house:
        clerk = Clerk(house, task)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            # Nobody writes after the task: what can be read is the end. Who has only a backlog
            # ends with it.
            loop.remove_reader(0)
            clerk.is_stopping = task.goes_on

        loop.add_reader(0, stop)
        say("ready")
        await clerk.work()
        loop.remove_reader(0)
    say("done")


def main() -> None:
    """Read the task and do it."""
    task = Task(**orjson.loads(_first_line()))
    asyncio.run(run(task))


def _first_line() -> bytes:
    """Read byte by byte, so that nothing beyond the line is taken from the pipe."""
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"\n", b""):
        line += byte
    return bytes(line)


if __name__ == "__main__":
    main()
