"""The record of one consent: what was agreed, in canonical form, the body of its leaf in the log.

Form        Canonical JSON of texts, integers, arrays and objects. Hashes are base64, instants POSIX
            seconds, the identifier 128 random bits in base64url. What there is nothing to say of
            (no application, no device key, nobody onward) is left out: receipts stay short. One
            purpose, one recipient, one decision: nothing in the form could hold two.
Invariant   A record never changes. Its hash names it everywhere: in the inquiry, in the receipt.
Follows     RFC 8785; ISO/IEC TS 27560 for the content; the use semantics (one-time or periodic,
            window, data life) of the account aggregators' consent artefact.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

import rfc8785

from counterfoil.consents.notice import Level, Notice, Party, UseKind

#: Layout of a record.
VERSION: Final = 1
RECORD_ID_BYTES: Final = 16

Value = str | int | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """How the person was recognised when deciding."""

    #: Such as `one_time_code`, `passkey`, `in_person`.
    method: str
    level: Level
    #: POSIX seconds.
    at: int
    #: Hash of what proves it, kept by whoever recognised the person.
    evidence_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What was shown, and for how long."""

    language: str
    #: Hash of the exact text.
    text_sha256: bytes
    #: Hash of the evidence of the screen; one screen, one decision.
    screen_sha256: bytes
    dwell_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the consent is about, besides the notice; empty texts where it is about nothing."""

    #: Identifier of the application, as others write it.
    application: str = ""
    product: str = ""
    amount_band: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The last witnessed checkpoint that the writer knew: the record is not older than it."""

    size: int
    #: Base64.
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record."""

    record_id: bytes
    notice: Notice
    controller: Party
    recipient: Party
    onward: tuple[Party, ...]
    subject_ref: bytes
    authentication: Authentication
    #: The customer's device key, or the reference of an e-signature.
    key_binding: str
    display: Display
    subject: Subject
    #: POSIX seconds, both inclusive.
    not_before: int
    not_after: int
    created: int
    checkpoint: Checkpoint

    @property
    def body(self) -> bytes:
        """Return the record's canonical text."""
        return rfc8785.dumps(_without_empty(_document(self)))


def sha256_of(body: bytes) -> bytes:
    """Return the hash by which a record is known."""
    return hashlib.sha256(body).digest()


def record_id_text(record_id: bytes) -> str:
    """Return how a record's identifier is written: 22 characters of base64url."""
    assert len(record_id) == RECORD_ID_BYTES
    return base64.urlsafe_b64encode(record_id).decode().rstrip("=")


def _document(record: Record) -> dict[str, Value]:
    notice, display = record.notice, record.display
    return {
        "amount_band": record.subject.amount_band,
        "controller": record.controller.legal_id,
        "created": record.created,
        "data": [*sorted(notice.scope.data)],
        "data_life": notice.scope.data_life_days,
        "id": record_id_text(record.record_id),
        "issuer": record.controller.legal_id,
        "jurisdiction": record.controller.jurisdiction,
        "key_binding": record.key_binding,
        "legal_basis": notice.legal_basis,
        "not_after": record.not_after,
        "not_before": record.not_before,
        "notice": {
            "code": notice.code,
            "dwell_ms": display.dwell_ms,
            "language": display.language,
            "screen": _base64(display.screen_sha256),
            "sha256": _base64(display.text_sha256),
            "version": notice.version,
        },
        "onward": [*sorted(party.legal_id for party in record.onward)],
        "prev_checkpoint": {"root": record.checkpoint.root, "size": record.checkpoint.size},
        "product": record.subject.product,
        "purpose": {
            "application": record.subject.application,
            "code": notice.scope.purpose,
            "text": notice.texts[display.language].purpose,
        },
        "recipient": record.recipient.legal_id,
        "subject_auth": {
            "at": record.authentication.at,
            "evidence": _base64(record.authentication.evidence_sha256),
            "level": record.authentication.level.value,
            "method": record.authentication.method,
        },
        "subject_ref": _base64(record.subject_ref),
        "use": _use(notice),
        "v": VERSION,
        "withdraw_uri": record.controller.withdraw_uri,
    }


def _without_empty(document: dict[str, Value]) -> dict[str, Value]:
    return {
        name: _without_empty(value) if isinstance(value, dict) else value
        for name, value in document.items()
        if value not in ("", [])
    }


def _use(notice: Notice) -> dict[str, Value]:
    scope = notice.scope
    use: dict[str, Value] = {"kind": scope.use.value, "max": scope.uses_max}
    if scope.use is UseKind.PERIODIC:
        # An ISO 8601 duration of whole days.
        use["per"] = f"P{scope.period_days}D"
    return use


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
