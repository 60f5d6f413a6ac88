"""From a directory of files to the registry of features in force: difference, impact, two people.

Order       `gate` tells what would change, holds every version that decides against the registry
            and decides recorded cases again. `request_registry` keeps registry and report and asks
            for approval of exactly these. Somebody else approves; `publish_registry` uses the
            approval up, and writes publication, leaf and trail in one transaction.
Invariant   What is published follows the very registry that the report compared it with.
The way back  A registry that was published before is published again by its identity, and so is
            the one that ships: a new report, a new approval, a new publication.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
import structlog

from counterfoil.decisioning.canonical import canonical_bytes, content_hash
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.features import registry_store as store
from counterfoil.features.feature import REVIEW
from counterfoil.features.refusals import (
    REGISTRY_GATE_CLOSED,
    REGISTRY_IN_FORCE,
    REGISTRY_NOT_FOUND,
    REGISTRY_NOT_REQUESTED,
    REGISTRY_OUTDATED,
)
from counterfoil.features.registry import Registry
from counterfoil.features.registry_change import Change, change_faults, changes, meanings
from counterfoil.features.registry_file import read_registry
from counterfoil.features.registry_store import RegistryGate, RegistryPublication
from counterfoil.features.table import RegistryError
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_check import faults_of
from counterfoil.journeys.knowing.registry_impact import Impact, impact_of
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval, payload_hash, require_approval
from counterfoil.platform.database import Connection

APPROVAL: Final = "feature_registry"
#: Reports of one person among which the one of a request is looked for.
GATES_LOOKED_AT: Final = 1_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReport:
    """What putting a registry in force would mean."""

    registry: Registry
    before: Registry
    changes: tuple[Change, ...]
    #: Versions that were held against it, as code, version and purpose.
    policies: tuple[str, ...]
    #: Place and reason of everything that stands in the way.
    faults: tuple[tuple[str, str], ...]
    impact: Impact

    def document(self) -> dict[str, Any]:
        """Return the report as it is kept and approved."""
        return {
            "registry_sha256": self.registry.sha256,
            "before_sha256": self.before.sha256,
            "changes": [
                {
                    "part": one.part,
                    "name": one.name,
                    "how": one.how.value,
                    "members": [
                        {"member": member, "before": was, "after": now}
                        for member, was, now in one.members
                    ],
                }
                for one in self.changes
            ],
            "policies": list(self.policies),
            "faults": [{"place": place, "reason": reason} for place, reason in self.faults],
            "impact": {
                "cases": self.impact.cases,
                "values": {name: dict(counts) for name, counts in self.impact.values.items()},
                "outcomes": dict(self.impact.outcomes),
                "limits_changed": self.impact.limits_changed,
            },
        }


async def gate(house: House, connection: Connection, registry: Registry) -> RegistryReport:
    """Return what would change by a registry, and what stands in its way."""
    before = house.registry
    held = [fault async for fault in _policy_faults(house, connection, registry)]
    settled = dict(_settled([before.document, *await store.documents(connection)]))
    faults = change_faults(house.registries.shipped, registry, settled)
    return RegistryReport(
        registry=registry,
        before=before,
        changes=tuple(changes(before, registry)),
        policies=tuple(name for name, _ in held),
        faults=(*faults, *(fault for _, found in held for fault in found)),
        impact=await impact_of(connection, before, registry),
    )


async def request_registry(
    house: House, actor: Actor, registry: Registry, *, reason: str
) -> Approval | Refused:
    """Keep a registry with the report on it, and ask for approval of both."""
    act = Act(name="registry_request", subject=registry.sha256, reason=reason)
    now = house.clock.now()
    async with house.database.connection() as connection:
        await house.registries.follow(connection, at=now)
        report = await gate(house, connection, registry)
    refused = _refuse(report)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    document = report.document()
    made = RegistryGate(
        gate_id=house.ids.next(),
        sha256=registry.sha256,
        before_sha256=report.before.sha256,
        report_sha256=content_hash(document),
        report=canonical_bytes(document),
        made_by=actor.name,
        made_at=now,
    )
    approval = await ask_approval(
        house,
        actor,
        APPROVAL,
        {**_payload(made)},
        summary=f"registry of features {registry.sha256}, {len(report.changes)} changes",
        reason=reason,
    )
    if isinstance(approval, Refused):
        return approval
    async with house.database.transaction() as connection:
        await store.keep_registry(connection, report.before, at=now)
        await store.keep_registry(connection, registry, at=now)
        await store.add_gate(connection, made)
    return approval


async def publish_registry(
    house: House, actor: Actor, registry: Registry, *, reason: str
) -> RegistryPublication | Refused:
    """Put a registry in force that somebody else has approved."""
    act = Act(name="registry_publication", subject=registry.sha256, reason=reason)
    try:
        made = await _publish(house, actor, registry, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    async with house.database.connection() as connection:
        await house.registries.follow(connection, at=made.published_at)
    return made


async def ask_or_publish(
    house: House, actor: Actor, registry: Registry, *, reason: str
) -> RegistryPublication | Approval | Refused:
    """Publish a registry that somebody else has approved; where nobody was asked, ask."""
    made = await publish_registry(house, actor, registry, reason=reason)
    if isinstance(made, Refused) and made.refusal in (REGISTRY_NOT_REQUESTED, REGISTRY_OUTDATED):
        return await request_registry(house, actor, registry, reason=reason)
    return made


async def known_registry(house: House, connection: Connection, sha256: str) -> Registry | Refused:
    """Return a registry that was published or asked for, or the one that ships."""
    try:
        return await house.registries.read(connection, sha256)
    except RegistryError:
        return refuse(REGISTRY_NOT_FOUND)


async def report_of(house: House, approval: Approval) -> dict[str, Any] | None:
    """Return the report that a request asks to approve; None where it is about something else."""
    if approval.kind != APPROVAL:
        return None
    async with house.database.connection() as connection:
        found = await store.gates_of(connection, approval.requested_by, page=GATES_LOOKED_AT)
    for made in found:
        if payload_hash({**_payload(made)}) == approval.payload_hash:
            report: dict[str, Any] = orjson.loads(made.report)
            return report
    return None


async def _publish(house: House, actor: Actor, registry: Registry, act: Act) -> RegistryPublication:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        await store.hold_publications(connection)
        found = await store.latest_gate(connection, registry.sha256)
        if found is None:
            raise RefusedError(refuse(REGISTRY_NOT_REQUESTED))
        if found.before_sha256 != await house.registries.sha256_at(connection, now):
            raise RefusedError(refuse(REGISTRY_OUTDATED))
        # Versions may have been published since the request.
        async for _, faults in _policy_faults(house, connection, registry):
            if faults:
                raise RefusedError(_closed(*faults[0]))
        approval = await require_approval(
            connection, APPROVAL, payload_hash({**_payload(found)}), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        made = RegistryPublication(
            publication_id=house.ids.next(),
            sha256=registry.sha256,
            gate_id=found.gate_id,
            approval_id=approval.approval_id,
            author=approval.requested_by,
            approver=approval.decided_by,
            published_at=now,
        )
        await store.add_publication(connection, made)
        leaf = house.leaves.stage(
            HOUSE,
            house.ids.next(),
            LeafType.PUBLICATION,
            made.publication_id,
            {
                **_payload(found),
                "approver": made.approver,
                "author": made.author,
                # A registry that closes the gate is not published: faults are refused above.
                "gate_passed": True,
            },
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        told = replace(act, before=found.before_sha256, after=registry.sha256)
        await note(house, connection, actor, told)
    return made


async def _policy_faults(
    house: House, connection: Connection, registry: Registry
) -> AsyncIterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each version that decides, in experiments too, and what it could not read any more."""
    deciding = [one.policy for one in house.policies.every().values()]
    reviewing = [await review_policy_in_force(connection, at=house.clock.now())]
    for running in house.experiments.running:
        deciding += [version.policy for version in running.versions.values()]
        reviewing += running.reviews.values()
    told = [
        (f"{one.code}-{one.version} for {one.purpose}", one.features, one.purpose)
        for one in deciding
    ]
    told += [(f"{one.code}-{one.version} for {REVIEW}", one.features, REVIEW) for one in reviewing]
    for name, features, purpose in sorted(set(told), key=lambda one: one[0]):
        found = faults_of(registry, features, purpose)
        yield name, [(f"{name}, feature {feature}", reason) for feature, reason in found]


def _settled(documents: list[bytes]) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield what versions of features have meant in registries that can still be read."""
    for document in documents:
        try:
            yield from meanings(read_registry(document)).items()
        except RegistryError as fault:
            _log.warning("registry_not_readable", fault=str(fault))


def _refuse(report: RegistryReport) -> Refused | None:
    if report.registry.sha256 == report.before.sha256:
        return refuse(REGISTRY_IN_FORCE)
    return _closed(*report.faults[0]) if report.faults else None


def _closed(place: str, reason: str) -> Refused:
    return refuse(REGISTRY_GATE_CLOSED, fault=f"{place} {reason}")


def _payload(made: RegistryGate) -> dict[str, str]:
    """Return exactly what the second person approves."""
    return {
        "act": APPROVAL,
        "before_sha256": made.before_sha256,
        "registry_sha256": made.sha256,
        "report_sha256": made.report_sha256.hex(),
    }
