"""Telling the bureau of withdrawn consents, as a background job.

Any number of processes may try: the outbox gives a page to one of them.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.tell_withdrawals import tell_withdrawals, withdrawals_consumer
from counterfoil.worker.loop import Job

#: How often it is looked whether somebody has withdrawn a consent.
LOOK_SECONDS: Final = 2


async def withdrawals_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no bureau is joined."""
    consumer = withdrawals_consumer(house)
    if house.bureau is not None:
        await consumer.register()
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        passed = await tell_withdrawals(house, consumer)
        if not passed:
            next_at = now + LOOK_SECONDS
        return passed

    async def close() -> None:
        """There is nothing open."""

    return Job(name="withdrawals", step=step, close=close)
