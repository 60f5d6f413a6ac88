"""Committing to the trail, restricting data whose purpose is over or goes on: a background job.

Any number of processes may try: a second anchor that begins at the same place breaks on its key and
is undone, and a class that is restricted stays so.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.end_purposes import resume_purposes
from counterfoil.journeys.erase import apply_retention
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import anchor_trail
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.origin import claim_database
from counterfoil.worker.loop import Job

#: How often the trail is committed to; whoever alters it later than this is seen.
LOOK_SECONDS: Final = 60


def keeping_job(house: House) -> Job:
    """Return the job."""
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        next_at = now + LOOK_SECONDS
        await _refuse_real_persons(house)
        resumed = await resume_purposes(house)
        restricted = await apply_retention(house, on=await house.business_date())
        return resumed + restricted + await anchor_trail(house)

    async def close() -> None:
        """There is nothing open."""

    return Job(name="keeping", step=step, close=close)


async def _refuse_real_persons(house: House) -> None:
    """Fail where data of real persons was put under a sandbox that was already open."""
    async with house.database.transaction() as connection:
        refused = await claim_database(
            connection, house.settings.environment, now=house.clock.now()
        )
    if refused is not None:
        raise RefusedError(refused)
