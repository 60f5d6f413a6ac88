"""Identity checks: what sources said of a person, and which acts that is enough for.

A check is one answer of one source: pass, fail or unknown, with its instant and the last day on
which it counts. Of the same kind and source the latest answer holds. What an act needs is a
document (`verification_policy.py`); here is only what follows from answers and document.

Unknown     Never a pass. A standing failure outweighs passes of other sources: they disagree, and
            only a later answer of the source that failed ends that.
Invariant   A social network counts for nothing, whatever the document says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from counterfoil.customers.verification_policy import Act, CheckKind, IdentityPolicy, Tries


class CheckOutcome(StrEnum):
    """What a source said."""

    PASS = "pass"  # noqa: S105 – an answer, no secret
    FAIL = "fail"
    UNKNOWN = "unknown"


class Want(StrEnum):
    """Why a kind of check does not count towards an act."""

    MISSING = "missing"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    #: Not a kind: passes of too few independent sources.
    SOURCES = "sources"
    #: Not a kind: a person looks at the case.
    CASE = "case"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One answer of one source."""

    customer_id: int
    check_id: int
    kind: CheckKind
    outcome: CheckOutcome
    source: str
    checked_at: datetime
    #: The last day on which it counts.
    valid_until: date
    #: Of a document; None where the source did not say.
    document_expires_on: date | None = None
    #: The source, or the house's own records, know somebody else under what was shown.
    is_of_another: bool = False
    #: Keyed digest of the account that a bank card check was about; None where nobody said.
    subject_digest: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds of a person: the latest answer of each kind and source, and an open case."""

    checks: Sequence[Check]
    is_held: bool


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """What an act still lacks."""

    #: A kind of check; empty where it is about sources or a case.
    kind: str
    want: Want

    def __str__(self) -> str:
        """Return it for a message."""
        return f"{self.kind} {self.want}".strip()


def gaps(
    policy: IdentityPolicy, act: Act, standing: Standing, *, on: date, is_large: bool = True
) -> tuple[Gap, ...]:
    """Return what an act lacks on a day, in order; nothing where it may go on.

    `is_large` counts for drawing alone: up to the policy's amount nothing but a case, a failed or
    an expired document holds it up.
    """
    if standing.is_held:
        return (Gap("", Want.CASE),)
    need = policy.needs[act]
    if act is Act.DRAWING and not is_large:
        said = _document_at_fault(policy, standing.checks, on)
        return () if said is None else (Gap(CheckKind.DOCUMENT, said),)
    found = [
        Gap(kind, want)
        for kind in need.checks
        if (want := want_of(policy, kind, standing.checks, on)) is not None
    ]
    if independent_sources(policy, standing.checks, on) < need.sources_min:
        found.append(Gap("", Want.SOURCES))
    return tuple(found)


def want_of(
    policy: IdentityPolicy, kind: CheckKind, checks: Iterable[Check], on: date
) -> Want | None:
    """Return why a kind of check does not count; None where it, or its alternative, is passed."""
    checks = tuple(checks)
    found = _want(policy, kind, checks, on)
    if found is None or found is Want.FAILED:
        return found
    for other in policy.alternatives.get(kind, ()):
        if _want(policy, other, checks, on) is None:
            return None
    return found


def _document_at_fault(policy: IdentityPolicy, checks: Sequence[Check], on: date) -> Want | None:
    """Return why no drawdown at all may rest on a document; None also where none was ever shown."""
    if _want(policy, CheckKind.DOCUMENT, checks, on) is Want.FAILED:
        return Want.FAILED
    ends = [
        item.document_expires_on
        for item in checks
        if item.kind is CheckKind.DOCUMENT
        and item.document_expires_on is not None
        and policy.counts(item.source, item.kind)
    ]
    return Want.EXPIRED if ends and max(ends) < on else None


def _want(
    policy: IdentityPolicy, kind: CheckKind, checks: Sequence[Check], on: date
) -> Want | None:
    said = [item for item in checks if item.kind is kind and policy.counts(item.source, item.kind)]
    valid = [item for item in said if on <= item.valid_until]
    outcomes = {item.outcome for item in valid}
    if CheckOutcome.FAIL in outcomes:
        return Want.FAILED
    if CheckOutcome.PASS in outcomes:
        return None
    if CheckOutcome.UNKNOWN in outcomes:
        return Want.UNKNOWN
    return Want.EXPIRED if said else Want.MISSING


def independent_sources(policy: IdentityPolicy, checks: Iterable[Check], on: date) -> int:
    """Return how many independent sources passed the person by answers that count on a day."""
    groups = {
        policy.sources[item.source].group
        for item in checks
        if item.outcome is CheckOutcome.PASS
        and on <= item.valid_until
        and policy.counts(item.source, item.kind)
        and policy.sources[item.source].is_independent
    }
    return len(groups)


def about(standing: Standing, kind: CheckKind, subject_digest: bytes) -> Standing:
    """Return a standing in which checks of a kind count only where they are about a subject."""
    kept = [
        item
        for item in standing.checks
        if item.kind is not kind or item.subject_digest == subject_digest
    ]
    return Standing(checks=kept, is_held=standing.is_held)


def valid_until(
    policy: IdentityPolicy, kind: CheckKind, on: date, document_expires_on: date | None
) -> date:
    """Return the last day on which an answer counts: never later than the document itself."""
    last = on + timedelta(days=policy.valid_days[kind])
    return last if document_expires_on is None else min(last, document_expires_on)


def again_at(tries: Tries, failed_at: Sequence[datetime], now: datetime) -> datetime | None:
    """Return when a person, device or document may be tried again; None where it may be now.

    Only time resets it: the oldest failure has to leave the window.
    """
    began = now - timedelta(hours=tries.hours)
    recent = sorted(at for at in failed_at if at > began)
    if len(recent) < tries.failures_max:
        return None
    return recent[-tries.failures_max] + timedelta(hours=tries.hours)
