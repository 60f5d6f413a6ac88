"""Consents of many customers at once, for journeys that carry thousands."""

from collections.abc import Iterable
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
