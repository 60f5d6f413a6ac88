"""Auto-debit, settings left by the dead, and messages to customers, as background jobs.

Any number of processes may try: a presentation is made once by its key, a debit is one worker's
while its lease runs, a change of a setting is carried out under its own number, and a message is
leased before it is sent.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.paying.collect_debits import present_due
from counterfoil.journeys.paying.reconcile_debits import reconcile_closed_debits
from counterfoil.journeys.serving.change_setting import resume
from counterfoil.journeys.serving.deliver_messages import send_due
from counterfoil.journeys.serving.tell_customers import notices_consumer, take_notices
from counterfoil.payments.debit_relay import DebitRelay
from counterfoil.worker.loop import Job, look_every

#: Between two walks over all mandates; a presentation is so much late at most.
WALK_SECONDS: Final = 60
#: How often it is looked whether something waits.
LOOK_SECONDS: Final = 2


def debits_job(house: House, relay: DebitRelay) -> Job:
    """Return the job that presents what is due and carries it to the bank."""
    walk_at, after = -math.inf, 0

    async def step() -> int:
        nonlocal walk_at, after
        now = asyncio.get_running_loop().time()
        done = await relay.step()
        if now < walk_at:
            return done
        presented = await present_due(house, rail=relay.rail_name, after=after)
        after = presented.after
        done += presented.made + presented.told
        if not after:
            walk_at = now + WALK_SECONDS
            done += await reconcile_closed_debits(house, relay)
        return done

    async def close() -> None:
        """Leave nothing open: a step ends with its calls."""

    return Job(name="debits", step=step, close=close)


async def messages_job(house: House) -> Job:
    """Return the job that tells customers, and carries on settings that were confirmed."""
    consumer = notices_consumer(house)
    await consumer.register()

    async def look() -> int:
        passed = await take_notices(house, consumer)
        sent = await send_due(house)
        carried = await resume(house)
        return passed + sent + carried

    return look_every("messages", LOOK_SECONDS, look, at_once=True)
