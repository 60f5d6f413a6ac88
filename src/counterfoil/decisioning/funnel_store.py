"""How far applications came, how long their steps took, and why persons were asked: counts only.

A figure is of the applications received in a span of instants, whatever became of them since.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "funnel_store.sql")


class Stages(NamedTuple):
    """Applications of one group by how far they came; the order is that of the query."""

    group_code: str
    received: int
    decided: int
    approved_by_policy: int
    declined_by_policy: int
    referred: int
    approved_by_person: int
    declined_by_person: int
    accepted: int
    expired_undecided: int
    withdrawn_undecided: int
    expired_referred: int
    withdrawn_referred: int
    expired_offered: int
    withdrawn_offered: int


class StepTime(NamedTuple):
    """How many applications took a step, and how long; the order is that of the query."""

    group_code: str
    step: str
    began: int
    ended: int
    #: Expired or withdrawn before the step ended.
    left_off: int
    #: Of those that ended it; None where none did.
    median_ms: int | None
    p95_ms: int | None
    p99_ms: int | None


class ReferredVerdict(NamedTuple):
    """How often a rule said something other than false of what was referred.

    A flag stands beside the rules with the verdict `flag`.
    """

    group_code: str
    policy_hash: str
    rule_code: str
    verdict: str
    applications: int


class SourceTime(NamedTuple):
    """How a source that is asked kept its time; the order is that of the query."""

    source: str
    asked: int
    answered: int
    #: Not ended within its time: counted against the source, not against the applicant.
    over_limit: int
    median_seconds: int | None
    p95_seconds: int | None
    p99_seconds: int | None


class Span(NamedTuple):
    """Which applications are counted, and by what they are told apart."""

    received_from: datetime
    received_before: datetime
    #: None for all of them.
    product_code: str | None = None
    channel: str | None = None
    segment: str | None = None
    policy_version: str | None = None
    #: `product`, `channel`, `segment` or `policy_version`.
    by: str = "product"


async def stages(connection: Connection, span: Span) -> list[Stages]:
    """Return how far applications came, by group."""
    rows: list[Any] = await QUERIES.stages.fetch(connection, **span._asdict())
    return [Stages(*row) for row in rows]


async def step_times(connection: Connection, span: Span) -> list[StepTime]:
    """Return how long steps took, by group and step."""
    rows: list[Any] = await QUERIES.step_times.fetch(connection, **span._asdict())
    return [StepTime(*row) for row in rows]


async def referred_verdicts(connection: Connection, span: Span) -> list[ReferredVerdict]:
    """Return what rules said of what was referred."""
    rows: list[Any] = await QUERIES.referred_verdicts.fetch(connection, **span._asdict())
    return [ReferredVerdict(*row) for row in rows]


async def source_times(connection: Connection, span: Span, *, now: int) -> list[SourceTime]:
    """Return how sources kept their time; `now` in POSIX seconds by the real clock."""
    rows: list[Any] = await QUERIES.sources.fetch(
        connection,
        received_from=span.received_from,
        received_before=span.received_before,
        now=now,
    )
    return [SourceTime(*row) for row in rows]
