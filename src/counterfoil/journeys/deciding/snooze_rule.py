"""Suppressing a rule for one customer: somebody asks, somebody else approves, it ends by itself.

Order       `ask_snooze` holds the wish against the policy in force and asks for approval of exactly
            customer, purpose, rule and days. Somebody else approves. `give_snooze` uses the
            approval up; from then on the customer's decisions have the snooze among their inputs.
Invariant   No rule of law, no longer than the policy allows, never by one person alone. The
            verdict is still judged and recorded.
"""

from typing import Final

from counterfoil.customers import store as customers
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.decisioning import snooze_store as store
from counterfoil.decisioning.line_review.document import PURPOSE as REVIEWS
from counterfoil.decisioning.refusals import SNOOZE_NOT_FOUND, SNOOZE_RULE_UNKNOWN
from counterfoil.decisioning.snooze import (
    Snoozable,
    Snooze,
    SnoozeWish,
    check_wish,
    expiry_of,
    payload_of,
)
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    APPROVAL_NOT_ALLOWED,
    Approval,
    payload_hash,
    require_approval,
)
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import REASON_MISSING

APPROVAL: Final = "rule_snooze"
ROWS: Final = 100


async def snooze_rule(house: House, actor: Actor, wish: SnoozeWish) -> Snooze | Approval | Refused:
    """Suppress a rule if somebody else has approved it; else ask for that, once.

    The same call after the approval suppresses it.
    """
    act = _act("rule_snooze", wish.customer_id, wish.rule_code, wish.reason)
    refused = await _check(house, wish)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    try:
        return await _give(house, actor, wish, act)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    payload = payload_of(wish)
    waiting = await list_approvals(house, only_open=True, page=ROWS)
    for approval in waiting:
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash({**payload}):
            return approval
    named = ids.to_text(ids.CUSTOMER, wish.customer_id)
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        {**payload},
        summary=f"suppress {wish.rule_code} of {wish.purpose} for {named}, {wish.days} days",
        reason=wish.reason,
    )


async def end_snooze(
    house: House, actor: Actor, *, customer_id: int, snooze_id: int, reason: str
) -> Snooze | Refused:
    """Let a rule act again before its time; ending twice is the same as once."""
    act = _act("rule_snooze_end", customer_id, ids.to_text(ids.SNOOZE, snooze_id), reason)
    rights = load_matrix().rights_for(actor)
    if APPROVAL not in rights.requests | rights.approves:
        refused = refuse(APPROVAL_NOT_ALLOWED, kind=APPROVAL)
        return await note_refusal(house, actor, act, refused)
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    now = house.clock.now()
    async with house.database.transaction() as connection:
        found = await store.read_snooze(connection, customer_id, snooze_id)
        if found is not None and found.is_active(now):
            masked = mask_free_text(reason)
            await store.end_snooze(connection, found, by=actor.name, reason=masked, at=now)
            await note(house, connection, actor, act)
            leaf = _leaf(house, found, "rule_snooze_end")
            await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        ended = await store.read_snooze(connection, customer_id, snooze_id)
    return ended or await note_refusal(house, actor, act, refuse(SNOOZE_NOT_FOUND))


async def list_snoozes(
    house: House,
    customer_id: int,
    *,
    page: int = ROWS,
    is_back: bool = False,
    before: int = store.NEWEST,
) -> list[Snooze]:
    """Return a customer's snoozes, newest first."""
    async with house.database.connection() as connection:
        return await store.read_snoozes(
            connection, customer_id, page=page, is_back=is_back, before=before
        )


async def _check(house: House, wish: SnoozeWish) -> Refused | None:
    policy = await _policy_of(house, wish.purpose)
    if policy is None:
        return refuse(SNOOZE_RULE_UNKNOWN, rule=wish.rule_code, policy_version=wish.purpose)
    if not wish.reason.strip():
        return refuse(REASON_MISSING)
    async with house.database.connection() as connection:
        if await customers.read_customer(connection, wish.customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
    return check_wish(policy, wish)


async def _policy_of(house: House, purpose: str) -> Snoozable | None:
    """Return the version in force for a purpose, reviews of lines among them."""
    if purpose == REVIEWS:
        async with house.database.connection() as connection:
            return await review_policy_in_force(connection, at=house.clock.now())
    in_force = house.policies.every().get(purpose)
    return None if in_force is None else in_force.policy


async def _give(house: House, actor: Actor, wish: SnoozeWish, act: Act) -> Snooze:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        approval = await require_approval(
            connection, APPROVAL, payload_hash({**payload_of(wish)}), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        snooze = Snooze(
            customer_id=wish.customer_id,
            snooze_id=house.ids.next(),
            purpose=wish.purpose,
            rule_code=wish.rule_code,
            reason=mask_free_text(wish.reason),
            asked_by=approval.requested_by,
            approved_by=approval.decided_by,
            approval_id=approval.approval_id,
            starts_at=now,
            expires_at=expiry_of(wish, now),
        )
        await store.add_snooze(connection, snooze)
        leaf = _leaf(house, snooze, "rule_snooze")
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await note(house, connection, actor, act)
    return snooze


def _leaf(house: House, snooze: Snooze, act: str) -> StagedLeaf:
    return house.leaves.stage(
        snooze.customer_id,
        house.ids.next(),
        LeafType.APPROVAL,
        snooze.snooze_id,
        {
            "act": act,
            "approval": ids.to_text(ids.APPROVAL, snooze.approval_id),
            "expires_at": int(snooze.expires_at.timestamp()),
            "purpose": snooze.purpose,
            "rule": snooze.rule_code,
        },
    )


def _act(name: str, customer_id: int, subject: str, reason: str) -> Act:
    return Act(name=name, customer_ids=(customer_id,), subject=subject, reason=reason)
