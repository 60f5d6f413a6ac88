"""A customer's request for a higher limit, from receipt to its end, as pure transitions.

States      gathering → approved | declined | referred; referred → approved | declined (by a
            person); approved → accepted | withdrawn | expired; gathering, referred → withdrawn |
            expired.
Review      A person who overturns a decision of the policy puts another one in its place: declined
            → approved, or approved with a higher offer.
Invariant   Only an approved request whose offer is still valid can be accepted, and only where the
            line is what it was. Nothing here lowers a limit or touches a price: a declined request
            leaves the line as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.decision import Asked, Decision, Outcome
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gathering import Gathering, read_inputs
from counterfoil.decisioning.refusals import (
    DECISION_REASON_MISSING,
    LIMIT_REQUEST_NOT_OPEN,
    NOTHING_TO_OFFER,
    OFFER_EXPIRED,
    REVIEW_CHANGES_NOTHING,
)
from counterfoil.kernel.errors import Refused, refuse


class Status(StrEnum):
    """Where a request stands."""

    GATHERING = "gathering"
    APPROVED = "approved"
    DECLINED = "declined"
    REFERRED = "referred"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


_OPEN = frozenset({Status.GATHERING, Status.APPROVED, Status.REFERRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRequest:
    """One request; the order of the fields is that of the query which loads it."""

    customer_id: int
    request_id: int
    line_id: int
    product_code: str
    product_version: int
    currency: str
    #: The line as it was asked for more: limit, agreement, price.
    present_minor: int
    contract_id: int
    agreement_sha256: bytes
    line_rate_daily_e8: int
    requested_minor: int
    status: Status
    consent_id: int | None
    #: Question and features known without asking anybody.
    inputs: str
    idempotency_key: str
    request_hash: bytes
    received_at: datetime
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    decided_by: str | None = None
    decision_reason: str | None = None
    grade: str | None = None
    points: int | None = None
    #: The offer; on a referred case what a person may offer; 0 or None where there is none.
    limit_minor: int | None = None
    #: What the policy said of a price; the line keeps its own.
    rate_daily_e8: int | None = None
    reasons: tuple[str, ...] = ()
    policy_hash: str | None = None
    policy_version: str | None = None
    valid_until: date | None = None
    amendment_ref: str | None = None
    agreed: str | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Return customer and number."""
        return self.customer_id, self.request_id

    @property
    def is_open(self) -> bool:
        """Tell whether something can still become of it."""
        return self.status in _OPEN

    @property
    def asked(self) -> Asked:
        """Return the question to the policy."""
        return read_inputs(self.inputs)[0]

    @property
    def features(self) -> Mapping[str, Value | None]:
        """Return what is known without asking anybody."""
        return read_inputs(self.inputs)[1]

    def gathering(self) -> Gathering:
        """Return it as something for which facts have to be brought together."""
        asked, features = read_inputs(self.inputs)
        return Gathering(
            customer_id=self.customer_id,
            application_id=self.request_id,
            consent_id=self.consent_id,
            asked=asked,
            features=features,
            idempotency_key=self.idempotency_key,
            request_hash=self.request_hash,
            began_at=self.received_at,
        )


def decide(
    request: LimitRequest, decision: Decision, *, amendment_ref: str, at: datetime
) -> LimitRequest:
    """Let the policy's answer hold; `amendment_ref` names the text that an offer is shown with."""
    assert request.status is Status.GATHERING, "what gathers can be decided"
    is_declined = decision.outcome is Outcome.DECLINED
    return replace(
        request,
        status=Status(decision.outcome.value),
        decided_at=at,
        ended_at=at if is_declined else None,
        outcome=decision.outcome,
        decided_by=BY_POLICY,
        grade=decision.grade,
        points=decision.points,
        limit_minor=decision.limit_minor,
        rate_daily_e8=decision.rate_daily_e8,
        reasons=decision.reasons,
        policy_hash=decision.policy_hash,
        policy_version=decision.policy_version,
        valid_until=decision.valid_until,
        amendment_ref=None if is_declined else amendment_ref,
    )


def decide_referred(
    request: LimitRequest,
    *,
    by: str,
    outcome: Outcome,
    reason: str,
    valid_days: int,
    on: date,
    at: datetime,
) -> LimitRequest | Refused:
    """End a referral: a named person approves what the policy proposed, or declines."""
    if request.status is not Status.REFERRED:
        return refuse(LIMIT_REQUEST_NOT_OPEN, status=request.status.value)
    if not by.strip() or not reason.strip():
        return refuse(DECISION_REASON_MISSING)
    is_approved = outcome is Outcome.APPROVED
    if is_approved and not request.limit_minor:
        return refuse(NOTHING_TO_OFFER)
    return replace(
        request,
        status=Status.APPROVED if is_approved else Status.DECLINED,
        outcome=Outcome.APPROVED if is_approved else Outcome.DECLINED,
        decided_by=by,
        decision_reason=reason,
        decided_at=at,
        ended_at=None if is_approved else at,
        valid_until=on + timedelta(days=valid_days) if is_approved else request.valid_until,
    )


def overturn(
    request: LimitRequest,
    decision: Decision,
    *,
    by: str,
    reason: str,
    amendment_ref: str,
    at: datetime,
) -> LimitRequest | Refused:
    """Put a person's decision in the place of the policy's, with the offer that it allows now."""
    if request.status not in (Status.DECLINED, Status.APPROVED, Status.REFERRED):
        return refuse(LIMIT_REQUEST_NOT_OPEN, status=request.status.value)
    if not decision.limit_minor or decision.valid_until is None:
        return refuse(NOTHING_TO_OFFER)
    offered_minor = request.limit_minor or 0
    if request.status is Status.APPROVED and decision.limit_minor <= offered_minor:
        return refuse(REVIEW_CHANGES_NOTHING)
    waiting = replace(request, status=Status.GATHERING)
    return replace(
        decide(waiting, decision, amendment_ref=amendment_ref, at=at),
        status=Status.APPROVED,
        outcome=Outcome.APPROVED,
        decided_by=by,
        decision_reason=reason,
        amendment_ref=amendment_ref,
        ended_at=None,
    )


def refuse_acceptance(request: LimitRequest, on: date) -> Refused | None:
    """Refuse to take an offer that there is not, or no longer."""
    if request.status is not Status.APPROVED:
        return refuse(LIMIT_REQUEST_NOT_OPEN, status=request.status.value)
    assert request.valid_until is not None, "an approved request has an offer"
    if on > request.valid_until:
        return refuse(OFFER_EXPIRED, valid_until=request.valid_until.isoformat())
    return None


def accept(request: LimitRequest, agreed: Mapping[str, Any], *, at: datetime) -> LimitRequest:
    """Note that the customer agreed, with the evidence of it; checked before."""
    # Whole numbers and plain letters only: sorted keys are all that RFC 8785 asks for.
    text = orjson.dumps(agreed, option=orjson.OPT_SORT_KEYS).decode()
    return replace(request, status=Status.ACCEPTED, ended_at=at, agreed=text)


def reopen(request: LimitRequest) -> LimitRequest:
    """Take an acceptance back that has certainly led to no higher limit."""
    return replace(request, status=Status.APPROVED, ended_at=None, agreed=None)


def withdraw(request: LimitRequest, *, at: datetime) -> LimitRequest | Refused:
    """End a request at the customer's wish; withdrawing twice is the same as once."""
    if request.status is Status.WITHDRAWN:
        return request
    if not request.is_open:
        return refuse(LIMIT_REQUEST_NOT_OPEN, status=request.status.value)
    return replace(request, status=Status.WITHDRAWN, ended_at=at)
