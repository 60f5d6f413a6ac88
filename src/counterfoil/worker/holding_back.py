"""Looking at action caps, as a background job.

Any number of processes may look: a span is counted once, and a cap that two find tripped is written
twice to the same effect.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.hold_back import hold_back
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job

#: How often it is looked; so much later than its last decline a cap trips at most.
LOOK_SECONDS: Final = 5


def holding_back_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no version in force has a cap."""
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        next_at = now + LOOK_SECONDS
        return await hold_back(house)

    async def close() -> None:
        """There is nothing open."""

    return Job(name="holding_back", step=step, close=close)
