"""The payout relay as a background job.

Any number of processes carry payouts; the one with the lease takes orders from the outbox. While
calls are under way a step waits for an answer no longer than a pause would last, so that new
orders are not kept waiting by a slow bank.
"""

import asyncio
from typing import Final

from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.outbox import LEASE_SECONDS
from counterfoil.worker.loop import Job

#: Often enough that one renewal may fail without the lease being lost.
RENEWALS_PER_LEASE: Final = 3

#: How long a step waits for an answer before it looks for new orders.
ANSWER_WAIT_MS: Final = 20


class _Payouts:
    """The state of one process's job: whether it has the lease."""

    def __init__(self, relay: PayoutRelay) -> None:
        self._relay = relay
        self._has_lease = False
        self._renew_at: int | None = None

    async def step(self) -> int:
        """Take orders where the lease is ours, then do what is due."""
        await self._renew()
        taken = await self._relay.take_orders() if self._has_lease else 0
        done = await self._relay.step(wait_ms=ANSWER_WAIT_MS)
        # Where calls are under way the step has waited already: no pause on top of that.
        return taken + done + self._relay.calls_count

    async def close(self) -> None:
        """Let another worker take over at once, then end the calls under way."""
        if self._has_lease:
            self._has_lease = False
            await self._relay.consumer.give_back(self._relay.worker)
        await self._relay.close()

    async def _renew(self) -> None:
        seconds = int(asyncio.get_running_loop().time())
        if self._renew_at is None or seconds >= self._renew_at:
            self._has_lease = await self._relay.consumer.lease(self._relay.worker)
            self._renew_at = seconds + LEASE_SECONDS // RENEWALS_PER_LEASE


async def payout_job(relay: PayoutRelay) -> Job:
    """Return the job that carries payouts; its consumer has its cursor from here on."""
    await relay.consumer.register()
    payouts = _Payouts(relay)
    return Job(name="payouts", step=payouts.step, close=payouts.close)
