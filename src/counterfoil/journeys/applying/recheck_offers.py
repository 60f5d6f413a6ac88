"""Before many offers are taken at once: which of them have to be looked at one by one.

Method      What the single way asks of each is asked of all in a handful of statements: customers
            not active, consents withdrawn, lines blocked, debts past due, ceilings on debt. Only
            an offer of which one of these is true, or that was made on an earlier day, goes the
            single way (`recheck_offer.py`), which refuses it or decides it again.
Invariant   Nothing is taken here that the single way would refuse: on the day of its decision
            neither the age has changed nor has anybody asked a bureau anew.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from counterfoil.consents.lookup_store import withdrawn_for_purposes
from counterfoil.customers.store import inactive_customers
from counterfoil.decisioning.debt_ceiling import DebtCeiling
from counterfoil.decisioning.replay import asked_of
from counterfoil.decisioning.resting_store import Offer, offers_of_keys
from counterfoil.journeys.affording.exposure import guard
from counterfoil.journeys.affording.exposure_case import application_case
from counterfoil.journeys.applying.recheck_offer import PURPOSES, recheck_offer
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.lending.behaviour_store import customers_blocked, customers_overdue
from counterfoil.platform.database import Connection

Key = tuple[int, int]


async def recheck_offers(house: House, keys: Sequence[Key]) -> dict[Key, Refused]:
    """Return why offers cannot be taken as they are, by customer and application."""
    on = await house.business_date()
    async with house.database.transaction() as connection:
        offers = await offers_of_keys(connection, keys)
        doubtful = await _doubtful(house, connection, offers, on)
    refused = {}
    for customer_id, application_id in doubtful:
        found = await recheck_offer(house, customer_id=customer_id, application_id=application_id)
        if found is not None:
            refused[customer_id, application_id] = found
    return refused


async def _doubtful(
    house: House, connection: Connection, offers: Sequence[Offer], on: date
) -> list[Key]:
    """Return the offers about which something is not as on the day of the decision."""
    customers = {offer.customer_id for offer in offers}
    if not customers:
        return []
    stopped = await inactive_customers(connection, customers)
    stopped |= await customers_overdue(connection, customers, on)
    stopped |= await customers_blocked(connection, customers, on)
    if house.bureau is not None:
        stopped |= await withdrawn_for_purposes(connection, customers, purposes=PURPOSES)
    fresh = [
        offer
        for offer in offers
        if offer.customer_id not in stopped and offer.inputs["asked"]["as_of"] == on.isoformat()
    ]
    found = await guard(
        house,
        connection,
        [
            application_case(
                house,
                asked_of(offer.inputs["asked"]),
                offer.inputs["features"],
                customer_id=offer.customer_id,
                application_id=offer.application_id,
            )
            for offer in fresh
        ],
    )
    sound = {
        (offer.customer_id, offer.application_id)
        for offer, held in zip(fresh, found, strict=True)
        if _is_same(asked_of(offer.inputs["asked"]).ceiling, held.ceiling)
    }
    keys = [(offer.customer_id, offer.application_id) for offer in offers]
    return [key for key in keys if key not in sound]


def _is_same(before: DebtCeiling | None, now: DebtCeiling | None) -> bool:
    """Tell whether ceilings hold a case as they held it; each run has a number of its own."""
    if before is None or now is None:
        return before is now
    return replace(now, run=before.run) == before
