"""Two people for what one alone must not do: key changes, erasure, publication of a policy.

A request names its kind and the hash of exactly what would be done. Somebody else, whose role
allows it, approves or refuses it with a reason. Whoever then does it calls `require_approval` in
the same transaction: the approval is used up by what it was given for.

Invariant   Nobody decides on a request of their own (checked here and by the table); a decision
            stays as it is; an approval is used once, before it expires, for its payload only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import rfc8785

from counterfoil.kernel.errors import Kind, Refusal, Refused, refuse
from counterfoil.platform.queries import Queries, Row, Runner

_QUERIES: Final = Queries.load("counterfoil.platform", "approvals.sql")

#: Longest that a request waits and its approval holds.
LIFE: Final = timedelta(days=7)
_NUMBER_MAX: Final = 2**63 - 1

APPROVAL_MISSING: Final = Refusal(
    code="approval_missing",
    kind=Kind.FORBIDDEN,
    message="This needs the approval of a second person, and there is none for exactly this.",
    next_step="Request an approval of the kind {kind}, and let somebody else give it.",
)
APPROVAL_NOT_FOUND: Final = Refusal(
    code="approval_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such request for approval.",
    next_step="Look it up in the list of requests.",
)
APPROVAL_BY_ANOTHER: Final = Refusal(
    code="approval_by_another",
    kind=Kind.FORBIDDEN,
    message="Nobody decides on a request of their own.",
    next_step="Ask somebody else whose role allows it.",
)
APPROVAL_DECIDED: Final = Refusal(
    code="approval_decided",
    kind=Kind.CONFLICT,
    message="The request is decided already.",
    next_step="Make a new request if it is still needed.",
)
APPROVAL_EXPIRED: Final = Refusal(
    code="approval_expired",
    kind=Kind.GONE,
    message="The request has expired.",
    next_step="Make a new request.",
)
APPROVAL_KIND_UNKNOWN: Final = Refusal(
    code="approval_kind_unknown",
    kind=Kind.INVALID,
    message="There is no kind of approval called {kind}.",
    next_step="Use one of the kinds of the access matrix.",
)

APPROVAL_NOT_ALLOWED: Final = Refusal(
    code="approval_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role neither asks for nor gives approvals of the kind {kind}.",
    next_step="Ask somebody whose role does; the access matrix says which.",
)

Value = str | int | bool | None | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request for approval, and what became of it."""

    approval_id: int
    kind: str
    #: SHA-256 of the canonical payload.
    payload_hash: bytes
    #: What would be done, for the person who decides; no personal data.
    summary: str
    requested_by: str
    request_reason: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    is_approved: bool | None
    decision_reason: str | None
    decided_at: datetime | None
    used_by: str | None
    used_at: datetime | None


def payload_hash(payload: Mapping[str, Value]) -> bytes:
    """Return the hash of what would be done: SHA-256 of its canonical JSON (RFC 8785)."""
    return sha256(rfc8785.dumps(dict(payload))).digest()


async def request_approval(
    connection: Runner,
    *,
    approval_id: int,
    kind: str,
    payload: bytes,
    summary: str,
    requested_by: str,
    reason: str,
    now: datetime,
) -> None:
    """Store a request; `payload` is the hash of what would be done."""
    await _QUERIES.add_approval.execute(
        connection,
        approval_id=approval_id,
        kind=kind,
        payload_hash=payload,
        summary=summary,
        requested_by=requested_by,
        reason=reason,
        now=now,
        expires_at=now + LIFE,
    )


async def read_approval(connection: Runner, approval_id: int) -> Approval | None:
    """Return a request, held until the transaction ends; None where there is none."""
    row = await _QUERIES.lock_approval.fetchrow(connection, approval_id=approval_id)
    return None if row is None else _approval(row)


async def decide_approval(
    connection: Runner,
    approval: Approval,
    *,
    decided_by: str,
    is_approved: bool,
    reason: str,
    now: datetime,
) -> Refused | None:
    """Store the decision of a second person on a request that `read_approval` gave."""
    if approval.decided_at is not None:
        return refuse(APPROVAL_DECIDED)
    if approval.expires_at <= now:
        return refuse(APPROVAL_EXPIRED)
    if decided_by == approval.requested_by:
        return refuse(APPROVAL_BY_ANOTHER)
    await _QUERIES.decide_approval.execute(
        connection,
        approval_id=approval.approval_id,
        decided_by=decided_by,
        is_approved=is_approved,
        reason=reason,
        now=now,
    )
    return None


async def require_approval(
    connection: Runner, kind: str, payload: bytes, *, used_by: str, now: datetime
) -> Approval | Refused:
    """Use up the approval for exactly this, in the transaction that does it; else refuse."""
    row = await _QUERIES.usable_approval.fetchrow(
        connection, kind=kind, payload_hash=payload, now=now
    )
    if row is None:
        return refuse(APPROVAL_MISSING, kind=kind)
    approval = _approval(row)
    assert approval.decided_by != approval.requested_by, "two people stand behind an approval"
    await _QUERIES.use_approval.execute(
        connection, approval_id=approval.approval_id, used_by=used_by, now=now
    )
    return approval


async def list_approvals(
    connection: Runner,
    *,
    now: datetime,
    only_open: bool = False,
    before: int = _NUMBER_MAX,
    page: int = 100,
    is_back: bool = False,
) -> list[Approval]:
    """Return requests, newest first."""
    rows = await _QUERIES.approvals.page(
        connection, now=now, only_open=only_open, before=before, page=page, is_back=is_back
    )
    return [_approval(row) for row in rows]


def _approval(row: Row) -> Approval:
    return Approval(
        approval_id=row["approval_id"],
        kind=row["kind"],
        payload_hash=row["payload_hash"],
        summary=row["summary"],
        requested_by=row["requested_by"],
        request_reason=row["request_reason"],
        requested_at=row["requested_at"],
        expires_at=row["expires_at"],
        decided_by=row["decided_by"],
        is_approved=row["is_approved"],
        decision_reason=row["decision_reason"],
        decided_at=row["decided_at"],
        used_by=row["used_by"],
        used_at=row["used_at"],
    )
