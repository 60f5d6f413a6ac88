"""Consents of many customers at once, for journeys that carry thousands."""

from collections.abc import Collection, Iterable
from typing import Final

from counterfoil.consents.consent import Consent
from counterfoil.consents.store import consent_of_row
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.consents", "lookup_store.sql")

#: Customer and consent.
Key = tuple[int, int]


async def consents_by_key(connection: Connection, keys: Iterable[Key]) -> dict[Key, Consent]:
    """Return consents by customer and identifier; what nobody gave is not in the answer."""
    wanted = sorted(set(keys))
    rows = await QUERIES.consents_by_key.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in wanted],
        consent_ids=[consent_id for _, consent_id in wanted],
    )
    return {(row["customer_id"], row["consent_id"]): consent_of_row(row) for row in rows}


async def withdrawal_leaves(connection: Connection, keys: Iterable[Key]) -> dict[Key, Key]:
    """Return, for consents that were withdrawn, customer and leaf of the withdrawal."""
    wanted = sorted(set(keys))
    rows = await QUERIES.withdrawal_leaves.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in wanted],
        consent_ids=[consent_id for _, consent_id in wanted],
    )
    return {
        (row["customer_id"], row["consent_id"]): (row["customer_id"], row["leaf_id"])
        for row in rows
    }


async def consents_for_purpose(
    connection: Connection, customer_ids: Collection[int], *, purpose: str, now: int
) -> dict[int, int]:
    """Return by customer the consent that may be used for a purpose at an instant, POSIX seconds.

    Whether a use is left within the present period the use itself tells.
    """
    rows = await QUERIES.consents_for_purpose.fetch(
        connection, customer_ids=sorted(set(customer_ids)), purpose=purpose, now=now
    )
    return {row["customer_id"]: row["consent_id"] for row in rows}


async def withdrawn_for_purposes(
    connection: Connection, customer_ids: Collection[int], *, purposes: Collection[str]
) -> set[int]:
    """Return the customers whose latest consent for one of these purposes was withdrawn."""
    rows = await QUERIES.withdrawn_for_purposes.fetch(
        connection, customer_ids=sorted(customer_ids), purposes=sorted(purposes)
    )
    return {row["customer_id"] for row in rows}
