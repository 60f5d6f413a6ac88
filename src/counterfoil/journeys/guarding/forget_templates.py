"""Removing references to biometric templates: when their life is over, and when consent ends."""

from collections.abc import Sequence

from counterfoil.customers import verification_store as store
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note_schedule
from counterfoil.platform.database import Connection


async def forget_expired_templates(house: House) -> int:
    """Remove references whose life is over by the real clock; part of the close of day."""
    async with house.database.transaction() as connection:
        gone = await store.forget_expired_templates(connection, now=house.wall.now())
        await _tell(house, connection, gone, rule="data_life")
    return len(gone)


async def forget_templates(
    house: House, connection: Connection, *, customer_id: int, consent_id: int
) -> None:
    """Remove what rests on a consent that is withdrawn, in the transaction of its withdrawal."""
    gone = await store.forget_templates_of_consent(
        connection, customer_id=customer_id, consent_id=consent_id
    )
    await _tell(house, connection, gone, rule="consent_withdrawn")


async def _tell(
    house: House, connection: Connection, gone: Sequence[tuple[int, int]], *, rule: str
) -> None:
    if not gone:
        return
    leaves = [
        house.leaves.stage(
            customer_id,
            house.ids.next(),
            LeafType.ERASED,
            check_id,
            {"data": "biometric_template", "rule": rule},
        )
        for customer_id, check_id in gone
    ]
    await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    customers = [customer_id for customer_id, _ in gone]
    act = Act(name="erasure", customer_ids=customers, subject="biometric_template", reason=rule)
    await note_schedule(house, connection, act)
