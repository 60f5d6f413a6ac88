"""From a line-review document to the version that reviews: its report, a second person, a leaf.

Order       `request` keeps the version with a report of what it does on the lines that were
            reviewed last, beside the version in force, and asks for approval of exactly these.
            Somebody else approves; `publish` uses the approval up and writes publication and leaf.
"""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

import orjson

from counterfoil.decisioning import publication_store as store
from counterfoil.decisioning.canonical import canonical_bytes, content_hash
from counterfoil.decisioning.line_review import store as reviews
from counterfoil.decisioning.line_review.decide import review
from counterfoil.decisioning.line_review.document import PURPOSE
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.review import reviewed_line_of
from counterfoil.decisioning.publication import Consent, GateRecord, Publication, publish
from counterfoil.decisioning.refusals import POLICY_GATE_CLOSED, POLICY_NOT_REQUESTED
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE, Value
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.features.feature import REVIEW
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.deciding.publish_policy import APPROVAL
from counterfoil.journeys.guarding.assess import require_living
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_check import faults_of, refuse_faults
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval, payload_hash, require_approval
from counterfoil.platform.database import Connection
from counterfoil.privacy.assessment import Processing

#: Lines that the report judges: those reviewed last, each by its last review.
LINES_MAX: Final = 10_000
#: Reviews that it reads to find them; the report says how many were read.
REVIEWS_MAX: Final = 50_000
_PAGE: Final = 1_000


async def request_line_policy(
    house: House, actor: Actor, policy: ReviewPolicy, *, reason: str
) -> Approval | Refused:
    """Keep a version with its report, and ask for approval of both."""
    now = house.clock.now()
    refused = refuse_faults(_faults(house, policy)) or _refuse_dead(policy)
    if refused is not None:
        act = Act(name="policy_request", subject=policy.hash, reason=reason)
        return await note_refusal(house, actor, act, refused)
    async with house.database.connection() as connection:
        report = await _report(connection, policy)
    gate = GateRecord(
        gate_id=house.ids.next(),
        policy_hash=policy.hash,
        report_sha256=content_hash(report),
        report=canonical_bytes(report),
        passed=True,
        made_by=actor.name,
        made_at=now,
    )
    approval = await ask_approval(
        house,
        actor,
        APPROVAL,
        {**_payload(policy, gate.report_sha256)},
        summary=f"policy {policy.code} {policy.version} for {PURPOSE}, {policy.hash[:12]}",
        reason=reason,
    )
    if isinstance(approval, Refused):
        return approval
    async with house.database.transaction() as connection:
        await reviews.keep_review_policy(connection, policy, at=now)
        await store.add_gate(connection, gate)
    return approval


async def publish_line_policy(
    house: House, actor: Actor, policy: ReviewPolicy, *, reason: str
) -> Publication | Refused:
    """Publish a version that somebody else has approved; it reviews from now on."""
    act = Act(name="policy_publication", subject=policy.hash, reason=reason)
    try:
        return await _publish(house, actor, policy, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)


async def _publish(house: House, actor: Actor, policy: ReviewPolicy, act: Act) -> Publication:
    now = house.clock.now()
    # The registry may have changed since the request.
    if (refused := refuse_faults(_faults(house, policy))) is not None:
        raise RefusedError(refused)
    async with house.database.transaction() as connection:
        gate = await store.latest_gate(connection, policy.hash)
        if gate is None:
            raise RefusedError(refuse(POLICY_NOT_REQUESTED))
        unassessed = await require_living(
            house, connection, Processing.AUTOMATED_DECISION, policy.code
        )
        if unassessed is not None:
            raise RefusedError(unassessed)
        payload = payload_hash({**_payload(policy, gate.report_sha256)})
        approval = await require_approval(
            connection, APPROVAL, payload, used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        consent = Consent(
            approval_id=approval.approval_id,
            author=approval.requested_by,
            approver=approval.decided_by,
        )
        made = publish(gate, consent, publication_id=house.ids.next(), purpose=PURPOSE, at=now)
        if isinstance(made, Refused):
            raise RefusedError(made)
        await store.add_publication(connection, made)
        facts: dict[str, Value] = {
            **_payload(policy, gate.report_sha256),
            "act": "policy",
            "approver": consent.approver,
            "author": consent.author,
            "gate_passed": gate.passed,
            "purpose": PURPOSE,
        }
        leaf = house.leaves.stage(
            HOUSE, house.ids.next(), LeafType.PUBLICATION, made.publication_id, facts
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await note(house, connection, actor, act)
    return made


def _faults(house: House, policy: ReviewPolicy) -> list[tuple[str, str]]:
    return faults_of(house.registry, policy.features, REVIEW)


def _refuse_dead(policy: ReviewPolicy) -> Refused | None:
    """Refuse a version in which a rule decides nothing, or everything."""
    for place, why in policy.dead_rules():
        return refuse(POLICY_GATE_CLOSED, fault=f"{place}: {why}")
    return None


async def _report(connection: Connection, policy: ReviewPolicy) -> dict[str, object]:
    """Return what a version does on the lines that were reviewed last, and what was done then."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    changed = read = 0
    seen: set[reviews.LineKey] = set()
    async for line, one in _newest(connection):
        read += 1
        if line in seen:
            continue
        inputs, result = orjson.loads(one.stored.inputs), orjson.loads(one.stored.result)
        asked = reviewed_line_of(inputs["asked"])
        seen.add(line)
        if asked.currency != policy.currency:
            continue
        made = review(policy, asked, inputs["features"])
        before[result["outcome"]] += 1
        after[made.outcome.value] += 1
        rules.update(made.acted)
        changed += result["outcome"] != made.outcome
        if after.total() == LINES_MAX:
            break
    return {
        "policy_hash": policy.hash,
        "code": policy.code,
        "version": policy.version,
        "purpose": PURPOSE,
        "reviews_read": read,
        "lines": after.total(),
        "outcomes_before": dict(before),
        "outcomes": dict(after),
        "outcomes_changed": changed,
        "rules": {rule.code: rules[rule.code] for rule in policy.rules},
    }


async def _newest(
    connection: Connection,
) -> AsyncIterator[tuple[reviews.LineKey, reviews.RecordedReview]]:
    """Yield the reviews made last, newest first, as many as a report reads at most."""
    left, before = REVIEWS_MAX, reviews.NEWEST
    while left and (
        page := await reviews.newest_recorded(connection, page=min(_PAGE, left), before=before)
    ):
        for line, one in page:
            yield line, one
        before = page[-1][1].key[1]
        left -= len(page)


def _payload(policy: ReviewPolicy, report_sha256: bytes) -> dict[str, str]:
    """Return exactly what the second person approves."""
    return {
        "act": "policy_publication",
        "code": policy.code,
        "policy_hash": policy.hash,
        "report_sha256": report_sha256.hex(),
        "version": policy.version,
    }
