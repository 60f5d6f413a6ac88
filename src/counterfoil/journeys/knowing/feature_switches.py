"""Sources switched on by two people and off by one.

On          Needs an approved impact assessment, named by its SHA-256 (R032), the licence that the
            data comes under (R016) and the approval of a second person for exactly these. Leaves a
            leaf.
Off         Takes effect at once; nobody has to agree.
"""

from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.features import store
from counterfoil.features.refusals import SOURCE_LICENCE_MISSING, SOURCE_NOT_FOUND
from counterfoil.features.store import Switch
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.guarding.assess import require_assessment
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval, Value, payload_hash, require_approval
from counterfoil.privacy.assessment import Processing

APPROVAL: Final = "source_switch"


async def request_switch(
    house: House, actor: Actor, *, source: str, licence: str, assessment: bytes, reason: str
) -> Approval | Refused:
    """Ask for approval to switch a source on; `assessment` is the assessment's SHA-256."""
    act = Act(name="source_request", subject=source, reason=reason)
    refused = _refuse(house, source, licence, assessment)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        _payload(source, licence, assessment),
        summary=f"switch on {source} under {licence}",
        reason=reason,
    )


async def switch_on(
    house: House, actor: Actor, *, source: str, licence: str, assessment: bytes, reason: str
) -> Switch | Refused:
    """Switch a source on that somebody else has approved."""
    act = Act(name="source_on", subject=source, reason=reason)
    try:
        return await _switch_on(house, actor, act, source, licence, assessment)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)


async def switch_off(house: House, actor: Actor, *, source: str, reason: str) -> Switch | Refused:
    """Switch a source off; from now on nothing of it is taken in or used."""
    act = Act(name="source_off", subject=source, reason=reason)
    if source not in house.registry.sources:
        return await note_refusal(house, actor, act, refuse(SOURCE_NOT_FOUND, source=source))
    switch = Switch(source, False, "", actor.name, reason, house.clock.now())
    async with house.database.transaction() as connection:
        await store.add_switch(
            connection, switch, switch_id=house.ids.next(), assessment_sha256=None, approval_id=None
        )
        await note(house, connection, actor, act)
    return switch


async def _switch_on(
    house: House, actor: Actor, act: Act, source: str, licence: str, assessment: bytes
) -> Switch:
    refused = _refuse(house, source, licence, assessment)
    if refused is not None:
        raise RefusedError(refused)
    now, switch_id = house.clock.now(), house.ids.next()
    switch = Switch(source, True, licence, actor.name, act.reason, now)
    payload = _payload(source, licence, assessment)
    async with house.database.transaction() as connection:
        unassessed = await require_assessment(
            connection, Processing.SENSITIVE, source, assessment, on=now.date()
        )
        if unassessed is not None:
            raise RefusedError(unassessed)
        approval = await require_approval(
            connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        await store.add_switch(
            connection,
            switch,
            switch_id=switch_id,
            assessment_sha256=assessment,
            approval_id=approval.approval_id,
        )
        facts = {
            "act": "source_on",
            "approver": approval.decided_by,
            "author": approval.requested_by,
            # Without an approved assessment the switch is refused above.
            "gate_passed": True,
            **payload,
        }
        leaf = house.leaves.stage(HOUSE, house.ids.next(), LeafType.PUBLICATION, switch_id, facts)
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await note(house, connection, actor, act)
    return switch


def _refuse(house: House, source: str, licence: str, assessment: bytes) -> Refused | None:
    if source not in house.registry.sources:
        return refuse(SOURCE_NOT_FOUND, source=source)
    if not licence.strip() or len(assessment) != len(payload_hash({})):
        return refuse(SOURCE_LICENCE_MISSING, source=source)
    return None


def _payload(source: str, licence: str, assessment: bytes) -> dict[str, Value]:
    return {"source": source, "licence": licence, "assessment_sha256": assessment.hex()}
