"""What follows payments on their rails: returns told to the books, fees, statements, metrics.

Any number of processes may try: returns and fees are keyed, a statement is taken once, and a day
that is reconciled again gives the same.
"""

import asyncio
import math
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.payment_cases import carry_out_returns
from counterfoil.journeys.rail_fees import book_fees
from counterfoil.journeys.rails import tell_metrics
from counterfoil.journeys.reconcile import reconcile_closed_days
from counterfoil.payments.relay import PayoutRelay
from counterfoil.worker.loop import Job

#: How often it is looked.
LOOK_SECONDS: Final = 5


def rails_job(house: House, relay: PayoutRelay) -> Job:
    """Return the job."""
    next_at = -math.inf

    async def step() -> int:
        nonlocal next_at
        now = asyncio.get_running_loop().time()
        if now < next_at:
            return 0
        next_at = now + LOOK_SECONDS
        await tell_metrics(house)
        done = await carry_out_returns(house) + await book_fees(house)
        return done + await reconcile_closed_days(house, relay)

    async def close() -> None:
        """There is nothing open."""

    return Job(name="rails", step=step, close=close)
