"""Keeping papers of loans, as a background job.

Any number of processes may try: the outbox gives a page to one of them.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.papers import keep_papers, papers_consumer
from counterfoil.worker.loop import Job

#: How often it is looked whether something was booked.
LOOK_SECONDS: Final = 1


async def papers_job(house: House) -> Job:
    """Return the job that keeps cost sheets and corrected statements."""
    consumer = papers_consumer(house)
    await consumer.register()
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        passed = await keep_papers(house, consumer)
        if not passed:
            next_at = now + LOOK_SECONDS
        return passed

    async def close() -> None:
        """There is nothing open."""

    return Job(name="papers", step=step, close=close)
