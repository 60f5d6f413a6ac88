"""When a version may be published, and what is said of it in the log.

Invariant   The gate passed, two persons stand behind exactly this version with exactly this
            report, and whoever wrote it is not who approved it. Everything is given as values:
            who approved what is another room's knowledge.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from counterfoil.decisioning.gate import GateReport
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.refusals import POLICY_APPROVED_BY_AUTHOR, POLICY_GATE_CLOSED
from counterfoil.kernel.errors import Refused, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """What the gate found, as it is kept."""

    gate_id: int
    policy_hash: str
    #: SHA-256 of the canonical report.
    report_sha256: bytes
    #: The canonical report.
    report: bytes
    passed: bool
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What two persons agreed on: who asked, who approved."""

    approval_id: int
    author: str
    approver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A version that decides from an instant on."""

    publication_id: int
    policy_hash: str
    #: What it decides: `origination`, `limit_increase` …
    purpose: str
    gate_id: int
    approval_id: int
    author: str
    approver: str
    published_at: datetime
    #: The instant from which it decides, not before the publication.
    effective_from: datetime


def payload_of(
    policy: Policy, report_sha256: bytes, effective_from: datetime | None = None
) -> dict[str, str]:
    """Return exactly what the second person approves; without an instant it decides at once."""
    payload = {
        "act": "policy_publication",
        "code": policy.code,
        "policy_hash": policy.hash,
        "report_sha256": report_sha256.hex(),
        "version": policy.version,
    }
    return payload if effective_from is None else payload | {"from": _instant(effective_from)}


def check_report(report: GateReport) -> Refused | None:
    """Refuse a version that the gate does not let through."""
    if report.passed:
        return None
    first = report.faults[0]
    return refuse(POLICY_GATE_CLOSED, fault=f"{first.place}: {first.reason}")


def publish(
    gate: GateRecord,
    consent: Consent,
    *,
    publication_id: int,
    purpose: str,
    at: datetime,
    effective_from: datetime | None = None,
) -> Publication | Refused:
    """Return the publication of a version that passed and that two persons stand behind.

    Without an instant, or with one that is over by the time of the approval, it decides at once.
    """
    if not gate.passed:
        return refuse(POLICY_GATE_CLOSED, fault="the report that was kept")
    if consent.author == consent.approver:
        return refuse(POLICY_APPROVED_BY_AUTHOR)
    return Publication(
        publication_id=publication_id,
        policy_hash=gate.policy_hash,
        purpose=purpose,
        gate_id=gate.gate_id,
        approval_id=consent.approval_id,
        author=consent.author,
        approver=consent.approver,
        published_at=at,
        effective_from=at if effective_from is None else max(at, effective_from),
    )


def leaf_facts(policy: Policy, gate: GateRecord, publication: Publication) -> dict[str, str | int]:
    """Return what the leaf of a publication says; `from` is an instant in POSIX seconds."""
    return {
        "act": "policy",
        "approver": publication.approver,
        "author": publication.author,
        "code": policy.code,
        "from": int(publication.effective_from.timestamp()),
        "gate_passed": gate.passed,
        "policy_hash": publication.policy_hash,
        "purpose": publication.purpose,
        "report_sha256": gate.report_sha256.hex(),
        "version": policy.version,
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
