"""Looking at what models decided, and at bad times to come, once a day, as a background job.

Any number of processes may run it: each round is kept, a segment is held back once, and a stress
test that is due is kept once.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.deciding.monitor_models import monitor_models
from counterfoil.journeys.deciding.stress_models import stress_models
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job

#: How often models are looked at; outcomes come by the day.
LOOK_SECONDS: Final = 86_400
#: After a start, so that a program that is started often does not look every time.
FIRST_SECONDS: Final = 3_600


def models_job(house: House) -> Job:
    """Return the job."""
    next_at = math.nan

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if math.isnan(next_at):
            next_at = now + FIRST_SECONDS
        if now < next_at:
            return 0
        next_at = now + LOOK_SECONDS
        return len(await monitor_models(house)) + len(await stress_models(house))

    async def close() -> None:
        """There is nothing open."""

    return Job(name="models", step=step, close=close)
