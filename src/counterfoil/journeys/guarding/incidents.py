"""Incidents with personal data: written down, contained, told of in time, closed with evidence."""

from datetime import datetime, timedelta
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.privacy import duty_store as store
from counterfoil.privacy import incident as rules
from counterfoil.privacy.incident import Facts, Incident, IncidentAct, IncidentEvent
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import INCIDENT_FACTS, INCIDENT_NOT_FOUND, INCIDENT_ROLE
from counterfoil.privacy.retention import load_schedule

PERMISSION: Final = "rights"


async def record_incident(
    house: House, actor: Actor, facts: Facts, *, noticed_at: datetime
) -> Incident | Refused:
    """Write an incident down; its clocks run from when it was noticed."""
    now = house.clock.now()
    act = Act(name="incident_recorded", reason=facts.cause.value)
    texts = (facts.harm_zh, facts.harm_en, facts.advice_zh, facts.advice_en, facts.contact)
    is_whole = facts.kinds and set(facts.kinds) <= set(load_schedule().classes)
    if not is_whole or not all(text.strip() for text in texts) or noticed_at > now:
        return await note_refusal(house, actor, act, refuse(INCIDENT_FACTS))
    if _is_barred(actor):
        return await note_refusal(house, actor, act, refuse(INCIDENT_ROLE))
    told_by = noticed_at + timedelta(hours=house.settings.incident_notice_hours)
    incident = Incident(
        incident_id=house.ids.next(),
        facts=facts,
        noticed_at=noticed_at,
        recorded_at=now,
        recorded_by=actor.name,
        authority_by=told_by,
        persons_by=told_by,
    )
    async with house.database.transaction() as connection:
        await store.add_incident(connection, incident)
        await note(house, connection, actor, act)
    return incident


async def do_incident_step(
    house: House,
    actor: Actor,
    *,
    incident_id: int,
    step: IncidentAct,
    text: str,
    evidence_sha256: bytes | None = None,
) -> Incident | Refused:
    """Note what was done about an incident, with the hash of what proves it."""
    record = ids.to_text(ids.INCIDENT, incident_id)
    act = Act(name=f"incident_{step.value}", subject=record, reason=text)
    if _is_barred(actor):
        return await note_refusal(house, actor, act, refuse(INCIDENT_ROLE))
    async with house.database.transaction() as connection:
        found = await store.read_incidents(connection, incident_id=incident_id)
        refused = rules.refuse_step(found[0], step, text) if found else refuse(INCIDENT_NOT_FOUND)
        if refused is None:
            event = IncidentEvent(
                event_no=len(found[0].events) + 1,
                act=step,
                person=actor.name,
                note=mask_free_text(text),
                evidence_sha256=evidence_sha256,
                at=house.clock.now(),
            )
            await store.add_incident_event(connection, found[0], event)
            await note(house, connection, actor, act)
            found = await store.read_incidents(connection, incident_id=incident_id)
    return found[0] if refused is None else await note_refusal(house, actor, act, refused)


async def read_incident(house: House, incident_id: int) -> Incident | Refused:
    """Return one incident."""
    async with house.database.connection() as connection:
        found = await store.read_incidents(connection, incident_id=incident_id)
    return found[0] if found else refuse(INCIDENT_NOT_FOUND)


async def read_incidents(house: House) -> list[Incident]:
    """Return incidents, newest first."""
    async with house.database.connection() as connection:
        return await store.read_incidents(connection)


def _is_barred(actor: Actor) -> bool:
    return PERMISSION not in load_matrix().rights_for(actor).permissions
