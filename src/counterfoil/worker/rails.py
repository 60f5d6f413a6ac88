"""What follows payments on their rails: returns, fees, statements, money received, metrics.

Any number of processes may try: returns and fees are keyed, a statement is taken once, and a day
that is reconciled again gives the same.
"""

from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payment_cases import carry_out_returns
from counterfoil.journeys.paying.rail_fees import book_fees
from counterfoil.journeys.paying.rails import tell_metrics
from counterfoil.journeys.paying.received import book_received
from counterfoil.journeys.paying.reconcile import reconcile_closed_days
from counterfoil.payments.relay import PayoutRelay
from counterfoil.worker.loop import Job, look_every

#: How often it is looked.
LOOK_SECONDS: Final = 5


def rails_job(house: House, relay: PayoutRelay) -> Job:
    """Return the job."""

    async def look() -> int:
        await tell_metrics(house)
        done = await carry_out_returns(house) + await book_fees(house)
        done += await reconcile_closed_days(house, relay)
        return done + await book_received(house)

    return look_every("rails", LOOK_SECONDS, look)
