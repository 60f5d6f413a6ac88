"""Kill cycles: whoever works, and the database under them, are ended at random moments.

Invariant   What a clerk was told was accepted is recorded, once, with the answer it was told; what
            it was told was refused is not; nothing is recorded that nobody sent. What was never
            answered is sent again under its key and answered. The books are then in order.
Chance      Everything but the machine's own timing follows from the seed.
"""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random  # seeded by the run
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import orjson

from counterfoil.journeys.books.check_books import BookCheck, check_books
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.house import open_house
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.platform import embedded, migrate
from counterfoil.platform.database import Database, is_away
from counterfoil.platform.queries import Queries
from counterfoil.platform.settings import Settings
from counterfoil.simulator.crash.clerk import Task, digest
from counterfoil.simulator.crash.work import FIRST_DATE

QUERIES: Final = Queries.load("counterfoil.simulator.crash", "crash.sql")

#: Longest wait for a process that should have answered.
PATIENCE_SECONDS: Final = 60
#: A request that is answered with "later" is sent again at most so often in the end.
SENDINGS_MAX: Final = 5
#: A fault comes so many milliseconds after the work has begun, or after the one before.
DELAY_MS: Final = (20, 500)
#: The books are checked whole after so many cycles, and at the end.
CYCLES_PER_CHECK: Final = 5
#: Accepted commands that are sent once more at the end, for their answers.
REPLAYS: Final = 300
#: Checks that do not apply: the clerks are their own rail and confirm loans without a payment.
_WITHOUT_RAIL: Final = frozenset({"payouts"})
#: Checks that tell what was booked before an accrual by the wall clock, to the moment only; they
#: apply after a close that nobody else was at work with.
_AFTER_QUIET_CLOSE: Final = frozenset({"receivables", "accrual_day"})


class Fault(StrEnum):
    """What is killed."""

    CLERK = "clerk"
    BACKEND = "backend"
    SERVER = "server"
    CLERK_AND_SERVER = "clerk_and_server"
    SERVER_TWICE = "server_twice"
    BACKEND_THEN_CLERK = "backend_then_clerk"


#: One fault at a time, and two: four in ten cycles are double faults.
_WEIGHTS: Final = {
    Fault.CLERK: 2,
    Fault.BACKEND: 2,
    Fault.SERVER: 2,
    Fault.CLERK_AND_SERVER: 2,
    Fault.SERVER_TWICE: 1,
    Fault.BACKEND_THEN_CLERK: 1,
}


class Finding(Exception):  # noqa: N818 - it is what the run is for
    """Something that must not happen happened; the message says what and under which key."""


@dataclass(slots=True)
class Heard:
    """What clerks said."""

    started: set[str] = field(default_factory=set)
    accepted: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    days_closed: int = 0
    #: When something was last accepted.
    accepted_at: Any = 0

    def take(self, line: str) -> None:
        """Take in one line."""
        word, *rest = line.split(" ")
        match word:
            case "S":
                self.started.add(rest[0])
            case "A":
                before = self.accepted.setdefault(rest[0], rest[1])
                if before != rest[1]:
                    raise Finding(f"{rest[0]} was answered twice, and differently")
                self.refused.pop(rest[0], None)  # a key may be tried again after a refusal
                self.accepted_at = time.monotonic()
            case "R":
                self.refused[rest[0]] = rest[1]
            case "D":
                self.days_closed += 1
            case "U" | "ready" | "done":
                pass
            case _:
                raise Finding(f"a clerk said {line!r}")

    @property
    def open_keys(self) -> list[str]:
        """Return the keys that were sent and never answered."""
        return sorted(self.started - self.accepted.keys() - self.refused.keys())


class Worker:
    """One clerk's process and what it says."""

    def __init__(self, process: asyncio.subprocess.Process, heard: Heard) -> None:
        """Take the process and where its words go."""
        self._process = process
        self.ready = asyncio.Event()
        self._heard = heard
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, task: Task, heard: Heard) -> "Worker":
        """Start a clerk on its task."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "counterfoil.simulator.crash.clerk"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdin is not None
        process.stdin.write(orjson.dumps(task._asdict()) + b"\n")
        await process.stdin.drain()
        return cls(process, heard)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            if not raw.endswith(b"\n"):
                return  # cut off in the middle of a word
            line = raw.decode().rstrip("\n")
            self._heard.take(line)
            if line == "ready":
                self.ready.set()

    @property
    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.returncode is None

    async def is_ready(self) -> bool:
        """Wait until it works; False where it ended instead."""
        ready = asyncio.create_task(self.ready.wait())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({ready, self._reader}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        return self.ready.is_set()

    async def kill(self) -> None:
        """End it at once, and hear what it had still said."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def finish(self) -> None:
        """Let it finish what it has begun."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reader
            await self._process.wait()
        if self._process.returncode:
            raise Finding(f"a clerk ended with {self._process.returncode}")


@dataclass(slots=True)
class Report:
    """What a run did."""

    seed: int
    cycles: int
    faults: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    refused: int = 0
    #: Commands whose answer a kill had cut off, sent again under their keys.
    sent_again: int = 0
    days_closed: int = 0
    #: Longest time from a fault to the next accepted command, whatever had to be started again.
    recovery_ms_max: int = 0

    def document(self) -> dict[str, object]:
        """Return the report as programs read it; a run that loses anything ends in a finding."""
        return {
            "seed": self.seed,
            "cycles": self.cycles,
            "faults": {str(fault): n for fault, n in sorted(self.faults.items())},
            "accepted": self.accepted,
            "refused": self.refused,
            "sent_again": self.sent_again,
            "days_closed": self.days_closed,
            "recovery_ms_max": self.recovery_ms_max,
        }


Tell = Callable[[str], None]
T = TypeVar("T")


class Run:
    """A run of kill cycles on a server of its own, which waits for the disk as in production."""

    def __init__(self, home: Path, *, seed: int, cycles: int, tell: Tell) -> None:
        """Take the directory, the seed, how many cycles, and who hears of them."""
        self._home = home
        self._chance = Random(f"{seed}/cycles")  # noqa: S311 - a seeded run
        self._heard = Heard()
        self._worker: Worker | None = None
        self._url = ""
        self._clerks = 0
        self._tell = tell
        self.report = Report(seed=seed, cycles=cycles)

    async def run(self) -> Report:
        """Kill, look, and in the end send everything once more."""
        self._url = await asyncio.to_thread(embedded.start, self._home)
        await migrate.apply(self._url)
        try:
            for cycle in range(1, self.report.cycles + 1):
                await self._cycle(cycle)
            await self._settle_all()
        finally:
            if self._worker is not None:
                await self._worker.kill()
        return self.report

    async def _cycle(self, cycle: int) -> None:
        worker = await self._working()
        await self._pause()
        faults = list(_WEIGHTS)
        (fault,) = self._chance.choices(faults, [_WEIGHTS[f] for f in faults])
        self.report.faults[fault] += 1
        began = time.monotonic()
        await self._strike(fault, worker)
        # A new clerk, where the old one is gone, has to work as well.
        await self._working()
        await self._until_accepted(began)
        await self._look()
        if cycle % CYCLES_PER_CHECK == 0:
            await self._check_books(leave_out=_WITHOUT_RAIL | _AFTER_QUIET_CLOSE)
        self._tell(f"cycle {cycle}: {fault}, {len(self._heard.accepted):,} commands accepted")

    async def _working(self) -> Worker:
        """Return a clerk that works, the present one or a new one."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._worker is None or not self._worker.is_alive:
            if time.monotonic() > until:
                raise Finding("no clerk gets to work, although the server is there")
            backlog = self._heard.open_keys
            self.report.sent_again += len(backlog)
            close = self._chance.choice([None, self._chance.randint(*DELAY_MS)])
            worker = await Worker.start(self._task(backlog, close), self._heard)
            self._worker = worker if await worker.is_ready() else None
        return self._worker

    def _task(self, backlog: list[str], close: int | None, *, goes_on: bool = True) -> Task:
        self._clerks += 1
        return Task(
            url=self._url,
            home=str(self._home),
            seed=self.report.seed,
            number=self._clerks,
            backlog=backlog,
            goes_on=goes_on,
            close_after_ms=close,
        )

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.randint(*DELAY_MS) / 1_000)

    async def _strike(self, fault: Fault, worker: Worker) -> None:
        match fault:
            case Fault.CLERK:
                await worker.kill()
            case Fault.BACKEND:
                await self._kill_backend()
            case Fault.SERVER:
                await self._kill_server()
            case Fault.CLERK_AND_SERVER:
                await asyncio.gather(worker.kill(), self._kill_server())
            case Fault.SERVER_TWICE:
                await self._kill_server()
                await self._pause()
                await self._kill_server()
            case Fault.BACKEND_THEN_CLERK:
                await self._kill_backend()
                await self._pause()
                await worker.kill()

    async def _kill_server(self) -> None:
        """End the server's first process; its children notice and go; start another one."""
        pid = embedded.status(self._home).pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(embedded.start, self._home)

    async def _kill_backend(self) -> None:
        """End one of the server's processes; the server ends the others and recovers."""
        rows = await self._asked(_backends)
        if rows:
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(rows)["pid"], signal.SIGKILL)

    async def _until_accepted(self, began: Any) -> None:
        """Wait until work goes on after the fault."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._heard.accepted_at <= time.monotonic() - 1 or (
                self._heard.accepted_at <= began
            ):
                await asyncio.sleep(0.005)
                if self._worker is None or not self._worker.is_alive:
                    raise Finding("a clerk ended although nobody ended it")
        took_ms = int((self._heard.accepted_at - began) * 1_000)
        self.report.recovery_ms_max = max(self.report.recovery_ms_max, took_ms)

    async def _look(self) -> None:
        """Hold what is recorded against what was heard by now."""
        accepted, refused = dict(self._heard.accepted), dict(self._heard.refused)
        rows = await self._asked(_recorded)
        recorded = {row["idempotency_key"]: digest(row["answer"]) for row in rows}
        for key, told in accepted.items():
            if recorded.get(key) != told:
                raise Finding(f"{key} was accepted and is {'other' if key in recorded else 'lost'}")
        for key, code in refused.items():
            if key in recorded:
                raise Finding(f"{key} was refused with {code} and is recorded")
        unknown = recorded.keys() - self._heard.started
        if unknown:
            raise Finding(f"{min(unknown)} is recorded and nobody sent it")

    async def _asked(self, question: Callable[[Database], Awaitable[T]]) -> T:
        """Ask the database; again where it is still on its way back."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                async with Database(
                    self._url, connections_max=2, application_name="crash"
                ) as database:
                    return await question(database)
            except Exception as error:
                if not is_away(error) or time.monotonic() > until:
                    raise
            await asyncio.sleep(0.05)

    async def _check_books(self, *, leave_out: frozenset[str]) -> None:
        report = await self._asked(_checked)
        wrong = {
            name: result.exceptions
            for name, result in report.checks.items()
            if not result.ok and name not in leave_out
        }
        if wrong:
            raise Finding(f"the books are wrong: {wrong}")

    async def _settle_all(self) -> None:
        """Answer what is open, hear old answers again, close the day, and look at everything."""
        if self._worker is not None:
            await self._worker.finish()
        accepted = sorted(self._heard.accepted)
        again = self._chance.sample(accepted, min(REPLAYS, len(accepted)))
        for _ in range(SENDINGS_MAX):
            backlog = self._heard.open_keys
            self.report.sent_again += len(backlog)
            # However early every close before was cut off, this one ends, beside the sending.
            task = self._task([*backlog, *again], 0, goes_on=False)
            self._worker = await Worker.start(task, self._heard)
            await self._worker.finish()
            # Whoever was told to try again later does so.
            if not self._heard.open_keys:
                break
        else:
            raise Finding(f"{self._heard.open_keys[0]} has no answer although it was sent again")
        settings = Settings(home=self._home)
        async with open_house(settings, self._url, first_date=FIRST_DATE) as house:
            await close_day(house)
        await self._look()
        await self._check_books(leave_out=_WITHOUT_RAIL)
        self.report.accepted = len(self._heard.accepted)
        self.report.refused = len(self._heard.refused)
        self.report.days_closed = self._heard.days_closed


async def _backends(database: Database) -> list[Any]:
    async with database.connection() as connection:
        return await QUERIES.backends.fetch(connection)


async def _recorded(database: Database) -> list[Any]:
    async with database.connection() as connection:
        return await QUERIES.recorded.fetch(connection)


async def _checked(database: Database) -> BookCheck:
    return await check_books(database, load_catalogue())


@contextmanager
def raised(at: Path | None = None) -> Iterator[Path]:
    """Give a directory for a run's server, and stop and remove the server afterwards."""
    with TemporaryDirectory(
        prefix="counterfoil-crash-", dir=at, ignore_cleanup_errors=True
    ) as name:
        home = Path(name)
        try:
            yield home
        finally:
            _stop_at_once(home)


def _stop_at_once(home: Path) -> None:
    """End the server as it stands: a fast shutdown asked for during recovery may wait for ever."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        pid = embedded.status(home).pid
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        time.sleep(0.1)
