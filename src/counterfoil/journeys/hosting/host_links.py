"""Linking a customer with a host: one person is one customer, whoever sends the particulars.

Invariant   The answer is the same whether the person was known or not. A person who is known is
            found by identity number through the blind index, and nothing of what the vault keeps
            changes: name or phone that differ are for a person to look at.
Twins       Two hosts that send the same new person at once: one registers, the other finds.
"""

from dataclasses import dataclass
from typing import Final

from counterfoil.customers.identity import Person, check_person
from counterfoil.hosts import link as links
from counterfoil.hosts import store
from counterfoil.hosts.link import Link, LinkState
from counterfoil.hosts.refusals import HOST_REFERENCE_TAKEN
from counterfoil.journeys.applying.register import register_applicant
from counterfoil.journeys.hosting.host_scope import Visit, find_link
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.link_records import find_people
from counterfoil.journeys.serving.identity import open_case_of_twin
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.refusals import IDENTITY_NEEDS_CHECK
from counterfoil.privacy.vault import Purpose

_ROLE: Final = "host"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LinkWish:
    """A person as a host sends one, under the host's own reference."""

    reference: str
    name: str
    id_number: str
    phone: str
    language: Language


def actor_of(visit: Visit) -> Actor:
    """Return the host as the trail knows it."""
    return Actor(name=visit.author, role=_ROLE, source="api")


async def link_customer(house: House, visit: Visit, wish: LinkWish) -> Link | Refused:
    """Link a person; the link waits for the customer's first act on a page of the lender."""
    person = check_person(
        name=wish.name,
        id_number=wish.id_number,
        phone=wish.phone,
        today=await house.business_date(),
    )
    if isinstance(person, Refused):
        return person
    customer_id = await _customer(house, visit, wish, person)
    if isinstance(customer_id, Refused):
        return customer_id
    differs = await _differs(house, customer_id, person)
    try:
        linked = await _keep(house, visit, wish.reference, customer_id, needs_check=differs)
    except RefusedError as error:
        return error.refused
    if differs and linked.needs_check:
        await open_case_of_twin(house, person.id_number)
    return linked


async def end_link(house: House, visit: Visit, reference: str) -> Link:
    """End a link at the host's wish; raise RefusedError where there is none."""
    async with house.database.transaction() as connection:
        found = await find_link(connection, visit, reference)
        over = links.ended(found, by=_ROLE, at=house.clock.now())
        await store.put_link(connection, over)
        act = Act(name="host_link_ended", customer_ids=[over.customer_id])
        await note(house, connection, actor_of(visit), act)
    return over


async def _customer(house: House, visit: Visit, wish: LinkWish, person: Person) -> int | Refused:
    """Return the number of a person, registered now where nobody had sent the person before."""
    found = await find_people(house, IndexKind.ID_NUMBER, person.id_number)
    if found:
        return found[0]
    registered = await register_applicant(
        house,
        name=person.name,
        id_number=person.id_number,
        phone=person.phone,
        language=wish.language,
        idempotency_key=f"{visit.author}:{wish.reference}",
    )
    if not isinstance(registered, Refused):
        return registered.customer_id
    found = await find_people(house, IndexKind.ID_NUMBER, person.id_number)
    # Somebody else has registered the same person meanwhile.
    is_twin = registered.refusal is IDENTITY_NEEDS_CHECK and found
    return found[0] if is_twin else registered


async def _differs(house: House, customer_id: int, person: Person) -> bool:
    """Return whether a host sent another name than the vault keeps; phones change, names hardly."""
    async with house.database.connection() as connection:
        kept = await persons.read_clear(
            connection,
            house.vault,
            customer_id,
            Purpose.IDENTITY,
            reading("host_link"),
            ["name"],
        )
    return kept is None or kept.get("name") != person.name


async def _keep(
    house: House, visit: Visit, reference: str, customer_id: int, *, needs_check: bool
) -> Link:
    host_id, now = visit.host.host_id, house.clock.now()
    async with house.database.transaction() as connection:
        await store.add_reference(
            connection, host_id=host_id, reference=reference, customer_id=customer_id
        )
        owner = await store.customer_of(connection, host_id=host_id, reference=reference)
        before = await store.lock_link(connection, customer_id=customer_id, host_id=host_id)
        if owner != customer_id or (before is not None and before.reference != reference):
            raise RefusedError(refuse(HOST_REFERENCE_TAKEN))
        asked = Link(
            customer_id=customer_id,
            host_id=host_id,
            reference=reference,
            state=LinkState.PENDING,
            needs_check=needs_check,
            asked_at=now,
        )
        after = (
            asked if before is None else links.asked_again(before, needs_check=needs_check, at=now)
        )
        if after != before:
            await store.put_link(connection, after)
            act = Act(name="host_link_asked", customer_ids=[customer_id])
            await note(house, connection, actor_of(visit), act)
    return after
