"""Reads and writes corrections of bad records."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from counterfoil.features.correction import Correction, Remedy
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Runner

QUERIES: Final = Queries.load("counterfoil.features", "correction_store.sql")


async def add_corrections(connection: Connection, found: Sequence[Correction]) -> None:
    """Write what one act found; of one customer, one record, one case."""
    first = found[0]
    await QUERIES.add_corrections.execute(
        connection,
        customer_id=first.customer_id,
        case_id=first.case_id,
        source_record=first.source_record,
        registry=first.registry,
        found_by=first.found_by,
        reason=first.reason,
        found_at=first.found_at,
        correction_ids=[item.correction_id for item in found],
        subject_ids=[item.subject_id for item in found],
        decision_nos=[item.decision_no for item in found],
        policy_hashes=[item.policy_hash for item in found],
        was=[item.was for item in found],
        is_now=[item.is_now for item in found],
        changed=[",".join(item.changed) for item in found],
        remedies=[item.remedy.value for item in found],
    )


async def open_corrections(
    connection: Runner,
    *,
    customer_id: int | None,
    page: int,
    after: int = 0,
    is_back: bool = False,
) -> list[Correction]:
    """Return a page of proposals that nobody has decided on, oldest first."""
    rows = await QUERIES.open_corrections.page(
        connection, customer_id=customer_id, page=page, after=after, is_back=is_back
    )
    return [
        Correction(
            **dict(row) | {"changed": tuple(row["changed"]), "remedy": Remedy(row["remedy"])}
        )
        for row in rows
    ]


async def end_correction(
    connection: Connection,
    *,
    customer_id: int,
    correction_id: int,
    is_taken: bool,
    ended_by: str,
    reason: str,
    ended_at: datetime,
) -> bool:
    """Write what a person made of a proposal; tell whether it was open."""
    row = await QUERIES.end_correction.fetchrow(
        connection,
        customer_id=customer_id,
        correction_id=correction_id,
        is_taken=is_taken,
        ended_by=ended_by,
        reason=reason,
        ended_at=ended_at,
    )
    return row is not None
