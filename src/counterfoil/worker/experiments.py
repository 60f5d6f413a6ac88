"""Experiments as a background job: shadows, looks, and the end of what is over.

Any number of processes may try: a case of a shadow is kept once, a look is taken once, an
experiment ends once.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.experiment_report import take_looks
from counterfoil.journeys.house import House
from counterfoil.journeys.shadow import Shadows
from counterfoil.worker.loop import Job

#: How often it is looked; so much later than its bound an experiment ends at most.
LOOK_SECONDS: Final = 5


def experiments_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no experiment runs."""
    next_at = -math.inf
    shadows = Shadows(house)

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        looked_at = await shadows.step()
        # A shadow that is behind goes on at once, page by page.
        next_at = now if looked_at else now + LOOK_SECONDS
        return looked_at + await take_looks(house)

    async def close() -> None:
        """There is nothing open."""

    return Job(name="experiments", step=step, close=close)
