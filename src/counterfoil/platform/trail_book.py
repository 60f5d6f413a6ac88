"""The books of the trail: lines that wait are written together, and nobody fills it with refusals.

Lines       Those that come while others are being written go together in the next statement; no
            timer. Whoever asked waits until the own line is committed.
Refusals    Of whoever is no member of staff `REFUSALS_PER_MINUTE` have a line each. The rest of the
            minute is counted, and said: at once that it is, in a line and in the process's log, and
            at the end of the minute how often what was refused, and with which code.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.ids import IdSource
from counterfoil.platform.access import Role
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Database
from counterfoil.platform.telemetry import logger
from counterfoil.platform.trail import Entry, add_entries

_LOG: Final = logger("counterfoil.trail")

#: Refusals of one program that have a line of their own within a minute.
REFUSALS_PER_MINUTE: Final = 600
#: Of all who have no key together: whoever they are, they can be no more than counted.
STRANGERS_PER_MINUTE: Final = 60
#: Who acts without a key.
STRANGER: Final = "stranger"
_WINDOW_SECONDS: Final = 60.0
#: Kinds of refusal that are counted apart in one minute; the rest is counted together.
_KINDS_COUNTED_MAX: Final = 50
_STAFF: Final = frozenset(Role)
#: Act of the lines that say how many refusals have none of their own.
COUNTED: Final = "refusals_counted"


class TrailBook:
    """Takes lines and writes those that wait together; one per process."""

    def __init__(self, database: Database) -> None:
        """Begin with nothing to write."""
        self._database = database
        self._waiting: list[tuple[Sequence[Entry], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, entries: Sequence[Entry]) -> None:
        """Write lines in a transaction of their own, and return once they are committed."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                async with self._database.innermost() as connection:
                    await add_entries(connection, [e for entries, _ in batch for e in entries])
            except Exception as error:  # noqa: BLE001 – each who waits is told, and fails itself
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
            else:
                for _, written in batch:
                    if not written.done():
                        written.set_result(None)


class Refusal(NamedTuple):
    """What was refused to whom, as far as it is counted."""

    act: str
    subject: str
    code: str


_OTHERS: Final = Refusal("", "", "others")


@dataclass(slots=True)
class _Window:
    """One minute of one program."""

    actor: Actor
    until: float
    lines: int = 0
    counted: Counter[Refusal] = field(default_factory=Counter)


def _limit_of(actor: Actor) -> int:
    return STRANGERS_PER_MINUTE if actor.name == STRANGER else REFUSALS_PER_MINUTE


class RefusalBook:
    """Says which refusals have a line, and writes how many have none; one per process."""

    def __init__(self, book: TrailBook, numbers: IdSource, clock: Clock) -> None:
        """Take what the lines that count are made of and where they are written."""
        self._book = book
        self._numbers = numbers
        self._clock = clock
        self._windows: dict[tuple[str, int | None], _Window] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def takes(self, actor: Actor, refusal: Refusal, *, customer_id: int | None = None) -> bool:
        """Return whether a refusal has a line of its own; count it where it has not.

        `customer_id` is given where somebody acts as a customer: each is counted apart.
        """
        if actor.role in _STAFF:
            return True
        window = self._window(actor, customer_id)
        if window.lines < _limit_of(actor):
            window.lines += 1
            return True
        if not window.counted:
            self._begin_counting(window)
        is_known = refusal in window.counted or len(window.counted) < _KINDS_COUNTED_MAX
        window.counted[refusal if is_known else _OTHERS] += 1
        return False

    async def close(self) -> None:
        """Write what was counted and not yet told."""
        windows, self._windows = self._windows, {}
        for task in self._telling:
            task.cancel()
        for task in tuple(self._telling):
            with suppress(asyncio.CancelledError):
                await task
        for window in windows.values():
            await self._tell(window)

    def _window(self, actor: Actor, customer_id: int | None) -> _Window:
        now = asyncio.get_running_loop().time()
        key = (actor.name, customer_id)
        window = self._windows.get(key)
        if window is None or now >= window.until:
            # Those that are over tell by themselves what they have counted.
            self._windows = {k: one for k, one in self._windows.items() if now < one.until}
            window = self._windows[key] = _Window(actor, now + _WINDOW_SECONDS)
        return window

    def _begin_counting(self, window: _Window) -> None:
        _LOG.warning("refusals are counted from here on", actor=window.actor.name)
        task = asyncio.create_task(self._tell_later(window))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_later(self, window: _Window) -> None:
        told = f"limit={_limit_of(window.actor)} a minute, the rest is counted"
        await self._book.write([self._line(window, Refusal(COUNTED, "", COUNTED), told)])
        await asyncio.sleep(window.until - asyncio.get_running_loop().time())
        await self._tell(window)

    async def _tell(self, window: _Window) -> None:
        counted, window.counted = window.counted, Counter()
        lines = [self._line(window, kind, f"count={n}") for kind, n in counted.most_common()]
        if lines:
            await self._book.write(lines)

    def _line(self, window: _Window, kind: Refusal, told: str) -> Entry:
        actor = window.actor
        return Entry(
            trail_id=self._numbers.next(),
            at=self._clock.now(),
            actor=actor.name,
            role=actor.role,
            source=actor.source,
            act=COUNTED,
            outcome=kind.code,
            subject=f"{kind.act} {kind.subject}".strip(),
            after=told,
        )
