"""A witnessed log on paper: leaves, witnesses' keys and receipts, without a database."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from counterfoil.bureau.question import Question, SubjectOpening
from counterfoil.consents.subject import Identity, subject_ref
from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats import cosignature
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.formats.merkle import EMPTY_ROOT, inclusion_proof, leaf_hash, root_of
from counterfoil.evidence.formats.note import Note, SigningKey
from counterfoil.evidence.formats.proof import TlogProof
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.leaf import LeafType, commitment, entry

LENDER, BUREAU, ORGANISATION = "lender.example", "bureau.example", "X000EXAMPLE001"
PURPOSE, REASON = "inquiry_origination", "02"
NOW = 1_800_000_000
WITNESSES = ("regulator", "bureau", "auditor")
NAME, ID_NUMBER = "张三", "11010519491231002X"


@dataclass
class PaperLog:
    """Adds leaves and hands out receipts; whoever holds it can lie as a test needs."""

    origin: str = "log.lender.example/2027"
    leaves: list[tuple[LeafType, bytes, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = SigningKey.generate(self.origin, Algorithm.ED25519)
        self.witnesses = {
            name: SigningKey.generate(f"witness.{name}.example", Algorithm.COSIGNATURE_ED25519)
            for name in WITNESSES
        }

    @property
    def policy(self) -> str:
        lines = [f"log {self.key.verifier.text}"]
        lines += [f"witness {name} {key.verifier.text}" for name, key in self.witnesses.items()]
        lines += ["group others any bureau auditor", "group q all regulator others", "quorum q"]
        return "\n".join(lines) + "\n"

    def add(self, kind: LeafType, fields: dict[str, Any], *, salt: bytes = b"s" * 32) -> int:
        frame: dict[str, Any] = {
            "v": 1,
            "prev_checkpoint": {"size": 0, "root": format_base64(EMPTY_ROOT)},
        }
        return self.add_body(kind, rfc8785.dumps({**frame, **fields}), salt=salt)

    def add_body(self, kind: LeafType, body: bytes, *, salt: bytes = b"s" * 32) -> int:
        self.leaves.append((kind, salt, body))
        return len(self.leaves) - 1

    def receipt(
        self, index: int, *, at: int, by: Iterable[str] = WITNESSES, size: int | None = None
    ) -> bytes:
        kind, salt, body = self.leaves[index]
        hashes = [
            leaf_hash(entry(kind, commitment(kind, salt, body)))
            for kind, salt, body in self.leaves[:size]
        ]
        head = Checkpoint(self.origin, len(hashes), root_of(hashes))
        lines = [checkpoints.sign(head, self.key)]
        lines += [cosignature.cosign(head.text, self.witnesses[name], at) for name in by]
        proof = TlogProof(
            index, tuple(inclusion_proof(hashes, index, len(hashes))), Note(head.text, tuple(lines))
        )
        return bytes(Receipt(kind, salt, body, proof))


def subject(name: str = NAME, id_number: str = ID_NUMBER) -> SubjectOpening:
    return SubjectOpening(name=name, id_type="10", id_number=id_number, salt=b"p" * 32)


def consent_fields(opening: SubjectOpening, *, number: int = 1, **changes: Any) -> dict[str, Any]:
    identity = Identity(name=opening.name, id_number=opening.id_number)
    return {
        "id": f"consent-{number:014d}",
        "issuer": LENDER,
        "controller": LENDER,
        "recipient": BUREAU,
        "subject_ref": base64.b64encode(subject_ref(opening.salt, identity)).decode(),
        "purpose": {"code": PURPOSE, "application": "", "text": "application"},
        "use": {"kind": "ONE_TIME", "max": 1},
        "not_before": NOW - 60,
        "not_after": NOW + 86_400,
        "created": NOW - 60,
        **changes,
    }


def question(
    log: PaperLog,
    *,
    number: int = 1,
    opening: SubjectOpening | None = None,
    consent: dict[str, Any] | None = None,
    intent: dict[str, Any] | None = None,
    at: int = NOW,
    by: Iterable[str] = WITNESSES,
) -> Question:
    """A question whose consent and intent are in the log; `consent` and `intent` alter leaves."""
    opening = opening or subject()
    first = log.add(
        LeafType.CONSENT_GIVEN, consent_fields(opening, number=number, **(consent or {}))
    )
    body = log.leaves[first][2]
    digest = hashlib.sha256(body).digest()
    fields = {
        "consent": f"consent-{number:014d}",
        "consent_sha256": base64.b64encode(digest).decode(),
        "use_no": 1,
        "bureau": BUREAU,
        "purpose": PURPOSE,
        "jti": f"jti-{number}",
        "created": at,
    }
    second = log.add(LeafType.INQUIRY_INTENT, {**fields, **(intent or {})})
    return Question(
        jti=f"jti-{number}",
        issuer=LENDER,
        bureau=BUREAU,
        occasion="first_application",
        purpose=PURPOSE,
        reason_code=REASON,
        consent=f"consent-{number:014d}",
        consent_sha256=digest,
        use_no=1,
        subject=opening,
        asked_at=at,
        consent_receipt=log.receipt(first, at=at, by=by),
        intent_receipt=log.receipt(second, at=at, by=by),
    )
