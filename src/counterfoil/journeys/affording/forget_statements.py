"""Destroying account statements: when their data life is over, and at once when consent ends.

Keys        The close also destroys the data keys of whom no statement is left, so that copies and
            backups of before cannot be opened by them.
Beats       A legal hold keeps a statement, sealed and read by nobody, until it is lifted.
"""

from typing import Final

from counterfoil.capacity import store
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note_schedule
from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.store import read_keys
from counterfoil.privacy.vault import Purpose

#: Statements erased in one transaction.
ERASED_AT_ONCE: Final = 500
#: How long after a statement went its customer's key is looked for: more than any pause of closes.
KEYS_LOOK_S: Final = 40 * 86_400
#: Rules under which a statement goes.
DATA_LIFE, WITHDRAWN = "data_life", "consent_withdrawn"


async def erase_expired_statements(house: House) -> int:
    """Destroy statements whose data life is over, each with its leaf; return how many.

    Part of the close of day. The row stays: that there was a statement is evidence.
    """
    done = 0
    while True:
        async with house.database.transaction() as connection:
            keys = await store.expired_statements(
                connection, now=house.leaves.now(), page=ERASED_AT_ONCE
            )
            await _erase(house, connection, keys, rule=DATA_LIFE)
        done += len(keys)
        if len(keys) < ERASED_AT_ONCE:
            break
    await _destroy_keys(house)
    return done


async def _destroy_keys(house: House) -> None:
    found = load_schedule().class_of(Purpose.STATEMENT)
    assert found is not None, "every purpose of the vault belongs to a class"
    async with house.database.transaction() as connection:
        since = house.leaves.now() - KEYS_LOOK_S
        over = await store.nothing_sealed(connection, since=since)
        keyed = await read_keys(connection, over, Purpose.STATEMENT) if over else []
        if keyed:
            customers = [row.customer_id for row in keyed]
            await erasure_store.destroy_keys(connection, customers, found, now=house.clock.now())


async def forget_statements(
    house: House, connection: Connection, *, customer_id: int, consent_id: int
) -> None:
    """Destroy what rests on a consent that is withdrawn, in the transaction of its withdrawal."""
    keys = await store.end_statements_of_consent(
        connection, customer_id=customer_id, consent_id=consent_id, now=house.leaves.now()
    )
    await _erase(house, connection, keys, rule=WITHDRAWN)


async def _erase(house: House, connection: Connection, keys: list[store.Key], *, rule: str) -> None:
    if not keys:
        return
    gone_by = load_schedule().gone_by(house.wall.now().date()).isoformat()
    leaves = [
        house.leaves.stage(
            customer_id,
            house.ids.next(),
            LeafType.ERASED,
            statement_id,
            {"data": "statement", "gone_by": gone_by, "rule": rule},
        )
        for customer_id, statement_id in keys
    ]
    await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    customers = [customer_id for customer_id, _ in keys]
    act = Act(name="erasure", customer_ids=customers, subject="statement", reason=rule)
    await note_schedule(house, connection, act)
    await store.erase_statements(connection, keys, at=house.leaves.now())
