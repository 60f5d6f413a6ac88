"""Reads what decisions on customers read, for whoever follows a datum forwards or back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

import orjson

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "lineage_store.sql")

#: Customer, subject and number of a decision.
Key = tuple[int, int, int]
BEGINNING: Final[Key] = (0, 0, 0)


class DecisionRead(NamedTuple):
    """A policy's decision with the features that it read."""

    customer_id: int
    #: The application or the request that it is about.
    subject_id: int
    decision_no: int
    #: `application` or `limit_request`.
    about: str
    outcome: str
    policy_hash: str
    features: Mapping[str, Value | None]
    #: The business date of the question.
    as_of: str
    grade: str | None
    points: int | None
    decided_at: datetime
    #: What the record of the decision holds.
    stored: StoredDecision

    @property
    def key(self) -> Key:
        """Return the decision's key."""
        return self.customer_id, self.subject_id, self.decision_no


async def decisions_of_customers(
    connection: Connection, customer_ids: Collection[int]
) -> list[DecisionRead]:
    """Return the policies' own decisions on customers, oldest first."""
    rows = await QUERIES.decisions_of_customers.fetch(
        connection, customer_ids=sorted(customer_ids), decided_by=BY_POLICY
    )
    return [_read(row) for row in rows]


async def policies_of(connection: Connection, hashes: Collection[str]) -> dict[str, Policy]:
    """Return versions by their hashes."""
    rows = await QUERIES.policy_documents.fetch(connection, policy_hashes=sorted(set(hashes)))
    return {row["policy_hash"]: policy_of(orjson.loads(row["document"])) for row in rows}


async def every_policy(connection: Connection) -> dict[str, Policy]:
    """Return every version that ever decided, by its hash."""
    rows = await QUERIES.versions.fetch(connection)
    return {row["policy_hash"]: policy_of(orjson.loads(row["document"])) for row in rows}


async def decisions_reading(
    connection: Connection, name: str, hashes: Collection[str], *, after: Key, page: int
) -> list[DecisionRead]:
    """Return a page of decisions by versions that read a value of a feature."""
    rows = await QUERIES.decisions_reading.fetch(
        connection,
        name=name,
        policy_hashes=sorted(hashes),
        decided_by=BY_POLICY,
        customer_id=after[0],
        subject_id=after[1],
        decision_no=after[2],
        page=page,
    )
    return [_read(row) for row in rows]


async def decisions_lately(
    connection: Connection, hashes: Collection[str], *, before: Key | None, page: int
) -> list[DecisionRead]:
    """Return a page of decisions by versions, the last customers' first."""
    rows = await QUERIES.decisions_lately.fetch(
        connection,
        policy_hashes=sorted(hashes),
        decided_by=BY_POLICY,
        is_first=before is None,
        customer_id=before[0] if before else 0,
        subject_id=before[1] if before else 0,
        decision_no=before[2] if before else 0,
        page=page,
    )
    return [_read(row) for row in rows]


async def lines_of_requests(connection: Connection, keys: Collection[Key]) -> dict[Key, int]:
    """Return the lines that requests for a higher limit are about, by the keys of decisions.

    A key of which no such request is there is left out.
    """
    rows = await QUERIES.lines_of_requests.fetch(
        connection,
        customer_ids=[key[0] for key in keys],
        request_ids=[key[1] for key in keys],
    )
    lines = {(row["customer_id"], row["request_id"]): row["line_id"] for row in rows}
    return {key: lines[key[:2]] for key in keys if key[:2] in lines}


def _read(row: Row) -> DecisionRead:
    inputs, result = orjson.loads(row["inputs"]), orjson.loads(row["result"])
    return DecisionRead(
        customer_id=row["customer_id"],
        subject_id=row["subject_id"],
        decision_no=row["decision_no"],
        about=row["about"],
        outcome=row["outcome"],
        policy_hash=row["policy_hash"],
        features=inputs["features"],
        as_of=inputs["asked"]["as_of"],
        grade=result.get("grade"),
        points=result.get("points"),
        decided_at=row["decided_at"],
        stored=StoredDecision(
            policy_hash=row["policy_hash"],
            inputs=row["inputs"].encode(),
            result=row["result"].encode(),
        ),
    )


class Counted(NamedTuple):
    """An application that a report counts, with its last decision; None where there is none."""

    customer_id: int
    application_id: int
    decision_no: int | None
    policy_hash: str | None


async def applications_behind(
    connection: Connection,
    span: tuple[datetime, datetime],
    *,
    after: tuple[int, int] = (0, 0),
    page: int,
) -> list[Counted]:
    """Return a page of the applications received from one instant to before another."""
    rows = await QUERIES.applications_behind.fetch(
        connection,
        received_from=span[0],
        received_before=span[1],
        customer_id=after[0],
        application_id=after[1],
        page=page,
    )
    return [Counted(**dict(row)) for row in rows]


async def months_of_applications(
    connection: Connection, keys: Sequence[tuple[int, int]]
) -> list[date]:
    """Return the first day of the month in which each application was received, by UTC.

    A key is customer and subject; a subject that is no application is left out.
    """
    rows = await QUERIES.months_of_applications.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        application_ids=[application_id for _, application_id in keys],
    )
    return [row["month"] for row in rows]
