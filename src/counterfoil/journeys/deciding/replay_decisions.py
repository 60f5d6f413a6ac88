"""Recorded decisions, decided again: the same to the byte, or why not; and what today would change.

Reads nothing but what was stored with the decision and the documents that it names: the policy
version that decides it again, the rule pack and the registry that have to be there. Today is a
policy with the rule pack, the registry and the knowledge of the day (`todays.py`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from counterfoil.decisioning import replay_store as store
from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.explanation import explain
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.refusals import DECISION_NOT_FOUND
from counterfoil.decisioning.replay_cause import Cause, Comparison, judge
from counterfoil.decisioning.replay_store import Recorded
from counterfoil.decisioning.store import DecisionKey, read_policy_version
from counterfoil.journeys.deciding.bases import Bases
from counterfoil.journeys.deciding.todays import Today, Todays
from counterfoil.journeys.knowing.registries import registry_in_force
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.catalogue import Catalogue
from counterfoil.platform.database import Connection

PAGE_DECISIONS: Final = 2_000
#: Decisions named in a report; they are counted beyond it.
SHOWN_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A decision that does not come out again, or that today's policy would change."""

    key: DecisionKey
    #: `policy`, `data`, `record`, `data_or_engine`, `registry` or `rule_pack`; None where it does
    #: come out and all that it names is there.
    cause: str | None
    #: What of today changes it, parts of the policy first; empty where nothing does.
    changed_by: tuple[str, ...]
    differences: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What came of deciding again."""

    examined: int = 0
    reproduced: int = 0
    #: How many were held against today: those that come out, of its policy's purpose.
    compared: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    #: How many decisions each part of today would change.
    changes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


async def replay_decisions(
    connection: Connection,
    catalogue: Catalogue,
    *,
    application_id: int | None = None,
    today: Today | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> Replayed | Refused:
    """Decide the decisions on one application or on all again; compare them with today.

    `catalogue` has the rule packs that are there. Raises RegistryError where today's registry was
    published by a newer program.
    """
    desk = _Desk(connection, catalogue, today)
    if today is not None:
        registry = await registry_in_force(connection, at=today.at)
        desk.todays = Todays(catalogue, registry, at=today.at)
    report, after = Replayed(), store.BEGINNING
    while page := await store.read_page(
        connection, page=PAGE_DECISIONS, after=after, application_id=application_id
    ):
        await desk.take(page)
        for recorded in page:
            _add(report, await desk.look(recorded))
        after = page[-1].key
        tell(len(page))
    if application_id is not None and not report.examined:
        return refuse(DECISION_NOT_FOUND)
    report.compared = desk.compared
    return report


async def count_decisions(connection: Connection) -> int:
    """Return how many decisions are recorded."""
    return await store.count(connection, application_id=None)


async def explain_decision(connection: Connection, application_id: int) -> dict[str, Any] | Refused:
    """Return everything that is recorded of the last decision on an application, for staff."""
    page = await store.read_page(
        connection, page=PAGE_DECISIONS, after=store.BEGINNING, application_id=application_id
    )
    if not page:
        return refuse(DECISION_NOT_FOUND)
    recorded = page[-1]
    policy = await _kept(connection, recorded.stored.policy_hash)
    told = explain(
        policy, orjson.loads(recorded.stored.inputs), orjson.loads(recorded.stored.result)
    )
    return {
        "decided_at": recorded.decided_at.isoformat(),
        "decided_by": recorded.decided_by,
        "final_outcome": recorded.outcome,
        **told,
    }


class _Desk:
    """Policies by hash, compiled once, and comparisons with today's."""

    def __init__(self, connection: Connection, catalogue: Catalogue, today: Today | None) -> None:
        self._connection = connection
        self._bases = Bases(connection, catalogue)
        self._today = None if today is None else today.policy
        #: Today besides its policy; None where nothing is compared.
        self.todays: Todays | None = None
        self.compared = 0
        self._compiled: dict[str, CompiledPolicy | None] = {}
        self._comparisons: dict[str, Comparison] = {}

    async def take(self, page: Sequence[Recorded]) -> None:
        """Read what the comparison of a page's decisions needs."""
        if self.todays is not None:
            await self.todays.take(self._connection, page)

    async def look(self, recorded: Recorded) -> Finding | None:
        stored = recorded.stored
        compiled = await self._policy(stored.policy_hash)
        verdict = judge(
            None if compiled is None else compiled.policy,
            None if compiled is None else compiled.function,
            stored,
            recorded.standing,
        )
        if verdict.cause is Cause.NONE:
            verdict = await self._bases.judge(stored)
        changed_by: tuple[str, ...] = ()
        differences = verdict.differences
        if verdict.cause is Cause.NONE and compiled is not None:
            changed_by, differences = await self._changes(compiled, recorded)
        if verdict.cause is Cause.NONE and not changed_by:
            return None
        return Finding(
            key=recorded.key,
            cause=None if verdict.cause is Cause.NONE else verdict.cause.value,
            changed_by=changed_by,
            differences=differences,
        )

    async def _changes(
        self, compiled: CompiledPolicy, recorded: Recorded
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what of today would change a decision, and in what; a raise is no application."""
        today, policy_hash = self._today, recorded.stored.policy_hash
        if today is None or self.todays is None or today.purpose != compiled.policy.purpose:
            return (), ()
        self.compared += 1
        comparison = self._comparisons.get(policy_hash)
        if comparison is None:
            comparison = self._comparisons[policy_hash] = Comparison(compiled.policy, today)
        exchanges = await self.todays.exchanges(self._connection, compiled.policy, recorded)
        return comparison.changes(recorded.stored, exchanges)

    async def _policy(self, policy_hash: str) -> CompiledPolicy | None:
        if policy_hash not in self._compiled:
            policy = await _kept(self._connection, policy_hash)
            self._compiled[policy_hash] = None if policy is None else compile_python(policy)
        return self._compiled[policy_hash]


async def _kept(connection: Connection, policy_hash: str) -> Policy | None:
    """Return the version that is kept under a hash if it still is that version."""
    try:
        policy = await read_policy_version(connection, policy_hash)
    except ValueError:  # an invalid policy, or no JSON at all
        return None
    return policy if policy is not None and policy.hash == policy_hash else None


def _add(report: Replayed, finding: Finding | None) -> None:
    report.examined += 1
    if finding is None or finding.cause is None:
        report.reproduced += 1
    if finding is None:
        return
    if finding.cause is not None:
        report.causes[finding.cause] += 1
    report.changes.update(finding.changed_by)
    if len(report.findings) < SHOWN_MAX:
        report.findings.append(finding)
