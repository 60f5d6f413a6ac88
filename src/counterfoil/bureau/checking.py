"""What a bureau checks before it answers, offline: the request, both receipts, the consent.

For bureaus      This is the whole of it, and it needs no network, no database and no trust in the
                 lender: a policy file, the key of the bureau's own witness, and the request. What
                 has been seen before (`jti`, uses of a consent) is the caller's memory.
Fails closed     The first thing that does not hold ends the check with its code.
Units            Instants are POSIX seconds. Skew is what two honest clocks may differ.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from counterfoil.bureau.request import LIFE_S, InquiryRequest
from counterfoil.bureau.subject_ref import subject_ref_of
from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.formats.merkle import verify_inclusion
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.reasons import Reason, RejectedError
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.verifying import Head, check_note
from counterfoil.evidence.leaf import LeafType

SKEW_S: Final = 60
#: Between the intent and the first request under it: a bureau that was down for a day still
#: answers, and asking again later is answered from memory.
INTENT_AGE_S_MAX: Final = 86_400
#: Heads of the log that stay verified: one comes a second.
_HEADS_KEPT: Final = 4_096


class No(StrEnum):
    """Why a bureau does not answer. Codes are never renamed and never reused."""

    REQUEST_MALFORMED = "request_malformed"
    SIGNATURE_WRONG = "signature_wrong"
    MEMBER_UNKNOWN = "member_unknown"
    PEER_OTHER = "peer_other"
    ISSUER_OTHER = "issuer_other"
    AUDIENCE_OTHER = "audience_other"
    INQUIRER_OTHER = "inquirer_other"
    REQUEST_EXPIRED = "request_expired"
    RECEIPT_REJECTED = "receipt_rejected"
    RECEIPT_KIND = "receipt_kind"
    CONSENT_HASH = "consent_hash"
    CONSENT_OTHER = "consent_other"
    USE_OTHER = "use_other"
    PURPOSE_OTHER = "purpose_other"
    PURPOSE_NOT_ALLOWED = "purpose_not_allowed"
    REASON_OTHER = "reason_other"
    RECIPIENT_OTHER = "recipient_other"
    SUBJECT_OTHER = "subject_other"
    OUTSIDE_WINDOW = "outside_window"
    INTENT_TOO_OLD = "intent_too_old"
    ORDER_WRONG = "order_wrong"
    OWN_WITNESS_MISSING = "own_witness_missing"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    REPLAYED = "replayed"
    USE_REPLAYED = "use_replayed"


class CheckFailedError(Exception):
    """A check that did not hold."""

    def __init__(self, no: No, detail: str = "") -> None:
        """Keep the code, and what a person who has to find the fault needs."""
        super().__init__(f"{no}: {detail}" if detail else str(no))
        self.no = no
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A receipt that holds: what the leaf says, where it stands, under which head."""

    kind: LeafType
    body: bytes
    fields: Mapping[str, Any]
    index: int
    head: Head

    @property
    def seen_at(self) -> int:
        """Return when the witnesses saw it."""
        return self.head.times.median


class Receipts:
    """Opens receipts under one policy; a head that was verified once is not verified again."""

    def __init__(self, policy: Policy) -> None:
        """Take the policy of one lender's log."""
        self._policy = policy
        self._heads: OrderedDict[bytes, Head] = OrderedDict()

    def open(self, data: bytes) -> Opened:
        """Return what a receipt shows; raise CheckFailedError where it shows nothing."""
        try:
            receipt = Receipt.parse(data)
            proof = receipt.proof
            head = self._head(receipt)
            checkpoint = head.accepted.checkpoint
            verify_inclusion(
                receipt.leaf_hash, proof.index, checkpoint.size, proof.hashes, checkpoint.root
            )
        except RejectedError as error:
            raise CheckFailedError(No.RECEIPT_REJECTED, error.reason) from error
        _hold(receipt.after.size <= proof.index, No.RECEIPT_REJECTED, Reason.BODY_AHEAD_OF_LOG)
        return Opened(
            kind=receipt.kind,
            body=receipt.body,
            fields=receipt.fields,
            index=proof.index,
            head=head,
        )

    def _head(self, receipt: Receipt) -> Head:
        """Return the head of a receipt; only one that held is remembered, by all its bytes."""
        note = bytes(receipt.proof.note)
        head = self._heads.get(note)
        if head is None:
            head = check_note(receipt.proof.note, self._policy)
            self._heads[note] = head
            if len(self._heads) > _HEADS_KEPT:
                self._heads.popitem(last=False)
        return head


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the bureau knows of the member that asks, and of itself."""

    #: The bureau's and the member's legal identifiers.
    bureau: str
    issuer: str
    #: The member's organisation code; a platform in between has none here.
    organisation: str
    #: SHA-256 of the certificate of this very connection.
    peer_sha256: bytes
    #: Reason codes by purpose that the bureau takes.
    reasons: Mapping[str, str]
    #: The policy's name for the bureau's own witness; None where it runs none.
    own_witness: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What the bureau may rely on afterwards."""

    request: InquiryRequest
    consent: Opened
    intent: Opened

    @property
    def consent_ends(self) -> int:
        """Return when the consent ends: until then its uses are remembered."""
        ends: int = self.consent.fields["not_after"]
        return ends


def check_request(
    request: InquiryRequest, receipts: Receipts, expected: Expected, *, now: int
) -> Passed:
    """Return what holds; raise CheckFailedError with the first thing that does not."""
    check_envelope(request, expected, now=now)
    consent = receipts.open(request.consent_receipt)
    intent = receipts.open(request.intent_receipt)
    if consent.kind is not LeafType.CONSENT_GIVEN or intent.kind is not LeafType.INQUIRY_INTENT:
        raise CheckFailedError(No.RECEIPT_KIND, f"{consent.kind.name}, {intent.kind.name}")
    _check_consent(request, consent, expected)
    _check_intent(request, intent)
    _check_times(consent, intent, expected, now=now)
    return Passed(request=request, consent=consent, intent=intent)


def check_envelope(request: InquiryRequest, expected: Expected, *, now: int) -> None:
    """Check who asks, over which connection, whom, and when."""
    _hold(request.peer_sha256 == expected.peer_sha256, No.PEER_OTHER)
    _hold(request.iss == expected.issuer, No.ISSUER_OTHER)
    _hold(request.aud == expected.bureau, No.AUDIENCE_OTHER)
    _hold(request.inquirer == expected.organisation, No.INQUIRER_OTHER)
    _hold(request.iat <= now + SKEW_S, No.REQUEST_EXPIRED, "issued in the future")
    _hold(now <= request.exp + SKEW_S, No.REQUEST_EXPIRED)
    _hold(0 < request.exp - request.iat <= LIFE_S, No.REQUEST_EXPIRED, "valid for too long")


def _check_consent(request: InquiryRequest, consent: Opened, expected: Expected) -> None:
    fields = consent.fields
    _hold(sha256(consent.body).digest() == request.consent_sha256, No.CONSENT_HASH)
    try:
        purpose, use = fields["purpose"]["code"], fields["use"]
        _hold(fields["id"] == request.consent, No.CONSENT_OTHER)
        _hold(fields["issuer"] == request.iss, No.ISSUER_OTHER, "of the consent")
        _hold(fields["recipient"] == expected.bureau, No.RECIPIENT_OTHER)
        _hold(purpose == request.purpose, No.PURPOSE_OTHER)
        _hold(purpose in expected.reasons, No.PURPOSE_NOT_ALLOWED, purpose)
        _hold(expected.reasons.get(purpose) == request.reason, No.REASON_OTHER)
        is_once = use["kind"] == "ONE_TIME"
        _hold(request.use_no >= 1, No.USE_OTHER)
        _hold(not is_once or request.use_no <= use["max"], No.USE_OTHER)
        reference = format_base64(subject_ref_of(request.subject))
        _hold(fields["subject_ref"] == reference, No.SUBJECT_OTHER)
    except (KeyError, TypeError) as error:
        raise CheckFailedError(No.RECEIPT_REJECTED, "not a consent's record") from error


def _check_intent(request: InquiryRequest, intent: Opened) -> None:
    fields = intent.fields
    _hold(fields.get("consent") == request.consent, No.CONSENT_OTHER, "in the intent")
    digest = format_base64(request.consent_sha256)
    _hold(fields.get("consent_sha256") == digest, No.CONSENT_HASH, "in the intent")
    _hold(fields.get("use_no") == request.use_no, No.USE_OTHER, "in the intent")
    _hold(fields.get("purpose") == request.purpose, No.PURPOSE_OTHER, "in the intent")
    _hold(fields.get("bureau") == request.aud, No.RECIPIENT_OTHER, "in the intent")
    _hold(fields.get("jti") == request.jti, No.CONSENT_OTHER, "another jti in the intent")


def _check_times(consent: Opened, intent: Opened, expected: Expected, *, now: int) -> None:
    begins, ends = consent.fields.get("not_before"), consent.fields.get("not_after")
    if not isinstance(begins, int) or not isinstance(ends, int):
        raise CheckFailedError(No.OUTSIDE_WINDOW, "no window")
    # The writer's own time bounds the age, the witnesses' time the window: a later head would
    # make an old leaf look young, an earlier `created` cannot make it look older than it is.
    created: int = intent.fields["created"]
    _hold(created <= intent.seen_at + SKEW_S, No.OUTSIDE_WINDOW, "written after it was seen")
    _hold(begins - SKEW_S <= created and intent.seen_at <= ends, No.OUTSIDE_WINDOW)
    _hold(now - created <= INTENT_AGE_S_MAX, No.INTENT_TOO_OLD)
    if _origin(consent) == _origin(intent):
        _hold(consent.index < intent.index, No.ORDER_WRONG)
    else:
        # Consent of last year's log, inquiry of this year's: the witnesses' times decide.
        _hold(consent.seen_at <= intent.seen_at, No.ORDER_WRONG)
    if expected.own_witness is not None:
        seen = intent.head.accepted.times
        _hold(expected.own_witness in seen, No.OWN_WITNESS_MISSING)


def _origin(opened: Opened) -> str:
    return opened.head.accepted.checkpoint.origin


def _hold(condition: bool, no: No, detail: str = "") -> None:  # noqa: FBT001 - reads as the rule
    if not condition:
        raise CheckFailedError(no, detail)
