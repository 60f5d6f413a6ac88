"""Destroying account statements: when their data life is over, and at once when consent ends."""

from typing import Final

from counterfoil.capacity import store
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.platform.database import Connection

#: Statements erased in one transaction.
ERASED_AT_ONCE: Final = 500
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
            return done


async def forget_statements(
    house: House, connection: Connection, *, customer_id: int, consent_id: int
) -> None:
    """Destroy what rests on a consent that is withdrawn, in the transaction of its withdrawal."""
    keys = await store.statements_of_consent(
        connection, customer_id=customer_id, consent_id=consent_id
    )
    await _erase(house, connection, keys, rule=WITHDRAWN)


async def _erase(house: House, connection: Connection, keys: list[store.Key], *, rule: str) -> None:
    if not keys:
        return
    leaves = [
        house.leaves.stage(
            customer_id,
            house.ids.next(),
            LeafType.ERASED,
            statement_id,
            {"data": "statement", "rule": rule},
        )
        for customer_id, statement_id in keys
    ]
    await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    await store.erase_statements(connection, keys, at=house.leaves.now())
