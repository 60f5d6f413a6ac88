"""Sending statements of months that have ended, as a background job.

Any number of processes may try: a month of a line is queued once by its cause.
"""

import asyncio
import math
from datetime import date, datetime

from counterfoil.journeys.borrowing.statement_papers import queue_statements
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job

#: How often it is looked whether a month has ended, or somebody has chosen another form.
LOOK_SECONDS = 30


def statements_job(house: House) -> Job:
    """Return the job; after the walk of a month it looks at those who chose a form since."""
    walked: date | None = None
    since: datetime | None = None
    begun: datetime | None = None
    after, next_at = 0, -math.inf

    async def step() -> int:
        nonlocal walked, since, begun, after, next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        month = (await house.business_date()).replace(day=1)
        if month != walked:
            walked, since, begun, after = month, None, None, 0
        begun = begun or house.clock.now()
        walk = await queue_statements(house, since=since, after=after)
        if walk.after is None:
            since, begun, after, next_at = begun, None, 0, now + LOOK_SECONDS
            return walk.queued
        after = walk.after
        return 1

    async def close() -> None:
        """There is nothing open."""

    return Job(name="statements", step=step, close=close)
