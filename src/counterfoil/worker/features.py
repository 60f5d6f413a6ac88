"""Telling the store of features what the house knows, and checking what came in, as a job.

Any number of processes may try: one customer's records are told by one at a time, and told again
they say the same. Two runs of the checks at once only count twice.
"""

import asyncio
import math
from datetime import timedelta
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_quality import run_checks
from counterfoil.journeys.knowing.tell_events import tell_everybody
from counterfoil.worker.loop import Job

#: A customer is told at least so often; whoever asks for features has it done at once.
TOLD_EVERY: Final = timedelta(hours=12)
#: Between two walks over all customers.
WALK_SECONDS: Final = 60
CHECK_SECONDS: Final = 300


def features_job(house: House) -> Job:
    """Return the job: one page of customers a step, and the checks now and then."""
    walk_at = check_at = -math.inf
    after = 0

    async def step() -> int:
        nonlocal walk_at, check_at, after
        now = asyncio.get_running_loop().time()
        if now >= check_at:
            check_at = now + CHECK_SECONDS
            await run_checks(house)
        if now < walk_at:
            return 0
        before = house.clock.now() - TOLD_EVERY
        after, told = await tell_everybody(house, after=after, told_before=before)
        if not after:
            walk_at = now + WALK_SECONDS
        return told

    async def close() -> None:
        """There is nothing open."""

    return Job(name="features", step=step, close=close)
