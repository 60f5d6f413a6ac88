"""Experiments as a background job: shadows, looks, and the end of what is over.

Any number of processes may try: a case of a shadow is kept once, a look is taken once, an
experiment ends once.
"""

from typing import Final

from counterfoil.journeys.deciding.experiment_report import take_looks
from counterfoil.journeys.deciding.shadow import Shadows
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job, look_every

#: How often it is looked; so much later than its bound an experiment ends at most.
LOOK_SECONDS: Final = 5


def experiments_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no experiment runs."""
    shadows = Shadows(house)

    async def look() -> int:
        # A shadow that is behind goes on at once, page by page.
        return await shadows.step() + await take_looks(house)

    return look_every("experiments", LOOK_SECONDS, look, at_once=True)
