"""Two people for one act: somebody asks, somebody else decides, and both leave a leaf.

Invariant   The decision, its leaf and its line of the trail are one transaction. Nobody decides on
            a request of their own, whatever role they have; a program asks but never decides.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.admitting.staff_rights import note_right_use
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import approvals
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import (
    APPROVAL_KIND_UNKNOWN,
    APPROVAL_NOT_ALLOWED,
    APPROVAL_NOT_FOUND,
    Approval,
    Value,
)
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import REASON_MISSING

#: What deciding counts as a use of.
_PERMISSION: Final = "approvals"


async def ask_approval(
    house: House,
    actor: Actor,
    kind: str,
    payload: Mapping[str, Value],
    *,
    summary: str,
    reason: str,
) -> Approval | Refused:
    """Ask for approval of exactly this payload; whoever asks cannot give it."""
    matrix = load_matrix()
    act = Act(name="approval_request", subject=kind, reason=reason)
    if kind not in matrix.approvals:
        return await note_refusal(house, actor, act, refuse(APPROVAL_KIND_UNKNOWN, kind=kind))
    if kind not in matrix.rights_for(actor).requests:
        return await note_refusal(house, actor, act, refuse(APPROVAL_NOT_ALLOWED, kind=kind))
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    approval_id, now = house.ids.next(), house.clock.now()
    digest = approvals.payload_hash(payload)
    async with house.database.transaction() as connection:
        await approvals.request_approval(
            connection,
            approval_id=approval_id,
            kind=kind,
            payload=digest,
            summary=mask_free_text(summary),
            requested_by=actor.name,
            reason=mask_free_text(reason),
            now=now,
        )
        await note(house, connection, actor, _act("approval_request", approval_id, kind, reason))
        approval = await approvals.read_approval(connection, approval_id)
    assert approval is not None, "it was just written"
    return approval


async def decide_approval(
    house: House, actor: Actor, approval_id: int, *, is_approved: bool, reason: str
) -> Approval | Refused:
    """Approve or refuse somebody else's request."""
    outcome = await _decide(house, actor, approval_id, is_approved=is_approved, reason=reason)
    if isinstance(outcome, Refused):
        act = _act("approval_decision", approval_id, "", reason)
        return await note_refusal(house, actor, act, outcome)
    return outcome


async def list_approvals(
    house: House,
    *,
    only_open: bool = False,
    before: int | None = None,
    page: int = 100,
    is_back: bool = False,
) -> list[Approval]:
    """Return requests, newest first."""
    beyond = {} if before is None else {"before": before}
    async with house.database.connection() as connection:
        return await approvals.list_approvals(
            connection,
            now=house.clock.now(),
            only_open=only_open,
            page=page,
            is_back=is_back,
            **beyond,
        )


async def _decide(
    house: House, actor: Actor, approval_id: int, *, is_approved: bool, reason: str
) -> Approval | Refused:
    if not reason.strip():
        return refuse(REASON_MISSING)
    now = house.clock.now()
    async with house.database.transaction() as connection:
        found = await approvals.read_approval(connection, approval_id)
        if found is None:
            return refuse(APPROVAL_NOT_FOUND)
        if found.kind not in load_matrix().rights_for(actor).approves:
            return refuse(APPROVAL_NOT_ALLOWED, kind=found.kind)
        refused = await approvals.decide_approval(
            connection,
            found,
            decided_by=actor.name,
            is_approved=is_approved,
            reason=mask_free_text(reason),
            now=now,
        )
        if refused is not None:
            return refused
        decided = await approvals.read_approval(connection, approval_id)
        assert decided is not None, "it was just decided"
        await _stage(house, connection, decided)
        today = house.wall.now().date()
        await note_right_use(connection, actor.name, _PERMISSION, on=today)
        name = "approval_given" if is_approved else "approval_refused"
        await note(house, connection, actor, _act(name, approval_id, found.kind, reason))
    return decided


async def _stage(house: House, connection: Connection, approval: Approval) -> None:
    """Stage the leaf: request hash, both persons, and the reason by its hash."""
    assert approval.decided_by is not None, "only a decision has a leaf"
    leaf = house.leaves.stage(
        HOUSE,
        house.ids.next(),
        LeafType.APPROVAL,
        approval.approval_id,
        {
            "approval": ids.to_text(ids.APPROVAL, approval.approval_id),
            "approved": bool(approval.is_approved),
            "approver": approval.decided_by,
            "kind": approval.kind,
            "reason_sha256": sha256((approval.decision_reason or "").encode()).hexdigest(),
            "request_sha256": approval.payload_hash.hex(),
            "requester": approval.requested_by,
        },
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


def _act(name: str, approval_id: int, kind: str, reason: str) -> Act:
    subject = ids.to_text(ids.APPROVAL, approval_id)
    return Act(name=name, subject=subject, purpose=kind, reason=reason)
