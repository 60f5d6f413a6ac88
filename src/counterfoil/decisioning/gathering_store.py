"""Reads and writes applications that still gather."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from counterfoil.decisioning.application import BY_POLICY, Application
from counterfoil.decisioning.gathering import Gathering, read_inputs
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.decisioning.store import ApplicationKey
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "gathering_store.sql")

#: Where a walk over all that gathers begins: instant, customer, application.
BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), 0, 0)


async def add_gathering(
    connection: Connection, applications: Sequence[Application], gatherings: Sequence[Gathering]
) -> None:
    """Write new applications that gather, in the same order; of one product and one instant.

    A second open application breaks `application_already_open`.
    """
    if not applications:
        return
    first = applications[0]
    customer_ids = [item.customer_id for item in applications]
    application_ids = [item.application_id for item in applications]
    await QUERIES.add_gathering_applications.execute(
        connection,
        product_code=first.product_code,
        product_version=first.product_version,
        currency=first.currency,
        received_at=first.received_at,
        customer_ids=customer_ids,
        application_ids=application_ids,
        requested_minor=[item.requested_minor for item in applications],
        purposes=[item.purpose for item in applications],
        channels=[item.channel for item in applications],
    )
    await QUERIES.add_gatherings.execute(
        connection,
        began_at=gatherings[0].began_at,
        customer_ids=customer_ids,
        application_ids=application_ids,
        consent_ids=[item.consent_id for item in gatherings],
        inputs=[item.inputs for item in gatherings],
        idempotency_keys=[item.idempotency_key for item in gatherings],
        request_hashes=[item.request_hash for item in gatherings],
    )


async def gathering_of_key(
    connection: Connection, customer_id: int, idempotency_key: str
) -> Gathering | None:
    """Return what a customer's request under a key still gathers for."""
    row = await QUERIES.gathering_of_key.fetchrow(
        connection, customer_id=customer_id, idempotency_key=idempotency_key
    )
    return None if row is None else _gathering(row)


async def gatherings_begun(
    connection: Connection,
    *,
    began_before: datetime,
    page: int,
    after: tuple[datetime, int, int] = BEGINNING,
) -> list[Gathering]:
    """Return a page of what began to gather before an instant, oldest first."""
    rows = await QUERIES.gatherings_begun.fetch(
        connection,
        began_before=began_before,
        page=page,
        after_began_at=after[0],
        after_customer_id=after[1],
        after_application_id=after[2],
    )
    return [_gathering(row) for row in rows]


async def decide_gathered(
    connection: Connection,
    applications: Sequence[Application],
    records: Sequence[StoredDecision],
) -> set[ApplicationKey]:
    """Write decisions on applications that gather; return those that had not ended meanwhile.

    One call is for one policy version and one instant.
    """
    if not applications:
        return set()
    first = applications[0]
    rows = await QUERIES.decide_gathered.fetch(
        connection,
        gathered_at=first.gathered_at,
        decided_at=first.decided_at,
        decided_by=BY_POLICY,
        policy_hash=first.policy_hash,
        policy_version=first.policy_version,
        customer_ids=[item.customer_id for item in applications],
        application_ids=[item.application_id for item in applications],
        statuses=[item.status.value for item in applications],
        grades=[item.grade for item in applications],
        points=[item.points for item in applications],
        limits_minor=[item.limit_minor for item in applications],
        rates_daily_e8=[item.rate_daily_e8 for item in applications],
        tenors_months=[",".join(map(str, item.tenors_months)) for item in applications],
        reasons=[",".join(item.reasons) for item in applications],
        valid_until=[item.valid_until for item in applications],
        asks=[",".join(item.asks) for item in applications],
    )
    decided = {(row["customer_id"], row["application_id"]) for row in rows}
    kept = [
        (item, record)
        for item, record in zip(applications, records, strict=True)
        if (item.customer_id, item.application_id) in decided
    ]
    await QUERIES.add_gathered_decisions.execute(
        connection,
        decided_by=BY_POLICY,
        policy_hash=first.policy_hash,
        decided_at=first.decided_at,
        customer_ids=[item.customer_id for item, _ in kept],
        application_ids=[item.application_id for item, _ in kept],
        outcomes=[item.status.value for item, _ in kept],
        inputs=[record.inputs.decode() for _, record in kept],
        results=[record.result.decode() for _, record in kept],
    )
    await end_gatherings(
        connection, [(item.customer_id, item.application_id) for item in applications]
    )
    return decided


async def end_gatherings(connection: Connection, keys: Sequence[ApplicationKey]) -> None:
    """Forget what applications were asked with."""
    await QUERIES.end_gatherings.execute(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        application_ids=[application_id for _, application_id in keys],
    )


async def remove_gathering(connection: Connection, key: ApplicationKey) -> None:
    """Take back an application for which nobody was asked and nothing was decided."""
    customer_id, application_id = key
    await end_gatherings(connection, [key])
    await QUERIES.remove_gathering_application.execute(
        connection, customer_id=customer_id, application_id=application_id
    )


def _gathering(row: Row) -> Gathering:
    asked, features = read_inputs(row["inputs"])
    return Gathering(
        customer_id=row["customer_id"],
        application_id=row["application_id"],
        consent_id=row["consent_id"],
        asked=asked,
        features=features,
        idempotency_key=row["idempotency_key"],
        request_hash=row["request_hash"],
        began_at=row["began_at"],
    )
