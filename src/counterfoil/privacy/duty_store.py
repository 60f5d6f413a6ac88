"""Reads and writes impact assessments and incidents."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import orjson
import rfc8785

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row
from counterfoil.privacy.assessment import (
    Assessment,
    AssessmentAct,
    AssessmentEvent,
    Processing,
)
from counterfoil.privacy.incident import Cause, Facts, Incident, IncidentAct, IncidentEvent

_QUERIES: Final = Queries.load("counterfoil.privacy", "duty_store.sql")

#: Longest list.
PAGE: Final = 200


async def add_assessment(connection: Connection, made: Assessment) -> bool:
    """Write an assessment; False where there is one with the same text."""
    number = await _QUERIES.add_assessment.fetchval(
        connection,
        assessment_id=made.assessment_id,
        processing=made.processing.value,
        subject=made.subject,
        document=made.document,
        sha256=made.sha256,
        author=made.author,
        made_at=made.made_at,
        review_on=made.review_on,
        keep_until=made.keep_until,
    )
    return number is not None


async def read_assessments(
    connection: Connection, *, assessment_id: int | None = None, sha256: bytes | None = None
) -> list[Assessment]:
    """Return assessments, newest first; the one with a number or hash where it is given."""
    rows = await _QUERIES.assessments.fetch(
        connection, assessment_id=assessment_id, sha256=sha256, page=PAGE
    )
    return await _with_events(connection, rows)


async def read_about(
    connection: Connection, processing: Processing, subject: str
) -> list[Assessment]:
    """Return the assessments of one kind of processing about one thing, newest first."""
    rows = await _QUERIES.assessments_about.fetch(
        connection, processing=processing.value, subject=subject, page=PAGE
    )
    return await _with_events(connection, rows)


async def _with_events(connection: Connection, rows: Sequence[Row]) -> list[Assessment]:
    found = await _QUERIES.assessment_events.fetch(
        connection, assessment_ids=[row["assessment_id"] for row in rows]
    )
    events: defaultdict[int, list[AssessmentEvent]] = defaultdict(list)
    for item in found:
        fields = dict(item) | {"act": AssessmentAct(item["act"])}
        events[fields.pop("assessment_id")].append(AssessmentEvent(**fields))
    return [
        Assessment(
            **dict(row) | {"processing": Processing(row["processing"])},
            events=tuple(events[row["assessment_id"]]),
        )
        for row in rows
    ]


async def add_assessment_event(
    connection: Connection, found: Assessment, event: AssessmentEvent
) -> None:
    """Write what is done with an assessment next."""
    await _QUERIES.add_assessment_event.execute(
        connection,
        assessment_id=found.assessment_id,
        event_no=len(found.events) + 1,
        act=event.act.value,
        person=event.person,
        reason=event.reason,
        at=event.at,
    )


async def add_incident(connection: Connection, incident: Incident) -> None:
    """Write a new incident."""
    facts = incident.facts
    document = {
        "kinds": list(facts.kinds),
        "cause": facts.cause.value,
        "persons": facts.persons,
        "harm_zh": facts.harm_zh,
        "harm_en": facts.harm_en,
        "advice_zh": facts.advice_zh,
        "advice_en": facts.advice_en,
        "contact": facts.contact,
    }
    await _QUERIES.add_incident.execute(
        connection,
        incident_id=incident.incident_id,
        document=rfc8785.dumps(document).decode(),
        noticed_at=incident.noticed_at,
        recorded_at=incident.recorded_at,
        recorded_by=incident.recorded_by,
        authority_by=incident.authority_by,
        persons_by=incident.persons_by,
    )


async def read_incidents(
    connection: Connection, *, incident_id: int | None = None
) -> list[Incident]:
    """Return incidents, newest first; the one with a number where it is given."""
    rows = await _QUERIES.incidents.fetch(connection, incident_id=incident_id, page=PAGE)
    found = await _QUERIES.incident_events.fetch(
        connection, incident_ids=[row["incident_id"] for row in rows]
    )
    events: defaultdict[int, list[IncidentEvent]] = defaultdict(list)
    for item in found:
        fields = dict(item) | {"act": IncidentAct(item["act"])}
        events[fields.pop("incident_id")].append(IncidentEvent(**fields))
    incidents = []
    for row in rows:
        fields = dict(row)
        document = orjson.loads(fields.pop("document"))
        facts = Facts(
            **document | {"kinds": tuple(document["kinds"]), "cause": Cause(document["cause"])}
        )
        incidents.append(Incident(**fields, facts=facts, events=tuple(events[row["incident_id"]])))
    return incidents


async def add_incident_event(
    connection: Connection, incident: Incident, event: IncidentEvent
) -> None:
    """Write what is done about an incident next."""
    await _QUERIES.add_incident_event.execute(
        connection,
        incident_id=incident.incident_id,
        event_no=event.event_no,
        act=event.act.value,
        person=event.person,
        note=event.note,
        evidence_sha256=event.evidence_sha256,
        at=event.at,
    )
