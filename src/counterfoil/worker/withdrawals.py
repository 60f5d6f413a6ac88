"""Telling the bureau of withdrawn consents, as a background job.

Any number of processes may try: the outbox gives a page to one of them.
"""

from functools import partial
from typing import Final

from counterfoil.journeys.consenting.tell_withdrawals import tell_withdrawals, withdrawals_consumer
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job, look_every

#: How often it is looked whether somebody has withdrawn a consent.
LOOK_SECONDS: Final = 2


async def withdrawals_job(house: House) -> Job:
    """Return the job; it finds nothing to do where no bureau is joined."""
    consumer = withdrawals_consumer(house)
    if house.bureau is not None:
        await consumer.register()

    return look_every(
        "withdrawals", LOOK_SECONDS, partial(tell_withdrawals, house, consumer), at_once=True
    )
