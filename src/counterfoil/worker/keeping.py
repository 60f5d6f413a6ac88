"""Committing to the trail, restricting data whose purpose is over or goes on: a background job.

Any number of processes may try: a second anchor that begins at the same place breaks on its key and
is undone, and a class that is restricted stays so.
"""

from typing import Final

from counterfoil.journeys.guarding.end_purposes import resume_purposes
from counterfoil.journeys.guarding.erase import apply_retention
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import anchor_commands, anchor_trail
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.origin import claim_database
from counterfoil.worker.loop import Job, look_every

#: How often the trail is committed to; whoever alters it later than this is seen.
LOOK_SECONDS: Final = 60


def keeping_job(house: House) -> Job:
    """Return the job."""

    async def look() -> int:
        await _refuse_real_persons(house)
        resumed = await resume_purposes(house)
        restricted = await apply_retention(house, on=await house.business_date())
        return resumed + restricted + await anchor_trail(house) + await anchor_commands(house)

    return look_every("keeping", LOOK_SECONDS, look)


async def _refuse_real_persons(house: House) -> None:
    """Fail where data of real persons was put under a sandbox that was already open."""
    async with house.database.transaction() as connection:
        refused = await claim_database(
            connection, house.settings.environment, now=house.clock.now()
        )
    if refused is not None:
        raise RefusedError(refused)
