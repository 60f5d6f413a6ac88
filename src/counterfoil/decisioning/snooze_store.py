"""Reads and writes which rules are suppressed for which customers."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from counterfoil.decisioning.snooze import Snooze
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "snooze_store.sql")

#: Above every identifier: the first page begins before it.
NEWEST: Final = 2**63 - 1


async def add_snooze(connection: Connection, snooze: Snooze) -> None:
    """Suppress a rule for a customer."""
    await QUERIES.add_snooze.execute(
        connection,
        customer_id=snooze.customer_id,
        snooze_id=snooze.snooze_id,
        purpose=snooze.purpose,
        rule_code=snooze.rule_code,
        reason=snooze.reason,
        asked_by=snooze.asked_by,
        approved_by=snooze.approved_by,
        approval_id=snooze.approval_id,
        starts_at=snooze.starts_at,
        expires_at=snooze.expires_at,
    )


async def end_snooze(
    connection: Connection, snooze: Snooze, *, by: str, reason: str, at: datetime
) -> None:
    """End a snooze before its time."""
    await QUERIES.end_snooze.execute(
        connection,
        customer_id=snooze.customer_id,
        snooze_id=snooze.snooze_id,
        ended_by=by,
        reason=reason,
        ended_at=at,
    )


async def active_snoozes(
    connection: Connection, purpose: str, customer_ids: Collection[int], *, at: datetime
) -> Mapping[int, frozenset[str]]:
    """Return the codes of suppressed rules of a purpose's policy, by customer who has any."""
    rows = await QUERIES.active_snoozes.fetch(
        connection, customer_ids=list(customer_ids), purpose=purpose, at=at
    )
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], set()).add(row["rule_code"])
    return {customer_id: frozenset(codes) for customer_id, codes in found.items()}


async def snoozed_of(
    connection: Connection, purpose: str, customer_id: int, *, at: datetime
) -> frozenset[str]:
    """Return the codes of rules of a purpose's policy that are suppressed for a customer."""
    found = await active_snoozes(connection, purpose, [customer_id], at=at)
    return found.get(customer_id, frozenset())


async def read_snoozes(
    connection: Connection,
    customer_id: int,
    *,
    page: int,
    is_back: bool = False,
    before: int = NEWEST,
) -> list[Snooze]:
    """Return a page of a customer's snoozes, newest first."""
    rows = await QUERIES.snoozes_of_customer.page(
        connection, customer_id=customer_id, before=before, page=page, is_back=is_back
    )
    return [Snooze(**dict(row)) for row in rows]


async def read_snooze(connection: Connection, customer_id: int, snooze_id: int) -> Snooze | None:
    """Return one snooze of a customer, None where there is none."""
    row = await QUERIES.snooze.fetchrow(connection, customer_id=customer_id, snooze_id=snooze_id)
    return None if row is None else Snooze(**dict(row))
