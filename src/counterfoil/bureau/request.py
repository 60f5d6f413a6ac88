"""The signed request of the reference protocol: its claims, written by us and read by a bureau.

Form        JSON in a JWS (RFC 7515), bound to the client certificate of the
            connection (`cnf`, RFC 8705). Bytes are base64, instants POSIX seconds.
Claims      iss aud jti iat exp · inquirer (organisation code) · consent consent_sha256 use_no
            purpose reason · subject_opening · receipt [consent, intent] · cnf.
Strict      Every claim is there once and has its type; a claim that nobody knows is refused.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from counterfoil.bureau.question import Question, SubjectOpening

#: How long a request may be used, seconds.
LIFE_S: Final = 300
TYPE: Final = "counterfoil-inquiry+jwt"
_CNF: Final = "x5t#S256"
_TEXTS: Final = ("iss", "aud", "jti", "inquirer", "consent", "purpose", "reason")
_NUMBERS: Final = ("iat", "exp", "use_no")
_CLAIMS: Final = frozenset(
    {*_TEXTS, *_NUMBERS, "consent_sha256", "subject_opening", "receipt", "cnf"}
)
TEXT_LENGTH_MAX: Final = 200


class RequestMalformedError(ValueError):
    """The claims are not those of an inquiry."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InquiryRequest:
    """The claims of one request; never shown in a log."""

    iss: str
    aud: str
    jti: str
    iat: int
    exp: int
    inquirer: str
    consent: str
    consent_sha256: bytes
    use_no: int
    purpose: str
    reason: str
    subject: SubjectOpening
    consent_receipt: bytes
    intent_receipt: bytes
    #: SHA-256 of the client certificate.
    peer_sha256: bytes


def write_claims(question: Question, *, inquirer: str, peer_sha256: bytes) -> bytes:
    """Return the claims of a question for one connection."""
    subject = question.subject
    return orjson.dumps(
        {
            "iss": question.issuer,
            "aud": question.bureau,
            "jti": question.jti,
            "iat": question.asked_at,
            "exp": question.asked_at + LIFE_S,
            "inquirer": inquirer,
            "consent": question.consent,
            "consent_sha256": _base64(question.consent_sha256),
            "use_no": question.use_no,
            "purpose": question.purpose,
            "reason": question.reason_code,
            "subject_opening": {
                "salt": _base64(subject.salt),
                "identity": {
                    "id_number": subject.id_number,
                    "id_type": subject.id_type,
                    "name": subject.name,
                },
            },
            "receipt": [question.consent_receipt.decode(), question.intent_receipt.decode()],
            "cnf": {_CNF: _base64url(peer_sha256)},
        }
    )


def read_claims(payload: bytes) -> InquiryRequest:
    """Return the request of a payload; raise RequestMalformedError for anything else."""
    try:
        claims = json.loads(payload, object_pairs_hook=_unique)
        return _request(claims)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestMalformedError("not the claims of an inquiry") from error


def _request(claims: Mapping[str, Any]) -> InquiryRequest:
    if not isinstance(claims, dict) or claims.keys() != _CLAIMS:
        raise TypeError("other claims")
    texts = {name: _text(claims[name]) for name in _TEXTS}
    numbers = {name: _number(claims[name]) for name in _NUMBERS}
    opening = claims["subject_opening"]
    identity = opening["identity"]
    consent_receipt, intent_receipt = claims["receipt"]
    if opening.keys() != {"salt", "identity"} or claims["cnf"].keys() != {_CNF}:
        raise TypeError("other claims inside")
    if identity.keys() != {"id_number", "id_type", "name"}:
        raise TypeError("another identity")
    return InquiryRequest(
        iss=texts["iss"],
        aud=texts["aud"],
        jti=texts["jti"],
        iat=numbers["iat"],
        exp=numbers["exp"],
        inquirer=texts["inquirer"],
        consent=texts["consent"],
        use_no=numbers["use_no"],
        purpose=texts["purpose"],
        reason=texts["reason"],
        consent_sha256=_hash(claims["consent_sha256"]),
        subject=SubjectOpening(
            name=_text(identity["name"]),
            id_type=_text(identity["id_type"]),
            id_number=_text(identity["id_number"]),
            salt=_hash(opening["salt"]),
        ),
        consent_receipt=_whole(consent_receipt).encode(),
        intent_receipt=_whole(intent_receipt).encode(),
        peer_sha256=_hash(_padded(claims["cnf"][_CNF])),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _text(value: object) -> str:
    text = _whole(value)
    if not 0 < len(text) <= TEXT_LENGTH_MAX:
        raise ValueError("a text of no length that is taken")
    return text


def _whole(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a number")
    return value


def _hash(value: object) -> bytes:
    try:
        data = base64.b64decode(_whole(value), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(data) != 32 or _base64(data) != value:  # noqa: PLR2004 - SHA-256, or a salt
        raise ValueError("not 32 bytes")
    return data


def _padded(value: object) -> str:
    return _whole(value).replace("-", "+").replace("_", "/") + "="


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
