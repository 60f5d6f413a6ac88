"""From a proposed experiment to its end: the law, two persons, the days, a leaf.

Order       `propose` holds every version against the champion and the law, keeps the document and
            asks for approval of exactly this. Somebody else approves. `start` uses the approval
            up, looks at everything again, and writes start and leaf in one transaction. It ends
            after its last day, when a look passes the bound of its rule, or when it is abandoned.
Invariant   What runs is what was approved, word for word; nothing of it changes while it runs.
            Two experiments never share a customer in a layer, and challengers for one purpose
            share one layer, so that one version decides about a customer.
Stopping    Before its last day an experiment ends by its rule. Whoever must end it otherwise
            abandons it, and the report then says that no winner may be read from it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import structlog

from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning import publication_store
from counterfoil.decisioning.canonical import canonical_bytes
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.experiment import (
    REVIEWS,
    Experiment,
    ExperimentKind,
    InvalidExperimentError,
    experiment_of,
)
from counterfoil.decisioning.experiment_safety import LegalCaps, loosened
from counterfoil.decisioning.experiment_store import Event, EventKind, Kept
from counterfoil.decisioning.gate import GateReport
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.publication import GateRecord, check_report
from counterfoil.decisioning.refusals import (
    EXPERIMENT_CHAMPION_ANOTHER,
    EXPERIMENT_EXISTS,
    EXPERIMENT_INVALID,
    EXPERIMENT_LAYER_TAKEN,
    EXPERIMENT_LOOSENS,
    EXPERIMENT_NOT_FOUND,
    EXPERIMENT_OVER,
    EXPERIMENT_POLICY_UNKNOWN,
    EXPERIMENT_STATE_WRONG,
    EXPERIMENT_STOP_NOT_RULED,
)
from counterfoil.decisioning.store import keep_policy, read_policy_version
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE, Value
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.deciding.policies import SHIPPED
from counterfoil.journeys.deciding.publish_policy import policy_in_force
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_experiments import check_review_versions
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import (
    APPROVAL_NOT_ALLOWED,
    Approval,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection

APPROVAL: Final = "experiment"
#: Who ends an experiment when no person does.
WORKER: Final = "worker"
#: Why an experiment stopped, as its event tells it.
BY_RULE, ABANDONED, CHAMPION_REPLACED, BUDGET_SPENT = (
    *("rule", "abandoned"),
    *("champion_replaced", "budget_spent"),
)

_log = structlog.get_logger(__name__)


async def propose(
    house: House,
    actor: Actor,
    document: Mapping[str, Any],
    reports: Sequence[GateReport],
    *,
    reason: str,
) -> Approval | Refused:
    """Keep an experiment as it is written and ask for its approval.

    `reports` are what the gate found of versions that are not kept here yet. The same document
    again asks again, where an earlier request expired or was refused.
    """
    act = Act(name="experiment_proposal", reason=reason)
    try:
        experiment = experiment_of(document)
    except InvalidExperimentError as fault:
        refused = refuse(EXPERIMENT_INVALID, place=fault.place, reason=fault.reason)
        return await note_refusal(house, actor, act, refused)
    act = Act(name="experiment_proposal", subject=experiment.code, reason=reason)
    try:
        await _keep(house, actor, experiment, reports)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        {**_payload(experiment)},
        summary=_summary(experiment),
        reason=reason,
    )


async def start(house: House, actor: Actor, code: str, *, reason: str) -> Kept | Refused:
    """Start an experiment that somebody else has approved; it takes cases from its first day."""
    act = Act(name="experiment_start", subject=code, reason=reason)
    try:
        async with house.database.transaction() as connection:
            started = await _start(house, connection, actor, code)
            await note(house, connection, actor, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    await house.experiments.read(house.database)
    return started


async def stop(
    house: House, actor: Actor, code: str, *, reason: str, abandons: bool = False
) -> Kept | Refused:
    """Stop a running experiment: by its rule, after its last day, or by abandoning it."""
    act = Act(name="experiment_stop", subject=code, reason=reason)
    try:
        async with house.database.transaction() as connection:
            stopped = await _stop(house, connection, actor, code, abandons=abandons)
            await note(house, connection, actor, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    await house.experiments.read(house.database)
    return stopped


async def end_due(house: House) -> int:
    """End what is over: by its days, its rule, its budget, or another champion; for a job."""
    on, ended = await house.business_date(), 0
    async with house.database.connection() as connection:
        unfinished = await store.read_unfinished(connection)
    for kept in unfinished:
        if not kept.is_started:
            continue
        async with house.database.transaction() as connection:
            fresh = await _locked(connection, kept.experiment.code)
            event = await _due(house, connection, fresh, on=on) if fresh.is_started else None
            if event is not None:
                await _write(house, connection, fresh, event, with_leaf=True)
                ended += 1
                _log.info("experiment_over", code=fresh.experiment.code, **event.detail)
    return ended


async def add_look(
    house: House, connection: Connection, code: str, found: Mapping[str, Any]
) -> Kept | None:
    """Write what a look found, once for each; None where it was taken or nothing runs any more."""
    kept = await _locked(connection, code)
    looks = [event for event in kept.events if event.kind is EventKind.LOOKED]
    if not kept.is_started or len(looks) + 1 != found["look"]:
        return None
    on = await house.business_date()
    event = Event(
        kind=EventKind.LOOKED,
        business_date=on,
        at=house.clock.now(),
        author=WORKER,
        detail=found,
    )
    await _write(house, connection, kept, event)
    return await _found(connection, code)


def has_passed(kept: Kept) -> bool:
    """Tell whether a look has passed its bound."""
    return any(event.detail.get("is_passed") for event in kept.events)


def legal_caps(house: House, currency: str, *, on: date) -> LegalCaps:
    """Return the widest that law and licences allow for products of a currency on a date.

    Each product is bound more narrowly by its own terms when a case is decided.
    """
    rates, limits = [], []
    for terms in house.catalogue.all():
        if terms.currency == currency:
            cap = house.catalogue.limit_cap_minor(terms, on)
            rates.append(terms.cost_annual_e8_cap)
            limits.append(terms.limit_minor_max if cap is None else min(cap, terms.limit_minor_max))
    return LegalCaps(
        rate_annual_max_e8=max(rates, default=None), limit_max_minor=max(limits, default=None)
    )


def _check_role(actor: Actor) -> None:
    """Refuse whoever neither asks for experiments nor approves them."""
    rights = load_matrix().rights_for(actor)
    if APPROVAL not in rights.requests and APPROVAL not in rights.approves:
        raise RefusedError(refuse(APPROVAL_NOT_ALLOWED, kind=APPROVAL))


async def _start(house: House, connection: Connection, actor: Actor, code: str) -> Kept:
    _check_role(actor)
    on, now = await house.business_date(), house.clock.now()
    await store.lock_proposals(connection)
    kept = await _found(connection, code)
    await _check_startable(house, connection, kept, on=on)
    payload = payload_hash({**_payload(kept.experiment)})
    approval = await require_approval(connection, APPROVAL, payload, used_by=actor.name, now=now)
    if isinstance(approval, Refused):
        raise RefusedError(approval)
    await _write(house, connection, kept, _approved(approval, on))
    kept = await _found(connection, code)
    # Whoever has another key would place customers otherwise; the mark of this one is kept.
    mark = house.experiments.fingerprint
    begun = _event(house, EventKind.STARTED, on, actor.name, key=mark)
    await _write(house, connection, kept, begun, with_leaf=True)
    return await _found(connection, code)


async def _stop(
    house: House, connection: Connection, actor: Actor, code: str, *, abandons: bool
) -> Kept:
    _check_role(actor)
    on = await house.business_date()
    kept = await _locked(connection, code)
    if not kept.is_started:
        raise RefusedError(refuse(EXPERIMENT_STATE_WRONG, state=kept.state))
    last = kept.experiment.last_date
    if last < on:
        event = _event(house, EventKind.ENDED, on, actor.name)
    elif has_passed(kept) or abandons:
        cause = BY_RULE if has_passed(kept) else ABANDONED
        event = _event(house, EventKind.STOPPED, on, actor.name, cause=cause)
    else:
        raise RefusedError(refuse(EXPERIMENT_STOP_NOT_RULED, last_date=last))
    await _write(house, connection, kept, event, with_leaf=True)
    return await _found(connection, code)


async def _keep(
    house: House, actor: Actor, experiment: Experiment, reports: Sequence[GateReport]
) -> None:
    """Check and keep an experiment; the same document again is kept already."""
    _check_role(actor)
    on, now = await house.business_date(), house.clock.now()
    if experiment.last_date < on:
        raise RefusedError(refuse(EXPERIMENT_OVER, last_date=experiment.last_date))
    async with house.database.transaction() as connection:
        await store.lock_proposals(connection)
        known = await store.read_experiment(connection, experiment.code)
        if known is not None:
            if known.experiment.hash == experiment.hash and known.state is EventKind.PROPOSED:
                return
            raise RefusedError(refuse(EXPERIMENT_EXISTS, experiment=experiment.code))
        for report in reports:
            await _keep_version(house, connection, actor, report)
        await _check_versions(house, connection, experiment, on=on)
        await _check_layer(connection, experiment)
        number = house.ids.next()
        await store.add_experiment(
            connection, experiment, experiment_id=number, by=actor.name, at=now
        )
        proposed = _event(house, EventKind.PROPOSED, on, actor.name)
        await store.add_event(connection, number, proposed)


async def _keep_version(
    house: House, connection: Connection, actor: Actor, report: GateReport
) -> None:
    """Keep a version with what the gate found, so that it can decide and be decided again."""
    if (refused := check_report(report)) is not None:
        raise RefusedError(refused)
    now = house.clock.now()
    await keep_policy(connection, report.policy, at=now)
    gate = GateRecord(
        gate_id=house.ids.next(),
        policy_hash=report.policy.hash,
        report_sha256=report.digest(),
        report=canonical_bytes(report.document()),
        passed=True,
        made_by=actor.name,
        made_at=now,
    )
    await publication_store.add_gate(connection, gate)


async def _check_versions(
    house: House, connection: Connection, experiment: Experiment, *, on: date
) -> None:
    """Refuse versions that are not known or proven, or looser than champion and law."""
    if experiment.purpose == REVIEWS:
        await check_review_versions(connection, experiment, at=house.clock.now())
        return
    champion = await policy_in_force(connection, experiment.purpose, at=house.clock.now())
    if champion is None:
        raise RefusedError(refuse(EXPERIMENT_POLICY_UNKNOWN, policy_hash=experiment.purpose))
    if experiment.champion_hash not in {None, champion.hash}:
        raise RefusedError(refuse(EXPERIMENT_CHAMPION_ANOTHER, policy_hash=champion.hash))
    caps = legal_caps(house, champion.currency, on=on)
    for arm in experiment.arms:
        if arm.policy_hash == champion.hash:
            await keep_policy(connection, champion, at=house.clock.now())
            continue
        variant = await _proven(connection, arm.policy_hash)
        if variant is None:
            raise RefusedError(refuse(EXPERIMENT_POLICY_UNKNOWN, policy_hash=arm.policy_hash))
        for place, reason in loosened(champion, variant, caps):
            raise RefusedError(refuse(EXPERIMENT_LOOSENS, arm=arm.name, place=place, reason=reason))


async def _proven(connection: Connection, policy_hash: str) -> Policy | None:
    """Return a kept version that the gate let through, or one that ships with the product."""
    for name in SHIPPED.values():
        if (shipped := load_policy(name)).hash == policy_hash:
            return shipped
    if await publication_store.latest_gate(connection, policy_hash) is None:
        return None
    return await read_policy_version(connection, policy_hash)


async def _check_layer(connection: Connection, experiment: Experiment) -> None:
    """Refuse customers that another experiment takes, proposed ones included."""
    for other in await store.read_unfinished(connection):
        theirs = other.experiment
        if theirs.code == experiment.code:
            continue
        both_decide = experiment.kind is theirs.kind is ExperimentKind.CHALLENGER
        other_layer = experiment.layer != theirs.layer
        if both_decide and experiment.purpose == theirs.purpose and other_layer:
            raise RefusedError(refuse(EXPERIMENT_LAYER_TAKEN, experiment=theirs.code))
        if experiment.shares_customers_with(theirs):
            raise RefusedError(refuse(EXPERIMENT_LAYER_TAKEN, experiment=theirs.code))


async def _check_startable(house: House, connection: Connection, kept: Kept, *, on: date) -> None:
    """Look at everything again: what was in force may be another version by now."""
    if kept.state is not EventKind.PROPOSED:
        raise RefusedError(refuse(EXPERIMENT_STATE_WRONG, state=kept.state))
    if kept.experiment.last_date < on:
        raise RefusedError(refuse(EXPERIMENT_OVER, last_date=kept.experiment.last_date))
    await _check_versions(house, connection, kept.experiment, on=on)
    await _check_layer(connection, kept.experiment)


async def _due(house: House, connection: Connection, kept: Kept, *, on: date) -> Event | None:
    experiment = kept.experiment
    # A shadow is behind by a little: it has a day to be asked about its last cases.
    grace = ONE_DAY if experiment.kind is ExperimentKind.SHADOW else timedelta(0)
    if experiment.last_date + grace < on:
        return _event(house, EventKind.ENDED, on, WORKER)
    if has_passed(kept):
        return _event(house, EventKind.STOPPED, on, WORKER, cause=BY_RULE)
    champion = experiment.champion_hash
    if champion is not None and champion != await _champion_hash(house, connection, experiment):
        return _event(house, EventKind.STOPPED, on, WORKER, cause=CHAMPION_REPLACED)
    budget = experiment.budget
    if budget is not None:
        spent = await store.read_spent(connection, kept.experiment_id)
        smallest = min((terms.limit_minor_min for terms in house.catalogue.all()), default=1)
        left = budget.loss_minor_max - spent.spent_minor
        if spent.accounts >= budget.accounts_max or left < smallest:
            return _event(house, EventKind.STOPPED, on, WORKER, cause=BUDGET_SPENT)
    return None


async def _champion_hash(
    house: House, connection: Connection, experiment: Experiment
) -> str | None:
    """Return the version in force for what an experiment is about; None where there is none."""
    now = house.clock.now()
    if experiment.purpose == REVIEWS:
        return (await review_policy_in_force(connection, at=now)).hash
    champion = await policy_in_force(connection, experiment.purpose, at=now)
    return None if champion is None else champion.hash


async def _found(connection: Connection, code: str) -> Kept:
    kept = await store.read_experiment(connection, code)
    if kept is None:
        raise RefusedError(refuse(EXPERIMENT_NOT_FOUND, experiment=code))
    return kept


async def _locked(connection: Connection, code: str) -> Kept:
    found = await _found(connection, code)
    await store.lock_experiment(connection, found.experiment_id)
    return await _found(connection, code)


def _event(house: House, kind: EventKind, on: date, author: str, **detail: object) -> Event:
    return Event(kind=kind, business_date=on, at=house.clock.now(), author=author, detail=detail)


def _approved(approval: Approval, on: date) -> Event:
    assert approval.decided_by is not None, "an approval was decided by somebody"
    assert approval.decided_at is not None, "an approval was decided at some time"
    return Event(
        kind=EventKind.APPROVED,
        business_date=on,
        at=approval.decided_at,
        author=approval.decided_by,
        detail={
            "approval": ids.to_text(ids.APPROVAL, approval.approval_id),
            "asked_by": approval.requested_by,
        },
    )


async def _write(
    house: House, connection: Connection, kept: Kept, event: Event, *, with_leaf: bool = False
) -> None:
    await store.add_event(connection, kept.experiment_id, event)
    if not with_leaf:
        return
    facts: dict[str, Value] = {
        "act": f"experiment_{event.kind}",
        "by": event.author,
        "code": kept.experiment.code,
        "definition_sha256": kept.experiment.hash,
        "on": event.business_date.isoformat(),
    }
    for agreed in (one for one in kept.events if one.kind is EventKind.APPROVED):
        facts |= {"approver": agreed.author, "author": str(agreed.detail["asked_by"])}
    if "cause" in event.detail:
        facts["cause"] = event.detail["cause"]
    leaf = house.leaves.stage(
        HOUSE, house.ids.next(), LeafType.PUBLICATION, kept.experiment_id, facts
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


def _payload(experiment: Experiment) -> dict[str, str]:
    return {
        "act": "experiment",
        "code": experiment.code,
        "definition_sha256": experiment.hash,
        "kind": experiment.kind.value,
    }


def _summary(experiment: Experiment) -> str:
    named = f"experiment {experiment.code} ({experiment.kind}, {experiment.purpose})"
    days = f"{experiment.first_date} to {experiment.last_date}"
    budget = experiment.budget
    if budget is None:
        shares = ", ".join(f"{arm.name} {arm.share_ppm:,} ppm" for arm in experiment.arms)
    else:
        shares = (
            f"at most {budget.accounts_max:,} accounts and {budget.loss_minor_max:,} minor units"
        )
    return f"{named}, {days}, {shares}, {experiment.hash[:12]}"
