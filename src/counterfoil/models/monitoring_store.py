"""Reads and writes what monitoring found, which segments are held back, and stress tests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
import rfc8785

from counterfoil.platform.queries import Queries, Row, Runner

QUERIES: Final = Queries.load("counterfoil.models", "monitoring_store.sql")
#: Stands for all segments.
EVERY_SEGMENT: Final = "*"
_NUMBER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What was found of one segment over a span."""

    monitoring_id: int
    model_sha256: str
    segment: str
    since: datetime
    until: datetime
    cases: int
    level: str
    document: Mapping[str, Any]
    #: Who has to act, and until when; None where nothing is to be done.
    owner: str
    due_on: date | None
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A segment whose automatic approvals begin or cease to go to a person."""

    hold_id: int
    model_sha256: str
    segment: str
    is_held: bool
    monitoring_id: int | None
    done_by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """What a scenario would do to a portfolio that a model scores."""

    stress_id: int
    model_sha256: str
    data_sha256: str
    scenario_sha256: str
    document: Mapping[str, Any]
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision by a model's policies, and how it went."""

    decided_at: datetime
    outcome: str
    #: Values of the features that the policy read.
    features: Mapping[str, Any]
    segment: str
    #: What a person made of it; None where nobody looked.
    person_outcome: str | None
    #: 1 bad, 0 good, None where it is not known yet.
    bad: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOfModel:
    """A line that a model decided on, with what is owed and what could be drawn."""

    features: Mapping[str, Any]
    #: Of the policy that decided.
    segment: str | None
    limit_minor: int
    drawn_minor: int


async def read_lines_of_model(
    connection: Runner, model_sha256: str, *, page: int
) -> list[LineOfModel]:
    """Return the open lines on which policies with a model decided."""
    rows = await QUERIES.policies_of_model.fetch(connection, model_sha256=model_sha256)
    hashes = [row["policy_hash"] for row in rows]
    found = await QUERIES.exposures.fetch(connection, policy_hashes=hashes, page=page)
    return [
        LineOfModel(
            features=orjson.loads(row["inputs"])["features"],
            segment=row["segment"],
            limit_minor=row["limit_minor"],
            drawn_minor=row["drawn_minor"],
        )
        for row in found
    ]


async def read_decided(
    connection: Runner,
    model_sha256: str,
    *,
    since: datetime,
    until: datetime,
    horizon_months: int,
    bad_days: int,
    page: int,
) -> list[Decided]:
    """Return what every policy with a model decided in a span, the newest first."""
    rows = await QUERIES.policies_of_model.fetch(connection, model_sha256=model_sha256)
    found = await QUERIES.decided.fetch(
        connection,
        policy_hashes=[row["policy_hash"] for row in rows],
        since=since,
        until=until,
        horizon_months=horizon_months,
        bad_days=bad_days,
        page=page,
    )
    return [
        Decided(
            decided_at=row["decided_at"],
            outcome=row["outcome"],
            features=orjson.loads(row["inputs"])["features"],
            segment=row["segment"] or "",
            person_outcome=row["person_outcome"],
            bad=row["bad"],
        )
        for row in found
    ]


async def add_monitorings(connection: Runner, found: Sequence[Monitoring]) -> None:
    """Keep what was found of the segments of one model over one span."""
    if not found:
        return
    first = found[0]
    await QUERIES.add_monitoring.execute(
        connection,
        model_sha256=first.model_sha256,
        since=first.since,
        until=first.until,
        owner=first.owner,
        made_at=first.made_at,
        monitoring_ids=[item.monitoring_id for item in found],
        segments=[item.segment for item in found],
        cases=[item.cases for item in found],
        levels=[item.level for item in found],
        documents=[rfc8785.dumps(dict(item.document)).decode() for item in found],
        due_ons=[item.due_on for item in found],
    )


async def list_monitorings(
    connection: Runner,
    model_sha256: str,
    *,
    before: int = _NUMBER_MAX,
    page: int,
    is_back: bool = False,
) -> list[Monitoring]:
    """Return what was found of a model, newest first."""
    rows = await QUERIES.monitorings.page(
        connection, model_sha256=model_sha256, before=before, page=page, is_back=is_back
    )
    return [_monitoring(row) for row in rows]


async def latest_monitorings(
    connection: Runner, model_sha256s: Collection[str]
) -> dict[str, list[Monitoring]]:
    """Return the last figures of each segment of each model."""
    found: dict[str, list[Monitoring]] = {sha256: [] for sha256 in model_sha256s}
    for row in await QUERIES.latest_monitorings.fetch(connection, model_sha256s=list(found)):
        found[row["model_sha256"]].append(_monitoring(row))
    return found


async def add_hold(connection: Runner, hold: Hold) -> None:
    """Keep that a segment begins or ceases to be held back."""
    await QUERIES.add_hold.execute(
        connection,
        hold_id=hold.hold_id,
        model_sha256=hold.model_sha256,
        segment=hold.segment,
        is_held=hold.is_held,
        monitoring_id=hold.monitoring_id,
        done_by=hold.done_by,
        reason=hold.reason,
        at=hold.at,
    )


async def held_segments(
    connection: Runner, model_sha256s: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return the segments that are held back now, each with the reason, by model."""
    found: dict[str, dict[str, str]] = {sha256: {} for sha256 in model_sha256s}
    for row in await QUERIES.held_segments.fetch(connection, model_sha256s=list(found)):
        found[row["model_sha256"]][row["segment"]] = row["reason"]
    return found


async def add_stress(connection: Runner, stress: Stress) -> None:
    """Keep what a scenario would do."""
    await QUERIES.add_stress.execute(
        connection,
        stress_id=stress.stress_id,
        model_sha256=stress.model_sha256,
        data_sha256=stress.data_sha256,
        scenario_sha256=stress.scenario_sha256,
        document=rfc8785.dumps(dict(stress.document)).decode(),
        made_by=stress.made_by,
        made_at=stress.made_at,
    )


async def list_stresses(
    connection: Runner,
    model_sha256: str,
    *,
    page: int,
    before: int = _NUMBER_MAX,
    is_back: bool = False,
) -> list[Stress]:
    """Return what scenarios would do with a model, newest first."""
    rows = await QUERIES.stresses.page(
        connection, model_sha256=model_sha256, page=page, before=before, is_back=is_back
    )
    return [Stress(**dict(row) | {"document": orjson.loads(row["document"])}) for row in rows]


def _monitoring(row: Row) -> Monitoring:
    return Monitoring(**dict(row) | {"document": orjson.loads(row["document"])})
