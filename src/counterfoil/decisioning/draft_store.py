"""Reads and writes application forms that are being filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from counterfoil.decisioning.canonical import record_bytes
from counterfoil.decisioning.expression import Value
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "draft_store.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was filled in so far; None and empty where nothing was."""

    requested_minor: int | None = None
    purpose: str | None = None
    facts: Mapping[str, Value | None] = field(default_factory=dict)
    #: None for a form that nobody has begun.
    saved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was known at a customer's latest decision."""

    features: Mapping[str, Value | None]
    policy_hash: str
    decided_at: datetime


async def save_draft(
    connection: Connection, draft: Draft, *, customer_id: int, product_code: str, at: datetime
) -> None:
    """Keep a form in the place of what was saved of it before."""
    document: dict[str, object] = {
        "facts": dict(draft.facts),
        "purpose": draft.purpose,
        "requested_minor": draft.requested_minor,
    }
    await QUERIES.save_draft.execute(
        connection,
        customer_id=customer_id,
        product_code=product_code,
        content=record_bytes(document).decode(),
        saved_at=at,
    )


async def read_draft(connection: Connection, *, customer_id: int, product_code: str) -> Draft:
    """Return a customer's form for a product, an empty one where there is none."""
    row = await QUERIES.draft.fetchrow(
        connection, customer_id=customer_id, product_code=product_code
    )
    if row is None:
        return Draft()
    content: dict[str, Any] = orjson.loads(row["content"])
    return Draft(**content, saved_at=row["saved_at"])


async def remove_draft(connection: Connection, *, customer_id: int, product_code: str) -> None:
    """Forget a form."""
    await QUERIES.remove_draft.execute(
        connection, customer_id=customer_id, product_code=product_code
    )


async def remove_drafts(connection: Connection, *, saved_before: datetime) -> None:
    """Forget forms that nobody has touched since an instant."""
    await QUERIES.remove_drafts_before.execute(connection, saved_before=saved_before)


async def last_known(connection: Connection, customer_id: int) -> Known | None:
    """Return what was known at a customer's latest decision on an application, or None."""
    row = await QUERIES.last_inputs.fetchrow(connection, customer_id=customer_id)
    if row is None:
        return None
    return Known(
        features=orjson.loads(row["inputs"])["features"],
        policy_hash=row["policy_hash"],
        decided_at=row["decided_at"],
    )
