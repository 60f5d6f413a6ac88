"""Households: two customers who each name the other, each under a consent of their own.

The story   Somebody agrees to the notice and names one person. When that person has done the same,
            what both may owe here is added up where a rule asks for it. Nothing is guessed from
            names, addresses or devices.
Invariant   A household stands only while both consents run; either withdrawal ends it at once.
            Unknown is per person, and marked so in every run of the guard.
Privacy     Of the other only a sum goes into a run: neither who it is nor what it consists of.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from counterfoil.capacity.store import text_of
from counterfoil.consents.giving import Wish
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
from counterfoil.journeys.consenting.consent import give, use_consent
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
        if refused := await _refuse_partner(connection, customer_id, partner_id):
            return refused
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


async def agree_and_name(
    house: House, wish: Wish, *, partner_id: int, idempotency_key: str
) -> Answer | Refused:
    """Keep a customer's own consent to the notice together with whom it is about.

    Nothing is asked of a customer about somebody who cannot be named. A crash between consent and
    name is mended by the same request again.
    """
    async with house.database.connection() as connection:
        refused = await _refuse_partner(connection, wish.customer_id, partner_id)
    if refused is not None:
        return refused
    given = await give(house, wish, idempotency_key=idempotency_key)
    if isinstance(given, Refused):
        return given
    return await name_partner(
        house,
        customer_id=wish.customer_id,
        partner_id=partner_id,
        consent_id=ids.from_text(ids.CONSENT, orjson.loads(given.text)["consent_id"]),
        by=wish.channel,
        idempotency_key=f"{idempotency_key}:named",
    )


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody whom a customer named as of the household."""

    partner_id: int
    consent_id: int
    said_at: datetime
    #: `together` while both consents run, `waiting` for the other's word, `ended`.
    state: str


async def named_by(house: House, customer_id: int) -> list[Named]:
    """Return whom a customer named, newest first; of the other only whether both agree now."""
    async with house.database.connection() as connection:
        words = await store.read_words(connection, customer_id)
        together = (await partners_of(house, connection, [customer_id])).get(customer_id, [])
        running = await _running(
            house, connection, {(customer_id, word.consent_id) for word in words}
        )
    found = []
    for word in words:
        is_running = (customer_id, word.consent_id) in running
        agreed = "together" if word.partner_id in together else "waiting"
        state = agreed if is_running else "ended"
        found.append(Named(word.partner_id, word.consent_id, word.said_at, state))
    return found


async def partners_of(
    house: House, connection: Connection, customers: Sequence[int]
) -> dict[int, list[int]]:
    """Return with whom each is of one household now; who is not known to be of any is not there."""
    pairs = await store.read_pairs(connection, customers)
    if not pairs:
        return {}
    keys = {(pair.customer_id, pair.consent_id) for pair in pairs}
    keys |= {(pair.partner_id, pair.partner_consent_id) for pair in pairs}
    running = await _running(house, connection, keys)
    found: dict[int, set[int]] = {}
    for pair in pairs:
        words = {(pair.customer_id, pair.consent_id), (pair.partner_id, pair.partner_consent_id)}
        if words <= running:
            found.setdefault(pair.customer_id, set()).add(pair.partner_id)
    return {one: sorted(partners) for one, partners in found.items()}


async def _running(
    house: House, connection: Connection, keys: Collection[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Return which consents, by customer and number, run now for this purpose."""
    now = house.leaves.now()
    return {
        key
        for key, consent in (await consents_by_key(connection, keys)).items()
        if consent.purpose == PURPOSE
        and consent.status is Status.GIVEN
        and consent.not_before <= now <= consent.not_after
    }


async def _refuse_partner(
    connection: Connection, customer_id: int, partner_id: int
) -> Refused | None:
    """Return why somebody cannot be named."""
    for one in (customer_id, partner_id):
        if await read_customer(connection, one) is None:
            return refuse(CUSTOMER_NOT_FOUND)
    people = await read_people(connection, [customer_id, partner_id])
    is_one = people.surviving(customer_id) == people.surviving(partner_id)
    return refuse(HOUSEHOLD_OF_ONE) if is_one else None


def _recipient(house: House) -> str:
    versions = house.notices.versions(NOTICE)
    return house.notices.party(versions[-1].scope.recipient).legal_id if versions else ""
