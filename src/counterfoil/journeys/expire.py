"""Expiring: offers that nobody took and applications that waited too long come to an end.

An offer, and a referral that a person may still turn into one, is valid until its own date. What
was never decided waits as many days as an offer of the policy in force. Whoever applied is told
through the outbox, and may apply again at once.
"""

from datetime import UTC, date, datetime, time, timedelta

from counterfoil.decisioning import store as decisions
from counterfoil.journeys.house import House
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection


async def expire_applications(house: House, connection: Connection, *, on: date) -> int:
    """End a page of what waited too long by a business date; return how many, 0 at the end."""
    now = house.clock.now()
    since = on - timedelta(days=house.policy.offer_valid_days)
    ended = await decisions.expire_offers(connection, business_date=on, at=now)
    ended += await decisions.expire_waiting(
        connection, received_before=datetime.combine(since, time(), UTC), at=now
    )
    if ended:
        told = [
            (house.ids.next(), customer_id, "application_expired", application_id, "{}", now)
            for customer_id, application_id in ended
        ]
        await PLATFORM.add_events.execute(connection, rows=told)
    return len(ended)
