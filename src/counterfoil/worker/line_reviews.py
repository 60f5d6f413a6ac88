"""Lines that an event has brought forward, reviewed at once, as a background job.

What a repayment cured opens again within a second of it, and not with the close of the day. Any
number of processes may try: a line is in one hand at a time, and reviewed once a day for a cause.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.line_reviewing import review_brought_forward
from counterfoil.worker.loop import Job

#: How often it is looked.
LOOK_SECONDS: Final = 1


def line_reviews_job(house: House) -> Job:
    """Return the job."""
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        next_at = now + LOOK_SECONDS
        return await review_brought_forward(house)

    async def close() -> None:
        """Nothing is open between two steps."""

    return Job(name="line_reviews", step=step, close=close)
