"""Expiring: offers that nobody took and applications that waited too long come to an end.

An offer, and a referral that a person may still turn into one, is valid until its own date. What
was never decided, and a referral without an offer, waits for the days of its product; a form that
nobody went on with waits as many days as an offer of the policy in force. Requests for a higher
limit end in the same way, by their own policy. An application holds no amount: what a gathering
set aside ends with it. Whoever applied is told through the outbox, and may apply again at once.
"""

from datetime import UTC, date, datetime, time, timedelta

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.draft_store import remove_drafts
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import raise_limit
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection


async def expire_applications(house: House, connection: Connection, *, on: date) -> int:
    """End a page of what waited too long by a business date; return how many, 0 at the end."""
    now = house.clock.now()
    since = on - timedelta(days=house.policies.origination.policy.offer_valid_days)
    ended = await decisions.expire_offers(connection, business_date=on, at=now)
    waiting = {
        (terms.code, terms.version): _beginning(on - timedelta(days=terms.application_days))
        for terms in (product.terms for product in house.catalogue.products())
    }
    ended += await decisions.expire_waiting(connection, waiting, at=now)
    await remove_drafts(connection, saved_before=_beginning(since))
    requests = await raise_limit.expire(house, connection, on=on)
    told = [
        (house.ids.next(), customer_id, kind, number, "{}", now)
        for kind, keys in (("application_expired", ended), ("limit_request_expired", requests))
        for customer_id, number in keys
    ]
    if told:
        await PLATFORM.add_events.execute(connection, rows=told)
    return len(told)


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
