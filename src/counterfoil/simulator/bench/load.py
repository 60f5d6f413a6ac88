"""Load: callers that wait for their answer (closed loop) and callers that do not (open loop).

The closed loop gives the maximum; latency comes from the open loop, where a command's clock
starts when it was due to be sent, so that a slow answer delays nobody's clock.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from counterfoil.kernel.errors import Refused
from counterfoil.simulator.bench.report import percentile

#: Sends command number n of a caller and gives its answer.
Send = Callable[[int], Awaitable[object]]


@dataclass(slots=True)
class Measured:
    """What a run of load came to."""

    seconds: float
    accepted: int = 0
    refused: int = 0
    replayed: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Return accepted commands a second."""
        return self.accepted / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return percentile(self.latencies, share) * 1000


async def closed_loop(send: Send, *, callers: int, seconds: float) -> Measured:
    """Let callers send one command after the other."""
    measured = Measured(seconds=0)
    number = iter(range(1 << 62))
    started = time.perf_counter()
    until = started + seconds

    async def caller() -> None:
        while time.perf_counter() < until:
            await _timed(send, next(number), time.perf_counter(), measured)

    await asyncio.gather(*[caller() for _ in range(callers)])
    measured.seconds = time.perf_counter() - started
    measured.latencies.sort()
    return measured


async def open_loop(send: Send, *, per_second: float, seconds: float) -> Measured:
    """Send at a steady rate, whatever the answers do; the first error of any ends it."""
    measured = Measured(seconds=seconds)
    started = time.perf_counter()
    running: set[asyncio.Task[None]] = set()
    failed: list[BaseException] = []

    def ended(task: asyncio.Task[None]) -> None:
        running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            failed.append(error)

    for number in range(int(per_second * seconds)):
        due = started + number / per_second
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        if failed:
            break
        task = asyncio.create_task(_timed(send, number, due, measured))
        running.add(task)
        task.add_done_callback(ended)
    if running:
        await asyncio.wait(running)
    if failed:
        # An error that is dropped would leave the worst answers out of the figures.
        raise failed[0]
    measured.latencies.sort()
    return measured


async def _timed(send: Send, number: int, due: float, measured: Measured) -> None:
    answer = await send(number)
    measured.latencies.append(time.perf_counter() - due)
    if isinstance(answer, Refused):
        measured.refused += 1
    elif getattr(answer, "is_replay", False):
        measured.replayed += 1
    else:
        measured.accepted += 1
