"""Going on with what waits for a bureau's answer, as a background job.

Applications first, which asks again about every open inquiry; then requests for a higher limit.

Any number of processes may try: an inquiry is asked again under its own number, and a decision is
written where the application still gathers.
"""

from datetime import timedelta
from typing import Final

from counterfoil.journeys.applying import gather
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import raise_limit
from counterfoil.worker.loop import Job, look_every

#: How often it is looked whether something still gathers.
LOOK_SECONDS: Final = 5
#: A request under way is left alone for so long; it waits for witnesses and for the bureau.
IDLE: Final = timedelta(seconds=30)


def gathering_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no bureau is joined."""

    async def look() -> int:
        resumed = await gather.resume(house, idle=IDLE)
        return resumed.decided + await raise_limit.resume(house, idle=IDLE)

    return look_every("gathering", LOOK_SECONDS, look)
