"""Watching the queue of reviews, as a background job.

Any number of processes may try: a version is looked at again once, gauges are each process's own.
"""

from functools import partial
from typing import Final

from counterfoil.journeys.deciding.review_figures import watch_reviews
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job, look_every

#: How often it is looked; deadlines are days.
LOOK_SECONDS: Final = 60


def reviews_job(house: House) -> Job:
    """Return the job."""
    return look_every("reviews", LOOK_SECONDS, partial(watch_reviews, house))
