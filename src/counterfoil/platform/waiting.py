"""What waits to be decided: commands of one part of the customers, first come, first taken.

Invariant   Commands are taken in the order in which they came. A queue that is full takes nothing
            more, nor does it take more than a share of one customer's: the others still get in.
            As soon as something was taken there is room again.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.platform.in_hand import BY_HOUSE, InHand, Origin

#: Largest batch: beyond it a statement grows longer without costing less a command.
BATCH_COMMANDS_MAX: Final = 512
#: Commands that may wait in one shard before new ones are told to try later.
WAITING_MAX: Final = 20_000
#: Of these, commands of one customer: a list of the largest length fits, and nobody can fill the
#: queue alone so that others are sent away.
WAITING_OF_CUSTOMER_MAX: Final = 1_000


@dataclass(slots=True, eq=False)
class Waiting:
    """A command on its way."""

    customer_id: int
    command: Any
    idempotency_key: str
    request_hash: bytes
    future: asyncio.Future[Any]
    #: Who sends it and from where.
    origin: Origin = BY_HOUSE
    #: The act whose lines of the trail are written with it; None where its own row is the line.
    carries: InHand | None = None

    def answer(self, outcome: object) -> None:
        """Answer the caller, unless the caller has gone."""
        if not self.future.done():
            self.future.set_result(outcome)


class Shard:
    """The commands of one part of the customers, in the order in which they came."""

    __slots__ = ("_event", "_of_customer", "interrupted", "is_unsure", "queue")

    def __init__(self) -> None:
        """Start with nothing."""
        self.queue: deque[Waiting] = deque()
        #: How many of the queue are each customer's.
        self._of_customer: dict[int, int] = {}
        #: A batch whose outcome a lost connection left open.
        self.interrupted: list[Waiting] = []
        self.is_unsure = False
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Tell whoever takes that something waits."""
        if not self._event.is_set():
            self._event.set()

    @property
    def is_empty(self) -> bool:
        """Say whether nothing waits and nothing is open."""
        return not self.queue and not self.interrupted

    async def wait(self, *, is_stopping: bool) -> None:
        """Wait until something does, unless the process is ending."""
        if self.is_empty and not is_stopping:
            self._event.clear()
            await self._event.wait()

    def put(self, waiting: Waiting) -> bool:
        """Let a command wait; return whether there was room for it, also for its customer."""
        mine = self._of_customer.get(waiting.customer_id, 0)
        if len(self.queue) >= WAITING_MAX or mine >= WAITING_OF_CUSTOMER_MAX:
            return False
        self._of_customer[waiting.customer_id] = mine + 1
        self.queue.append(waiting)
        return True

    def take(self) -> list[Waiting]:
        """Return the next batch: first one that was interrupted, with its keys to be checked."""
        if self.interrupted:
            self.is_unsure = True
            return [w for w in self.interrupted if not w.future.done()]
        self.is_unsure = False
        count = min(len(self.queue), BATCH_COMMANDS_MAX)
        self.interrupted = [self.queue.popleft() for _ in range(count)]
        left = self._of_customer
        for waiting in self.interrupted:
            mine = left.pop(waiting.customer_id) - 1
            if mine:
                left[waiting.customer_id] = mine
        return self.interrupted

    def done(self) -> None:
        """Note that the batch taken last was settled."""
        self.interrupted = []

    def give_up(self) -> list[Waiting]:
        """Return everything that waits or is open, and forget it."""
        left = [*self.interrupted, *self.queue]
        self.interrupted = []
        self.queue.clear()
        self._of_customer.clear()
        return left
