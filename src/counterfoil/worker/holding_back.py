"""Looking at action caps, as a background job.

Any number of processes may look: a span is counted once, and a cap that two find tripped is written
twice to the same effect.
"""

from functools import partial
from typing import Final

from counterfoil.journeys.deciding.hold_back import hold_back
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job, look_every

#: How often it is looked; so much later than its last decline a cap trips at most.
LOOK_SECONDS: Final = 5


def holding_back_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no version in force has a cap."""
    return look_every("holding_back", LOOK_SECONDS, partial(hold_back, house))
