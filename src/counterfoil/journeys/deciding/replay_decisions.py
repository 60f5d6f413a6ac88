"""Recorded decisions, decided again: the same to the byte, or why not; and what today would change.

Reads nothing but what was stored with the decision and the documents that it names: the policy
version that decides it again, the rule pack and the registry that have to be there.
"""

from collections import Counter
from collections.abc import Callable
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
    #: Parts of today's policy that change it; empty where nothing is compared or changed.
    changed_by: tuple[str, ...]
    differences: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What came of deciding again."""

    examined: int = 0
    reproduced: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    #: How many decisions each part of today's policy would change.
    changes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


async def replay_decisions(
    connection: Connection,
    catalogue: Catalogue,
    *,
    application_id: int | None = None,
    today: Policy | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> Replayed | Refused:
    """Decide the decisions on one application or on all again; compare with today's policy.

    `catalogue` has the rule packs that are there.
    """
    desk = _Desk(connection, catalogue, today)
    report, after = Replayed(), store.BEGINNING
    while page := await store.read_page(
        connection, page=PAGE_DECISIONS, after=after, application_id=application_id
    ):
        for recorded in page:
            _add(report, await desk.look(recorded))
        after = page[-1].key
        tell(len(page))
    if application_id is not None and not report.examined:
        return refuse(DECISION_NOT_FOUND)
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

    def __init__(self, connection: Connection, catalogue: Catalogue, today: Policy | None) -> None:
        self._connection = connection
        self._bases = Bases(connection, catalogue)
        self._today = today
        self._compiled: dict[str, CompiledPolicy | None] = {}
        self._comparisons: dict[str, Comparison] = {}

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
        if verdict.cause is Cause.NONE and compiled is not None and self._is_today_of(compiled):
            assert self._today is not None, "it was just looked at"
            comparison = self._comparisons.get(stored.policy_hash)
            if comparison is None:
                comparison = Comparison(compiled.policy, self._today)
                self._comparisons[stored.policy_hash] = comparison
            changed_by, differences = comparison.changes(stored)
        if verdict.cause is Cause.NONE and not changed_by:
            return None
        return Finding(
            key=recorded.key,
            cause=None if verdict.cause is Cause.NONE else verdict.cause.value,
            changed_by=changed_by,
            differences=differences,
        )

    def _is_today_of(self, compiled: CompiledPolicy) -> bool:
        """Tell whether today's policy decides about the same: a raise is no application."""
        return self._today is not None and self._today.purpose == compiled.policy.purpose

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
