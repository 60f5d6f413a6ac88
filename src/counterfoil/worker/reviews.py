"""Watching the queue of reviews, as a background job.

Any number of processes may try: a version is looked at again once, gauges are each process's own.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.review_figures import watch_reviews
from counterfoil.worker.loop import Job

#: How often it is looked; deadlines are days.
LOOK_SECONDS: Final = 60


def reviews_job(house: House) -> Job:
    """Return the job."""
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        next_at = now + LOOK_SECONDS
        return await watch_reviews(house)

    async def close() -> None:
        """Nothing is open between two steps."""

    return Job(name="reviews", step=step, close=close)
