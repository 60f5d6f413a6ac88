"""Reads and writes what a version has decided lately and what its action cap holds back.

Counting    Spans of five minutes are counted once, two minutes after they ended, when no
            transaction can add to them any more; what came later is counted from the decisions
            themselves. No decision writes a counter.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.decisioning.action_cap import Trip, Window
from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import WHOLE_POLICY
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "guard_store.sql")

#: As the queries have it.
SPAN: Final = timedelta(minutes=5)
#: A span is counted so long after its end: longer than a transaction stays open.
SETTLED: Final = timedelta(minutes=2)


class TripEvent(NamedTuple):
    """A cap that began, or ceased, to hold something back."""

    #: Code and version.
    policy: str
    rule_code: str
    is_tripped: bool
    #: Within the window: all cases, and the declines that count.
    cases: int
    declined: int
    at: datetime


async def tally(connection: Connection, policy: Policy, *, since: datetime, at: datetime) -> None:
    """Count the spans of a version since an instant that are over and not counted yet."""
    first = max(await _counted_until(connection, policy), _span_of(since))
    until = _span_of(at - SETTLED)
    if first < until:
        await QUERIES.add_tallies.execute(
            connection,
            policy_hash=policy.hash,
            decided_by=BY_POLICY,
            since=first,
            until=until,
        )


async def read_window(connection: Connection, policy: Policy, *, since: datetime) -> Window:
    """Return what a version has decided since an instant; counted spans count as a whole."""
    counted_until = max(await _counted_until(connection, policy), since)
    rows = await QUERIES.said_since.fetch(
        connection,
        decided_by=BY_POLICY,
        policy_hash=policy.hash,
        since=since,
        counted_until=counted_until,
    )
    counts = Counter({(row["rule_code"], row["said"]): row["cases"] for row in rows})
    return Window(
        cases=counts.pop((WHOLE_POLICY, "decided"), 0),
        declined=counts.pop((WHOLE_POLICY, "declined"), 0),
        verdicts={(code, Verdict(said)): cases for (code, said), cases in counts.items()},
    )


async def read_tripped(
    connection: Connection, policy_hashes: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """Return the codes of rules that caps hold back now, by version."""
    rows = await QUERIES.tripped.fetch(connection, policy_hashes=sorted(policy_hashes))
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["policy_hash"], set()).add(row["rule_code"])
    return {policy_hash: frozenset(codes) for policy_hash, codes in found.items()}


async def tripped_since_published(
    connection: Connection, publication_ids: Collection[int]
) -> frozenset[int]:
    """Return the publications whose version's cap has held something back since."""
    rows = await QUERIES.tripped_since_published.fetch(
        connection, publication_ids=sorted(publication_ids)
    )
    return frozenset(row["publication_id"] for row in rows)


async def add_trips(
    connection: Connection,
    policy_hash: str,
    trips: Mapping[int, Trip],
    *,
    cases: int,
    at: datetime,
) -> None:
    """Write by their numbers what a cap begins or ceases to hold back."""
    await QUERIES.add_trips.execute(
        connection,
        policy_hash=policy_hash,
        cases=cases,
        at=at,
        trip_ids=[*trips],
        rule_codes=[trip.rule_code for trip in trips.values()],
        are_tripped=[trip.is_tripped for trip in trips.values()],
        declined=[trip.declined for trip in trips.values()],
    )


async def recent_trips(connection: Connection, *, page: int) -> list[TripEvent]:
    """Return what caps began and ceased to hold back, newest first."""
    rows = await QUERIES.recent_trips.fetch(connection, page=page)
    return [
        TripEvent(
            policy=f"{row['code']} {row['version']}",
            rule_code=row["rule_code"],
            is_tripped=row["is_tripped"],
            cases=row["cases"],
            declined=row["declined"],
            at=row["at"],
        )
        for row in rows
    ]


async def _counted_until(connection: Connection, policy: Policy) -> datetime:
    began_at = await QUERIES.last_tally.fetchval(connection, policy_hash=policy.hash)
    return datetime.min.replace(tzinfo=UTC) if began_at is None else began_at + SPAN


def _span_of(at: datetime) -> datetime:
    """Return the beginning of the span that an instant falls into."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(SPAN.total_seconds()), UTC)
