"""Going on with applications whose bureau has not answered yet, as a background job.

Any number of processes may try: an inquiry is asked again under its own number, and a decision is
written where the application still gathers.
"""

import asyncio
import math
from datetime import timedelta
from typing import Final

from counterfoil.journeys.gather import resume
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job

#: How often it is looked whether something still gathers.
LOOK_SECONDS: Final = 5
#: A request under way is left alone for so long; it waits for witnesses and for the bureau.
IDLE: Final = timedelta(seconds=30)


def gathering_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no bureau is joined."""
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        next_at = now + LOOK_SECONDS
        return (await resume(house, idle=IDLE)).decided

    async def close() -> None:
        """There is nothing open."""

    return Job(name="gathering", step=step, close=close)
