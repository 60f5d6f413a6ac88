"""From a policy's file to a version that decides: the gate, a second person, a leaf.

Order       `request` runs the gate over recorded and generated applications, keeps version and
            report, and asks for approval of exactly these. Somebody else approves. `publish` uses
            the approval up, writes the publication and its leaf in one transaction.
Invariant   What is published is what was approved: the approval names the hashes of version and
            report, and the instant where there is one. What decides for a purpose is the version
            published last among those that have become effective.
The way back  An earlier version is published again like any other: a new report, a new approval, a
            new publication of the old content.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

import orjson

from counterfoil.decisioning import publication_store as store
from counterfoil.decisioning.action_cap import guards_of
from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.canonical import canonical_bytes
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.gate import GateReport, publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.guard_store import read_window
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards
from counterfoil.decisioning.publication import (
    Consent,
    GateRecord,
    Publication,
    check_report,
    leaf_facts,
    payload_of,
    publish,
)
from counterfoil.decisioning.refusals import POLICY_NOT_REQUESTED
from counterfoil.decisioning.replay import asked_of
from counterfoil.decisioning.store import keep_policy, read_policy_version
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.deciding.policies import SHIPPED
from counterfoil.journeys.deciding.price_caps import price_faults
from counterfoil.journeys.deciding.publish_model import check_policy_model
from counterfoil.journeys.guarding.assess import require_living
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_check import refuse_unregistered
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending.catalogue import Catalogue, load_catalogue
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval, payload_hash, require_approval
from counterfoil.platform.database import Connection
from counterfoil.privacy.assessment import Processing

APPROVAL: Final = "policy_publication"
#: Applications that the gate looks at by default.
REPLAYED_COUNT: Final = 10_000
GENERATED_COUNT: Final = 10_000


def cases_to_generate(policy: Policy, asked: Asked, *, most: int) -> list[GateCase]:
    """Return generated applications, amounts asked for among them."""
    step, low, high = asked.limit_step_minor, asked.limit_min_minor, asked.limit_max_minor
    amounts = (None, low, low + step, (low + high) // 2, high)
    days = sorted({asked.as_of, *_days_of(policy)})
    questions = [
        replace(asked, requested_minor=amount, as_of=day) for day in days for amount in amounts
    ]
    cases = generated_cases(policy, most=most)
    return [GateCase(case, questions[n % len(questions)]) for n, case in enumerate(cases)]


def _days_of(policy: Policy) -> Iterator[date]:
    """Yield the days around the beginnings and ends of rules."""
    day = timedelta(days=1)
    for rule in policy.rules:
        if rule.effective_from is not None:
            yield from (rule.effective_from - day, rule.effective_from)
        if rule.effective_to is not None:
            yield from (rule.effective_to, rule.effective_to + day)


async def recorded_cases(connection: Connection, policy: Policy, *, most: int) -> list[GateCase]:
    """Return recorded applications in the policy's currency as it would have met them."""
    cases = []
    for text in await store.recorded_inputs(connection, policy.purpose, page=most):
        inputs = orjson.loads(text)
        asked = asked_of(inputs["asked"])
        if asked.currency == policy.currency:
            names = {feature.name for feature in policy.features}
            known = {name: value for name, value in inputs["features"].items() if name in names}
            cases.append(GateCase(known, asked))
    return cases


async def policy_in_force(connection: Connection, purpose: str, *, at: datetime) -> Policy | None:
    """Return what decides for a purpose at an instant, None where nothing does."""
    found = await store.publications_in_force(connection, at=at, depth=1)
    if published := found.get(purpose):
        return await read_policy_version(connection, published[0].policy_hash)
    return shipped_in_force(purpose)


def shipped_in_force(purpose: str) -> Policy | None:
    """Return what decides for a purpose until something is published for it, None if nothing."""
    return load_policy(SHIPPED[purpose]) if purpose in SHIPPED else None


async def run_gate(
    connection: Connection,
    policy: Policy,
    asked: Asked,
    *,
    replayed: int,
    generated: int,
    at: datetime,
    given: Sequence[GateCase] = (),
    overrides: Mapping[str, str] | None = None,
    catalogue: Catalogue | None = None,
) -> GateReport:
    """Return what the gate finds, against the version that is in force at an instant.

    `given` are cases of a file, with outcomes and groups where it has them; `overrides` are
    tolerances that may be exceeded, each with the reason. Prices are held to the caps of the
    catalogue's products; by default of those that come with the program.
    """
    report = publication_check(
        policy,
        [*await recorded_cases(connection, policy, most=replayed), *given],
        cases_to_generate(policy, asked, most=generated),
        live=await policy_in_force(connection, policy.purpose, at=at),
        overrides=overrides,
        demands_tests=True,
    )
    report.faults += price_faults(policy, catalogue or load_catalogue(), at.date())
    return report


async def request_publication(
    house: House,
    actor: Actor,
    report: GateReport,
    *,
    reason: str,
    effective_from: datetime | None = None,
) -> Approval | Refused:
    """Keep a version with the gate's report, and ask for approval of both.

    A version that was published before is asked for in the same way: that is the way back.
    """
    policy = report.policy
    act = Act(name="policy_request", subject=policy.hash, reason=reason)
    now = house.clock.now()
    refused = check_report(report) or refuse_unregistered(house.registry, policy)
    if refused is None:
        # Told before somebody is asked to approve what could not be published.
        async with house.database.connection() as connection:
            refused = await check_policy_model(connection, policy, at=now)
            refused = refused or await require_living(
                house, connection, Processing.AUTOMATED_DECISION, policy.code
            )
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    gate = GateRecord(
        gate_id=house.ids.next(),
        policy_hash=policy.hash,
        report_sha256=report.digest(),
        report=canonical_bytes(report.document()),
        passed=True,
        made_by=actor.name,
        made_at=now,
    )
    approval = await ask_approval(
        house,
        actor,
        APPROVAL,
        {**payload_of(policy, gate.report_sha256, effective_from)},
        summary=_summary(policy, effective_from),
        reason=reason,
    )
    if isinstance(approval, Refused):
        return approval
    async with house.database.transaction() as connection:
        await keep_policy(connection, policy, at=now)
        await store.add_gate(connection, gate)
    return approval


def _summary(policy: Policy, effective_from: datetime | None) -> str:
    named = f"policy {policy.code} {policy.version} for {policy.purpose}, {policy.hash[:12]}"
    return named if effective_from is None else f"{named}, from {effective_from.isoformat()}"


async def publish_policy(
    house: House,
    actor: Actor,
    policy: Policy,
    *,
    reason: str,
    effective_from: datetime | None = None,
) -> Publication | Refused:
    """Publish a version that somebody else has approved, for exactly the instant approved."""
    act = Act(name="policy_publication", subject=policy.hash, reason=reason)
    try:
        return await _publish(house, actor, policy, act, effective_from)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)


async def guards_now(connection: Connection, policy: Policy, *, at: datetime) -> Guards:
    """Return what the policy's action cap holds back at an instant."""
    if policy.action_cap is None:
        return NO_GUARDS
    since = at - timedelta(hours=policy.action_cap.window_hours)
    return guards_of(policy, await read_window(connection, policy, since=since))


async def _publish(
    house: House, actor: Actor, policy: Policy, act: Act, effective_from: datetime | None
) -> Publication:
    now = house.clock.now()
    # The registry may have changed since the request.
    if (refused := refuse_unregistered(house.registry, policy)) is not None:
        raise RefusedError(refused)
    async with house.database.transaction() as connection:
        gate = await store.latest_gate(connection, policy.hash)
        if gate is None:
            raise RefusedError(refuse(POLICY_NOT_REQUESTED))
        refused = await check_policy_model(connection, policy, at=now)
        refused = refused or await require_living(
            house, connection, Processing.AUTOMATED_DECISION, policy.code
        )
        if refused is not None:
            raise RefusedError(refused)
        payload = payload_hash({**payload_of(policy, gate.report_sha256, effective_from)})
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
        made = publish(
            gate,
            consent,
            publication_id=house.ids.next(),
            purpose=policy.purpose,
            at=now,
            effective_from=effective_from,
        )
        if isinstance(made, Refused):
            raise RefusedError(made)
        await store.add_publication(connection, made)
        leaf = house.leaves.stage(
            HOUSE,
            house.ids.next(),
            LeafType.PUBLICATION,
            made.publication_id,
            {**leaf_facts(policy, gate, made)},
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await note(house, connection, actor, act)
    return made
