"""Every decision decided again from its record: the same answer to the byte, or a finding.

Reads nothing but what was stored with the decision and the documents that it names. A policy whose
document no longer has the hash that it is kept under is a finding, and so is a rule pack or a
registry that is gone.
"""

from dataclasses import dataclass
from typing import Final

from counterfoil.decisioning import store
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay import StoredDecision, UnreadableRecordError, replay
from counterfoil.decisioning.replay_cause import Cause, Verdict
from counterfoil.decisioning.store import DecisionKey
from counterfoil.journeys.deciding.bases import Bases
from counterfoil.lending.catalogue import Catalogue
from counterfoil.platform.database import Connection

#: Decisions of one page.
PAGE_DECISIONS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A decision that does not come out again."""

    customer_id: int
    application_id: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """What deciding everything again has shown."""

    examined: int
    findings: tuple[Finding, ...]


async def recheck_decisions(connection: Connection, catalogue: Catalogue) -> Recheck:
    """Decide every recorded decision again and report what differs or is gone."""
    bases = Bases(connection, catalogue)
    policies: dict[str, Policy | None] = {}
    findings: list[Finding] = []
    examined, after = 0, (0, 0, 0)
    while page := await store.read_recorded(connection, page=PAGE_DECISIONS, after=after):
        for key, _, stored in page:
            if stored.policy_hash not in policies:
                policies[stored.policy_hash] = await _policy(connection, stored.policy_hash)
            finding = _finding(key, policies[stored.policy_hash], stored)
            if finding is None:
                finding = _gone(key, await bases.judge(stored))
            if finding is not None:
                findings.append(finding)
        examined += len(page)
        after = page[-1][0]
    return Recheck(examined=examined, findings=tuple(findings))


async def _policy(connection: Connection, policy_hash: str) -> Policy | None:
    """Return the version that is kept under a hash if it still is that version."""
    try:
        policy = await store.read_policy_version(connection, policy_hash)
    except ValueError:  # an invalid policy, or no JSON at all
        return None
    return policy if policy is not None and policy.hash == policy_hash else None


def _finding(key: DecisionKey, policy: Policy | None, stored: StoredDecision) -> Finding | None:
    customer_id, application_id, _ = key
    if policy is None:
        what = f"its policy {stored.policy_hash[:12]} is missing or altered"
    else:
        try:
            again = replay(policy, stored)
        except UnreadableRecordError as failure:
            return Finding(
                customer_id=customer_id, application_id=application_id, what=str(failure)
            )
        if again.is_same:
            return None
        what = f"decided again it differs in: {', '.join(again.differences)}"
    return Finding(customer_id=customer_id, application_id=application_id, what=what)


def _gone(key: DecisionKey, said: Verdict) -> Finding | None:
    if said.cause is Cause.NONE:
        return None
    what = f"the {said.cause.value} that it names is gone: {', '.join(said.differences)}"
    return Finding(customer_id=key[0], application_id=key[1], what=what)
