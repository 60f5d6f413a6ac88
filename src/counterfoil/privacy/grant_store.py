"""Reads and writes grants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

_QUERIES: Final = Queries.load("counterfoil.privacy", "grant_store.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The right of one person to see some data of one customer in clear."""

    customer_id: int
    grant_id: int
    granted_to: str
    role: str
    purpose: str
    #: Purposes of the vault.
    data: tuple[str, ...]
    ticket: str
    reason: str
    granted_at: datetime
    expires_at: datetime
    #: The second person's approval; None where one person was enough.
    approval_id: int | None


async def add_grants(connection: Connection, grants: Sequence[Grant]) -> None:
    """Write grants that differ in customer and number alone."""
    first = grants[0]
    await _QUERIES.add_grants.execute(
        connection,
        customer_ids=[grant.customer_id for grant in grants],
        grant_ids=[grant.grant_id for grant in grants],
        granted_to=first.granted_to,
        role=first.role,
        purpose=first.purpose,
        data=list(first.data),
        ticket=first.ticket,
        reason=first.reason,
        granted_at=first.granted_at,
        expires_at=first.expires_at,
        approval_id=first.approval_id,
    )


async def read_grant(connection: Connection, customer_id: int, grant_id: int) -> Grant | None:
    """Return a grant, also one that has ended."""
    row = await _QUERIES.grant.fetchrow(connection, customer_id=customer_id, grant_id=grant_id)
    if row is None:
        return None
    return Grant(
        customer_id=row["customer_id"],
        grant_id=row["grant_id"],
        granted_to=row["granted_to"],
        role=row["role"],
        purpose=row["purpose"],
        data=tuple(row["data"]),
        ticket=row["ticket"],
        reason=row["reason"],
        granted_at=row["granted_at"],
        expires_at=row["expires_at"],
        approval_id=row["approval_id"],
    )


async def count_looked_at(
    connection: Connection, granted_to: str, customer_ids: Sequence[int], *, since: datetime
) -> int:
    """Return how many others a person was granted to look at; holds further grants to them."""
    await _QUERIES.hold_person.fetch(connection, granted_to=granted_to)
    found: int = await _QUERIES.customers_looked_at.fetchval(
        connection, granted_to=granted_to, customer_ids=list(customer_ids), since=since
    )
    return found
