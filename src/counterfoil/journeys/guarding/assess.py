"""Assessments of impact: written by one person, approved by another, asked for by processing.

Invariant   Nobody approves an assessment of their own. What begins sensitive processing names an
            assessment by its SHA-256; it begins only where that one is approved, is about exactly
            this, and its day of review has not passed. A policy, and an export, need one that is
            about them whether they name it or not.
Leaves      An approval is a publication in the log.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.hosts import store as host_store
from counterfoil.hosts.host import assessed_as
from counterfoil.journeys.guarding.assessed import (
    ACCOUNT_TOKENS,
    MESSAGES,
    STATEMENTS,
    rail_assessed_as,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments.debit_port import DEBIT_RAIL
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.database import Connection
from counterfoil.platform.origin import SANDBOX
from counterfoil.privacy import assessment as rules
from counterfoil.privacy import duty_store as store
from counterfoil.privacy.assessment import (
    Assessment,
    AssessmentAct,
    AssessmentEvent,
    Findings,
    Processing,
)
from counterfoil.privacy.refusals import (
    ASSESSMENT_MISSING,
    ASSESSMENT_NEEDED,
    ASSESSMENT_NOT_FOUND,
    ASSESSMENT_ROLE,
)

#: Who may approve: the right that goes with answering persons.
PERMISSION: Final = "rights"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAssessment:
    """What somebody assessed."""

    processing: Processing
    subject: str
    findings: Findings
    review_on: date


async def assess(house: House, actor: Actor, new: NewAssessment) -> Assessment | Refused:
    """Write an assessment down; the same text is the same assessment."""
    act = Act(name="assessment_made", subject=new.subject, purpose=new.processing.value)
    document = rules.write_document(new.processing, new.subject, new.findings, new.review_on)
    if isinstance(document, Refused):
        return await note_refusal(house, actor, act, document)
    made = Assessment(
        assessment_id=house.ids.next(),
        processing=new.processing,
        subject=new.subject,
        document=document,
        sha256=rules.hash_of(document),
        author=actor.name,
        made_at=house.clock.now(),
        review_on=new.review_on,
        keep_until=rules.kept_until(new.review_on),
    )
    async with house.database.transaction() as connection:
        if await store.add_assessment(connection, made):
            await note(house, connection, actor, act)
            return made
        [known] = await store.read_assessments(connection, sha256=made.sha256)
    return known


async def conclude_assessment(
    house: House, actor: Actor, *, assessment_id: int, step: AssessmentAct, reason: str
) -> Assessment | Refused:
    """Approve, refuse or end an assessment."""
    record = ids.to_text(ids.ASSESSMENT, assessment_id)
    act = Act(name=f"assessment_{step.value}", subject=record, reason=reason)
    if PERMISSION not in load_matrix().rights_for(actor).permissions:
        return await note_refusal(house, actor, act, refuse(ASSESSMENT_ROLE))
    async with house.database.transaction() as connection:
        found = await store.read_assessments(connection, assessment_id=assessment_id)
        refused = (
            rules.refuse_step(found[0], step, actor.name, reason)
            if found
            else refuse(ASSESSMENT_NOT_FOUND)
        )
        if refused is None:
            event = AssessmentEvent(
                act=step, person=actor.name, reason=reason, at=house.clock.now()
            )
            await store.add_assessment_event(connection, found[0], event)
            await note(house, connection, actor, act)
            if step is AssessmentAct.APPROVED:
                await _publish(house, connection, found[0], actor)
            found = await store.read_assessments(connection, assessment_id=assessment_id)
    return found[0] if refused is None else await note_refusal(house, actor, act, refused)


async def require_assessment(
    connection: Connection, processing: Processing, subject: str, sha256: bytes, *, on: date
) -> Refused | None:
    """Refuse processing that no approved assessment in force is about."""
    found = await store.read_assessments(connection, sha256=sha256)
    good = [
        item
        for item in found
        if (item.processing, item.subject) == (processing, subject) and item.is_good_on(on)
    ]
    return (
        None if good else refuse(ASSESSMENT_MISSING, processing=processing.value, subject=subject)
    )


async def require_living(
    house: House, connection: Connection, processing: Processing, subject: str
) -> Refused | None:
    """Refuse processing of which no approved assessment in force is about; the hash is not named.

    A sandbox brings assessments of what comes with the program.
    """
    on = house.clock.now().date()
    is_sandbox = house.settings.environment == SANDBOX
    if is_sandbox and rules.is_for_sandbox(processing, subject):
        return None
    found = await store.read_about(connection, processing, subject)
    if any(item.is_good_on(on) for item in found):
        return None
    return refuse(ASSESSMENT_NEEDED, processing=processing.value, subject=subject[:64])


async def read_assessments(house: House) -> list[Assessment]:
    """Return assessments, newest first."""
    async with house.database.connection() as connection:
        return await store.read_assessments(connection)


async def missing_assessments(house: House) -> list[tuple[Processing, str]]:
    """Return what has no approved assessment in force: decisions, recipients, hosts, services."""
    on = house.clock.now().date()
    wanted = {
        *(
            (Processing.AUTOMATED_DECISION, in_force.policy.code)
            for in_force in house.policies.every().values()
        ),
        *(
            (Processing.PROVIDING, house.notices.party(notice.scope.recipient).legal_id)
            for notice in house.notices.in_force(on)
            if house.notices.party(notice.scope.recipient).role != "controller"
        ),
    }
    services = {
        MESSAGES: house.settings.message_url,
        ACCOUNT_TOKENS: house.settings.account_token_url,
        STATEMENTS: house.settings.statement_source_url,
    }
    wanted |= {service for service, address in services.items() if address is not None}
    wanted |= {
        rail_assessed_as(terms.code)
        for place, terms in enumerate(house.rails)
        if terms.endpoint or (place == 0 and house.settings.rail_url is not None)
    }
    if house.settings.debit_url is not None:
        wanted.add(rail_assessed_as(DEBIT_RAIL))
    there = {
        (item.processing, item.subject)
        for item in await read_assessments(house)
        if item.is_good_on(on)
    }
    async with house.database.connection() as connection:
        hosts = await host_store.read_hosts(connection)
    wanted |= {
        (Processing.PROVIDING, assessed_as(host.terms.code))
        for host in hosts
        if host.stopped_for is None and on <= host.terms.contract_until
    }
    if house.settings.environment == SANDBOX:
        wanted = {item for item in wanted if not rules.is_for_sandbox(*item)}
    return sorted(wanted - there)


async def _publish(house: House, connection: Connection, found: Assessment, actor: Actor) -> None:
    facts = {
        "act": "assessment",
        "approver": actor.name,
        "author": found.author,
        "processing": found.processing.value,
        "sha256": found.sha256.hex(),
        "subject": found.subject,
    }
    leaf = house.leaves.stage(
        HOUSE, house.ids.next(), LeafType.PUBLICATION, found.assessment_id, {**facts}
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
