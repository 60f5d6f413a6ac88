"""Keeping papers of loans, as a background job.

Any number of processes may try: the outbox gives a page to one of them.
"""

from functools import partial
from typing import Final

from counterfoil.journeys.borrowing.papers import keep_papers, papers_consumer
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job, look_every

#: How often it is looked whether something was booked.
LOOK_SECONDS: Final = 1


async def papers_job(house: House) -> Job:
    """Return the job that keeps cost sheets and corrected statements."""
    consumer = papers_consumer(house)
    await consumer.register()

    return look_every("papers", LOOK_SECONDS, partial(keep_papers, house, consumer), at_once=True)
