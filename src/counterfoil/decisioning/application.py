"""An application from receipt to its end, as pure transitions.

States      received → gathering → approved | declined | referred;
            referred → approved | declined (by a person);
            approved → accepted | expired | withdrawn;
            received, gathering, referred → withdrawn | expired.
Waiting     A referred application that asks the customer for something waits for it; what the
            customer supplies lets the policy decide again: referred → approved | declined |
            referred.
Review      A person who overturns a decision of the policy puts another one in its place:
            declined → approved, or approved with a better offer. Nothing else leads out of
            declined, and nothing at all out of accepted, expired and withdrawn.
Expiry      Is done for all at once, in `store.sql` (`expire_offers`, `expire_waiting`), by the
            close of day.
Invariant   Any other transition is refused. Only an approved application with an offer that is
            still valid can be accepted.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.refusals import (
    APPLICATION_NOT_OPEN,
    DECISION_REASON_MISSING,
    NOTHING_TO_OFFER,
    OFFER_EXPIRED,
    REVIEW_CHANGES_NOTHING,
)
from counterfoil.kernel.errors import Refused, refuse

#: Who decides when no person does.
BY_POLICY = "policy"


class Status(StrEnum):
    """Where an application stands."""

    RECEIVED = "received"
    GATHERING = "gathering"
    APPROVED = "approved"
    DECLINED = "declined"
    REFERRED = "referred"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Channel(StrEnum):
    """By which way an application came in."""

    APP = "app"
    PORTAL = "portal"
    BRANCH = "branch"
    PHONE = "phone"
    PARTNER = "partner"
    API = "api"
    IMPORT = "import"


_NEXT: dict[Status, frozenset[Status]] = {
    Status.RECEIVED: frozenset({Status.GATHERING, Status.WITHDRAWN, Status.EXPIRED}),
    Status.GATHERING: frozenset(
        {
            Status.APPROVED,
            Status.DECLINED,
            Status.REFERRED,
            Status.WITHDRAWN,
            Status.EXPIRED,
        }
    ),
    Status.REFERRED: frozenset(
        {Status.APPROVED, Status.DECLINED, Status.WITHDRAWN, Status.EXPIRED}
    ),
    Status.APPROVED: frozenset({Status.ACCEPTED, Status.WITHDRAWN, Status.EXPIRED}),
    Status.DECLINED: frozenset(),
    Status.ACCEPTED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.WITHDRAWN: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One application; what a decision brings is None or empty until there is one."""

    customer_id: int
    application_id: int
    product_code: str
    product_version: int
    currency: str
    #: None asks for as much as the policy gives.
    requested_minor: int | None
    purpose: str
    status: Status
    received_at: datetime
    #: When everything was there that the decision needs; None while it is not.
    gathered_at: datetime | None = None
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    #: `policy`, or the name of the person who decided.
    decided_by: str | None = None
    #: The person's reason; None for the policy, whose reasons are codes.
    decision_reason: str | None = None
    grade: str | None = None
    points: int | None = None
    #: The offer; on a referred case what a person may offer; None or 0 where there is none.
    limit_minor: int | None = None
    rate_daily_e8: int | None = None
    tenors_months: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    policy_hash: str | None = None
    policy_version: str | None = None
    valid_until: date | None = None
    line_id: int | None = None
    #: By which way it came in; None where that was not recorded.
    channel: str | None = None
    #: Names of features that the customer is asked for; empty where nothing is missing.
    asks: tuple[str, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Tell whether it waits for something from the customer."""
        return self.status is Status.REFERRED and bool(self.asks)

    @property
    def is_open(self) -> bool:
        """Tell whether something can still become of it."""
        return bool(_NEXT[self.status])


def gather(application: Application) -> Application | Refused:
    """Begin to collect what the decision needs."""
    if (fault := _fault(application, Status.GATHERING)) is not None:
        return fault
    return replace(application, status=Status.GATHERING)


def decide(application: Application, decision: Decision, *, at: datetime) -> Application | Refused:
    """Apply the policy's decision."""
    wanted = Status(decision.outcome.value)
    if (fault := _fault(application, wanted)) is not None:
        return fault
    return _decided(application, decision, at=at)


def decide_again(
    application: Application, decision: Decision, *, at: datetime
) -> Application | Refused:
    """Apply the policy's decision on what the customer supplied to a case that waited for it."""
    if not application.is_waiting:
        return refuse(APPLICATION_NOT_OPEN, status=application.status, wanted="decided again")
    return _decided(application, decision, at=at)


def take_back_offer(
    application: Application, decision: Decision, *, at: datetime
) -> Application | Refused:
    """Apply a decision on what has changed since an offer was made; it is not accepted as it was.

    An offer that comes out at least as good stands as it was made.
    """
    if application.status is not Status.APPROVED:
        return refuse(APPLICATION_NOT_OPEN, status=application.status, wanted="decided again")
    return _decided(application, decision, at=at)


def overturn(
    application: Application,
    decision: Decision,
    *,
    by: str,
    reason: str,
    at: datetime,
) -> Application | Refused:
    """Put a person's decision in the place of the policy's, with the offer that it allows now."""
    if application.status not in (Status.DECLINED, Status.APPROVED, Status.REFERRED):
        return refuse(APPLICATION_NOT_OPEN, status=application.status, wanted=Status.APPROVED)
    if not decision.limit_minor or decision.rate_daily_e8 is None:
        return refuse(NOTHING_TO_OFFER)
    if application.status is Status.APPROVED and not is_better(application, decision):
        return refuse(REVIEW_CHANGES_NOTHING)
    decided = _decided(application, decision, at=at)
    return replace(
        decided,
        status=Status.APPROVED,
        outcome=Outcome.APPROVED,
        decided_by=by,
        decision_reason=reason,
        ended_at=None,
        asks=(),
    )


def is_better(application: Application, decision: Decision) -> bool:
    """Tell whether an offer is nowhere worse for the customer than the present one, and better."""
    assert application.limit_minor is not None, "an approved application has a limit"
    assert application.rate_daily_e8 is not None, "an approved application has a price"
    assert decision.rate_daily_e8 is not None, "an offer has a price"
    gain_minor = decision.limit_minor - application.limit_minor
    saving_e8 = application.rate_daily_e8 - decision.rate_daily_e8
    return gain_minor >= 0 and saving_e8 >= 0 and gain_minor + saving_e8 > 0


def _decided(application: Application, decision: Decision, *, at: datetime) -> Application:
    wanted = Status(decision.outcome.value)
    return replace(
        application,
        status=wanted,
        decided_at=at,
        ended_at=at if wanted is Status.DECLINED else None,
        outcome=decision.outcome,
        decided_by=BY_POLICY,
        grade=decision.grade,
        points=decision.points,
        limit_minor=decision.limit_minor,
        rate_daily_e8=decision.rate_daily_e8,
        tenors_months=decision.tenors_months,
        reasons=decision.reasons,
        policy_hash=decision.policy_hash,
        policy_version=decision.policy_version,
        valid_until=decision.valid_until,
        asks=decision.asks,
    )


def decide_referred(
    application: Application,
    *,
    by: str,
    outcome: Outcome,
    reason: str,
    valid_until: date,
    at: datetime,
) -> Application | Refused:
    """Apply a person's decision on a referred application: approved as proposed, or declined.

    An approved offer is valid until the date given: the person may have taken days.
    """
    assert outcome is not Outcome.REFERRED, "a person ends a referral"
    if not by.strip() or by == BY_POLICY or not reason.strip():
        return refuse(DECISION_REASON_MISSING)
    wanted = Status(outcome.value)
    if application.status is not Status.REFERRED:
        return refuse(APPLICATION_NOT_OPEN, status=application.status, wanted=wanted)
    approved = outcome is Outcome.APPROVED
    if approved and not application.limit_minor:
        return refuse(NOTHING_TO_OFFER)
    return replace(
        application,
        status=wanted,
        decided_at=at,
        ended_at=None if approved else at,
        outcome=outcome,
        decided_by=by,
        decision_reason=reason,
        valid_until=valid_until if approved else None,
    )


def accept(
    application: Application, *, line_id: int, on: date, at: datetime
) -> Application | Refused:
    """Take the offer: a line is opened from it."""
    if (fault := _fault(application, Status.ACCEPTED)) is not None:
        return fault
    assert application.valid_until is not None, "an approved application has an offer"
    if on > application.valid_until:
        return refuse(OFFER_EXPIRED, valid_until=application.valid_until)
    return replace(application, status=Status.ACCEPTED, line_id=line_id, ended_at=at)


def reopen(application: Application) -> Application:
    """Take an acceptance back because no line came of it; the offer stands as before."""
    assert application.status is Status.ACCEPTED, "only an acceptance is taken back"
    return replace(application, status=Status.APPROVED, line_id=None, ended_at=None)


def withdraw(application: Application, *, at: datetime) -> Application | Refused:
    """End an application at the customer's wish."""
    if (fault := _fault(application, Status.WITHDRAWN)) is not None:
        return fault
    return replace(application, status=Status.WITHDRAWN, ended_at=at)


def _fault(application: Application, wanted: Status) -> Refused | None:
    if wanted in _NEXT[application.status]:
        return None
    return refuse(APPLICATION_NOT_OPEN, status=application.status, wanted=wanted)
