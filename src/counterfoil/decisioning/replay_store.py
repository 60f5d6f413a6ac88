"""Reads recorded decisions for whoever decides or explains them again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.decisioning.replay import Standing, StoredDecision
from counterfoil.decisioning.store import DecisionKey
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "replay_store.sql")
BEGINNING: Final[DecisionKey] = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One decision as it is recorded, and what the application says came of it."""

    key: DecisionKey
    decided_by: str
    #: `approved`, `declined` or `referred`; a person's where a person decided.
    outcome: str
    decided_at: datetime
    stored: StoredDecision
    standing: Standing


async def read_page(
    connection: Connection, *, page: int, after: DecisionKey, application_id: int | None
) -> list[Recorded]:
    """Return a page of decisions, of all applications or of one."""
    rows = await QUERIES.recorded_page.fetch(
        connection,
        page=page,
        customer_id=after[0],
        application_id=after[1],
        decision_no=after[2],
        only_application=application_id,
    )
    return [_recorded(row) for row in rows]


async def count(connection: Connection, *, application_id: int | None) -> int:
    """Return how many decisions there are."""
    found: int = await QUERIES.recorded_count.fetchval(connection, only_application=application_id)
    return found


def _recorded(row: Row) -> Recorded:
    return Recorded(
        key=(row["customer_id"], row["application_id"], row["decision_no"]),
        decided_by=row["decided_by"],
        outcome=row["outcome"],
        decided_at=row["decided_at"],
        stored=StoredDecision(
            policy_hash=row["policy_hash"],
            inputs=row["inputs"].encode(),
            result=row["result"].encode(),
        ),
        standing=Standing(
            grade=row["grade"],
            points=row["points"],
            limit_minor=row["limit_minor"],
            rate_daily_e8=row["rate_daily_e8"],
        ),
    )
