"""Destroying what a bureau sent when its data life is over: reports, and answers that were kept.

Order       The ciphertext goes with its leaf. Where nothing of the bureau's is sealed any more
            for a customer, the data key goes as well, so that copies and backups of before cannot
            be opened by it; a report that comes later gets a key of its own.
Beats       A legal hold keeps everything, sealed and unused, until it is lifted.
Stays       That there was a report, who opened it, and the leaves: evidence of the inquiry.
"""

from collections.abc import Sequence
from typing import Final

from counterfoil.bureau import store
from counterfoil.capacity import store as capacity
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note_schedule
from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.vault import Purpose

#: Reports, or answers, erased in one transaction.
ERASED_AT_ONCE: Final = 500
#: Rule under which they go.
DATA_LIFE: Final = "data_life"


async def erase_expired_reports(house: House) -> int:
    """Destroy reports and kept answers whose data life is over; return how many reports.

    Part of the close of day; a second time finds nothing to do.
    """
    done = 0
    while True:
        now = house.leaves.now()
        async with house.database.transaction() as connection:
            reports = await store.expired_reports(connection, now=now, page=ERASED_AT_ONCE)
            answers = await store.expired_answers(connection, now=now, page=ERASED_AT_ONCE)
            await _tell(house, connection, reports, data="report")
            await _tell(house, connection, answers, data="bureau_answer")
            await store.erase_reports(connection, reports, at=now)
            await store.erase_answers(connection, answers, at=now)
            await capacity.erase_reported_debts(connection, now=now)
            await _destroy_keys(house, connection, {c for c, _ in (*reports, *answers)})
        done += len(reports)
        if max(len(reports), len(answers)) < ERASED_AT_ONCE:
            return done


async def _tell(
    house: House, connection: Connection, keys: Sequence[store.Key], *, data: str
) -> None:
    """Stage a leaf for each of what goes, by its customer and number; one line of the trail."""
    if not keys:
        return
    gone_by = load_schedule().gone_by(house.wall.now().date()).isoformat()
    leaves = [
        house.leaves.stage(
            customer_id,
            house.ids.next(),
            LeafType.ERASED,
            number,
            {"data": data, "gone_by": gone_by, "rule": DATA_LIFE},
        )
        for customer_id, number in keys
    ]
    await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    customers = [customer_id for customer_id, _ in keys]
    act = Act(name="erasure", customer_ids=customers, subject=data, reason=DATA_LIFE)
    await note_schedule(house, connection, act)


async def _destroy_keys(house: House, connection: Connection, customers: set[int]) -> None:
    over = await store.nothing_sealed(connection, customers) if customers else []
    if over:
        found = load_schedule().class_of(Purpose.REPORT)
        assert found is not None, "every purpose of the vault belongs to a class"
        await erasure_store.destroy_keys(connection, over, found, now=house.clock.now())
