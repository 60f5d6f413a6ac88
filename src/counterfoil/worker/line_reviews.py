"""Lines that an event has brought forward, reviewed at once, as a background job.

What a repayment cured opens again within a second of it, and not with the close of the day. Any
number of processes may try: a line is in one hand at a time, and reviewed once a day for a cause.
What a crash left between a line and its measures is found again every few minutes, and told.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_reviewing import review_brought_forward
from counterfoil.journeys.lines.settle_measures import settle_measures
from counterfoil.worker.loop import Job, look_every

#: How often it is looked.
LOOK_SECONDS: Final = 1
#: How often measures are held against their lines.
SETTLE_SECONDS: Final = 120


def line_reviews_job(house: House) -> Job:
    """Return the job."""
    settles_at = -math.inf

    async def look() -> int:
        nonlocal settles_at
        now, settled = asyncio.get_running_loop().time(), 0
        if now >= settles_at:
            settles_at = now + SETTLE_SECONDS
            settled = await settle_measures(house, on=await house.business_date())
        return settled + await review_brought_forward(house)

    return look_every("line_reviews", LOOK_SECONDS, look)
