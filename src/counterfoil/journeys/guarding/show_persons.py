"""Persons as pages show them: masked for who works with them, by another name for who does not.

Purpose     A role's pages read for the purpose that the access matrix gives it; what the register
            does not keep for that stays closed and is hidden.
Pseudonym   Made from the customer's number under a key of the role or person alone; the vault is
            not asked.
Numbers     Who sees pseudonyms knows records by aliases, under the same key: one to keep, to
            destroy and to trace by.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from counterfoil.journeys.guarding.recipient_keys import sight_key
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor, Reading, Sight, load_matrix
from counterfoil.privacy.alias import Aliases
from counterfoil.privacy.deidentify import pseudonym
from counterfoil.privacy.masking import HIDDEN
from counterfoil.privacy.person_store import SHOWN_FIELDS, MaskedPerson, read_masked

_ACT: Final = "view"
_KIND: Final = "customer"
#: Roles and persons whose aliases are kept at hand.
_RECIPIENTS_MAX: Final = 64


def sees_persons(actor: Actor) -> bool:
    """Tell whether somebody sees persons masked, and not as pseudonyms."""
    return load_matrix().rights_for(actor).sees is Sight.MASKED


def aliases_for(house: House, actor: Actor) -> Aliases | None:
    """Return the numbers by which somebody knows records; None for who knows their own numbers."""
    return None if sees_persons(actor) else _aliases(sight_key(house, actor))


_aliases: Final = lru_cache(_RECIPIENTS_MAX)(Aliases)


def reading_for(actor: Actor) -> Reading | None:
    """Return for what somebody's pages read persons; None where they read none at all."""
    return load_matrix().reading_of(actor, _ACT) if sees_persons(actor) else None


async def shown_persons(
    house: House,
    actor: Actor,
    customer_ids: Sequence[int],
    fields: Sequence[str] = SHOWN_FIELDS,
) -> dict[int, MaskedPerson | Refused]:
    """Return customers as somebody sees them, or why one is not; unwanted fields are hidden.

    Raises RefusedError where the register keeps not even the name for what the role reads for. Who
    sees pseudonyms sees one of everybody, also of an erased person.
    """
    reading = reading_for(actor)
    if reading is not None:
        async with house.database.connection() as connection:
            return await read_masked(connection, house.vault, customer_ids, reading, fields)
    key = sight_key(house, actor)
    return {
        customer_id: MaskedPerson(
            customer_id=customer_id,
            name=pseudonym(key, _KIND, customer_id),
            id_number=HIDDEN,
            phone=HIDDEN,
        )
        for customer_id in customer_ids
    }
