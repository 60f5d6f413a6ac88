"""Notices to hosts as background jobs: taking events, and sending.

Any number of processes may try: the outbox gives a page to one of them, a lease each notice.
"""

from typing import Final

from counterfoil.hosts.http_hooks import HttpHooks
from counterfoil.journeys.hosting.tell_hosts import deliver_due, hosts_consumer, take_events
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job, look_every

#: How often it is looked whether there is something to tell.
LOOK_SECONDS: Final = 1


async def hosts_job(house: House) -> Job:
    """Return the job that takes events and sends what is due."""
    consumer = hosts_consumer(house)
    await consumer.register()
    hooks = await HttpHooks().__aenter__()

    async def look() -> int:
        return await take_events(house, consumer) + await deliver_due(house, hooks)

    async def close() -> None:
        await hooks.__aexit__(None, None, None)

    return look_every("hosts", LOOK_SECONDS, look, at_once=True, close=close)
