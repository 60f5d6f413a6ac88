"""One inquiry from its intent to its outcome.

    intent ── answer that fits ──▶ answered
       │ ───── bureau's no ──────▶ declined
       │ ──── answer unfit ──────▶ rejected
       └───── consent gone ──────▶ stopped

Invariant   An inquiry leaves `intent` once and never comes back. While it stays there it is open:
            it is asked again under the same identifier, or shown as open. Only `answered` has a
            report, and only one.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from counterfoil.bureau.question import Answered, Declined, Fault, Unfit
from counterfoil.bureau.refusals import ANSWER_DUPLICATE
from counterfoil.kernel.errors import Refused, refuse


class State(StrEnum):
    """Where an inquiry stands."""

    INTENT = "intent"
    ANSWERED = "answered"
    DECLINED = "declined"
    REJECTED = "rejected"
    #: The consent ended before the question was sent; nothing was asked.
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """One inquiry; instants are POSIX seconds by the real clock."""

    customer_id: int
    inquiry_id: int
    consent_id: int
    use_no: int
    occasion: str
    purpose: str
    reason_code: str
    bureau: str
    jti: str
    state: State
    intent_leaf_id: int
    asked_at: int
    #: From here on an answer decides nothing.
    answer_by: int
    #: When the question first left the house; None while it has not.
    sent_at: int | None = None
    outcome_leaf_id: int | None = None
    ended_at: int | None = None
    #: Code of a refusal, of a fault or of what stopped it.
    outcome_code: str | None = None
    bureau_reference: str | None = None
    sealed_sha256: bytes | None = None

    @property
    def is_open(self) -> bool:
        """Return whether nothing is known of the outcome."""
        return self.state is State.INTENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an inquiry ends."""

    state: State
    #: None where the report can be used.
    code: str | None
    reference: str
    #: None where nothing was answered.
    sealed_sha256: bytes | None


def outcome_of(
    inquiry: Inquiry, answer: Answered | Declined, unfit: Unfit | None, digest: bytes, *, now: int
) -> Outcome:
    """Return what an answer means for an inquiry; `digest` is the hash of what was sealed."""
    if isinstance(answer, Declined):
        return Outcome(
            state=State.DECLINED, code=answer.code, reference=answer.reference, sealed_sha256=None
        )
    if now > inquiry.answer_by:
        # Late comes first: nobody needs to look into what cannot decide anything.
        unfit = Unfit(Fault.LATE, f"{now - inquiry.answer_by} s late")
    return Outcome(
        state=State.REJECTED if unfit else State.ANSWERED,
        code=unfit.fault.value if unfit else None,
        reference=answer.reference,
        sealed_sha256=digest,
    )


def end(inquiry: Inquiry, outcome: Outcome, *, leaf_id: int, at: int) -> Inquiry | Refused:
    """Return the inquiry with its outcome; one that has an outcome keeps it."""
    if not inquiry.is_open:
        return refuse(ANSWER_DUPLICATE)
    return replace(
        inquiry,
        state=outcome.state,
        outcome_leaf_id=leaf_id,
        ended_at=at,
        outcome_code=outcome.code,
        bureau_reference=outcome.reference or None,
        sealed_sha256=outcome.sealed_sha256,
    )
