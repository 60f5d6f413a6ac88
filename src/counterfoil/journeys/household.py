"""Households: two customers who each name the other, each under a consent of their own.

The story   Somebody agrees to the notice and names one person. When that person has done the same,
            what both may owe here is added up where a rule asks for it. Nothing is guessed from
            names, addresses or devices.
Invariant   A household stands only while both consents run; either withdrawal ends it at once.
            Unknown is per person, and marked so in every run of the guard.
Privacy     Of the other only a sum goes into a run: neither who it is nor what it consists of.
"""

from collections.abc import Sequence
from typing import Final

from counterfoil.capacity.store import text_of
from counterfoil.consents.lookup_store import consents_by_key
from counterfoil.consents.state import Status
from counterfoil.customers import household_store as store
from counterfoil.customers.link_store import read_people
from counterfoil.customers.refusals import (
    CUSTOMER_NOT_FOUND,
    HOUSEHOLD_CONSENT_USED,
    HOUSEHOLD_OF_ONE,
)
from counterfoil.customers.store import read_customer
from counterfoil.journeys.consent import use_consent
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

#: The notice and the purpose under which a household is added up.
NOTICE: Final = "household-link"
PURPOSE: Final = "household_link"
_TWINS: Final = {"household_word_once": HOUSEHOLD_CONSENT_USED}


async def name_partner(
    house: House,
    *,
    customer_id: int,
    partner_id: int,
    consent_id: int,
    by: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Keep that a customer names another as of the household; the use of the consent is counted."""

    async def work(connection: Connection) -> str | Refused:
        for one in (customer_id, partner_id):
            if await read_customer(connection, one) is None:
                return refuse(CUSTOMER_NOT_FOUND)
        people = await read_people(connection, [customer_id, partner_id])
        if people.surviving(customer_id) == people.surviving(partner_id):
            return refuse(HOUSEHOLD_OF_ONE)
        used = await use_consent(
            house,
            connection,
            customer_id=customer_id,
            consent_id=consent_id,
            purpose=PURPOSE,
            recipient=_recipient(house),
            by=by,
        )
        if isinstance(used, Refused):
            return used
        await store.add_word(
            connection,
            customer_id=customer_id,
            word_id=house.ids.next(),
            partner_id=partner_id,
            consent_id=consent_id,
            said_by=by,
            said_at=house.clock.now(),
        )
        return text_of(
            {
                "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
                "partner_id": ids.to_text(ids.CUSTOMER, partner_id),
                "consent_id": ids.to_text(ids.CONSENT, consent_id),
            }
        )

    said: dict[str, object] = {"partner_id": partner_id, "consent_id": consent_id}
    return await idempotency.once_or_refused(
        house.database,
        twins=_TWINS,
        scope_id=customer_id,
        key=idempotency_key,
        request=idempotency.request_hash("name_partner", said),
        kind="name_partner",
        at=house.clock.now(),
        work=work,
    )


async def partners_of(
    house: House, connection: Connection, customers: Sequence[int]
) -> dict[int, list[int]]:
    """Return with whom each is of one household now; who is not known to be of any is not there."""
    pairs = await store.read_pairs(connection, customers)
    if not pairs:
        return {}
    keys = {(pair.customer_id, pair.consent_id) for pair in pairs}
    keys |= {(pair.partner_id, pair.partner_consent_id) for pair in pairs}
    now = house.leaves.now()
    running = {
        key
        for key, consent in (await consents_by_key(connection, keys)).items()
        if consent.purpose == PURPOSE
        and consent.status is Status.GIVEN
        and consent.not_before <= now <= consent.not_after
    }
    found: dict[int, set[int]] = {}
    for pair in pairs:
        words = {(pair.customer_id, pair.consent_id), (pair.partner_id, pair.partner_consent_id)}
        if words <= running:
            found.setdefault(pair.customer_id, set()).add(pair.partner_id)
    return {one: sorted(partners) for one, partners in found.items()}


def _recipient(house: House) -> str:
    versions = house.notices.versions(NOTICE)
    return house.notices.party(versions[-1].scope.recipient).legal_id if versions else ""
