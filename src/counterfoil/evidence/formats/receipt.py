"""Receipts: what a leaf of the log says, opened, with the proof that it is in the log.

A receipt is a text file in two blocks: the opening (type, salt, body), an empty line, and a proof
file as foreign verifiers read it, byte for byte.
Follows     RFC 8785 for the body; `proof.py` for the second block.
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NoReturn, Self

import rfc8785

from counterfoil.evidence import leaf
from counterfoil.evidence.formats.lines import (
    decode,
    format_base64,
    parse_base64,
    parse_hash,
    parse_number,
)
from counterfoil.evidence.formats.merkle import leaf_hash
from counterfoil.evidence.formats.proof import PROOF_BYTES_MAX, TlogProof
from counterfoil.evidence.formats.reasons import Reason, RejectedError

HEADER: Final = "counterfoil-receipt/v1"
BODY_BYTES_MAX: Final = 1 << 16
RECEIPT_BYTES_MAX: Final = PROOF_BYTES_MAX + BODY_BYTES_MAX + 1024
#: From this version of bodies on nothing is null.
_WITHOUT_NULLS: Final = 2
_KEYS: Final = ("type", "salt", "body")


class ReceiptRejectedError(RejectedError):
    """An opening does not say what a leaf can say."""


@dataclass(frozen=True)
class LowerBound:
    """A checkpoint that the writer of a leaf knew: the leaf was written after it."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Receipt:
    """The opening of a leaf and its proof."""

    kind: leaf.LeafType
    salt: bytes
    #: Canonical JSON.
    body: bytes
    proof: TlogProof

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a receipt; whether its proof holds is for whoever has a policy."""
        text = decode(data, bytes_max=RECEIPT_BYTES_MAX)
        head, separator, proof = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != HEADER:
            raise ReceiptRejectedError(Reason.MALFORMED, f"the first line is not {HEADER}")
        if len(lines) != len(_KEYS) + 1:
            raise ReceiptRejectedError(Reason.MALFORMED, f"not the lines {', '.join(_KEYS)}")
        kind, salt, body = map(_value, lines[1:], _KEYS)
        receipt = cls(
            _parse_kind(kind), _parse_salt(salt), body.encode(), TlogProof.parse(proof.encode())
        )
        _ = receipt.fields
        return receipt

    def __bytes__(self) -> bytes:
        """Return the file."""
        opening = f"{HEADER}\ntype {self.kind.value}\nsalt {format_base64(self.salt)}\n"
        return b"".join((opening.encode(), b"body ", self.body, b"\n\n", bytes(self.proof)))

    @property
    def entry(self) -> bytes:
        """Return the entry of the log that this opens."""
        return leaf.entry(self.kind, leaf.commitment(self.kind, self.salt, self.body))

    @property
    def leaf_hash(self) -> bytes:
        """Return the hash of the entry as a leaf."""
        return leaf_hash(self.entry)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """Return what the body says."""
        return parse_body(self.body)

    @property
    def created(self) -> int:
        """Return the writer's own time, POSIX seconds."""
        created: int = self.fields["created"]
        return created

    @property
    def after(self) -> LowerBound:
        """Return the checkpoint that the writer knew."""
        known = self.fields["prev_checkpoint"]
        return LowerBound(known["size"], parse_hash(known["root"]))


def parse_body(body: bytes) -> dict[str, Any]:
    """Read canonical JSON without fractions that carries what every body carries."""
    if len(body) > BODY_BYTES_MAX:
        raise ReceiptRejectedError(Reason.TOO_LARGE, f"a body of {len(body)} bytes")
    try:
        value = json.loads(body, parse_float=_refuse, parse_constant=_refuse)
        # Whatever has another spelling, a key twice included, is not written back as it was.
        canonical = rfc8785.dumps(value)
    except (ValueError, RecursionError) as failure:  # of JSON, of UTF-8 and of canonical JSON
        raise ReceiptRejectedError(Reason.BODY_NOT_CANONICAL, str(failure)[:120]) from failure
    if canonical != body or not unicodedata.is_normalized("NFC", body.decode()):
        raise ReceiptRejectedError(Reason.BODY_NOT_CANONICAL, "another spelling of the same")
    _check_body(value)
    assert isinstance(value, dict)
    if value["v"] >= _WITHOUT_NULLS and has_null(value):
        raise ReceiptRejectedError(Reason.BODY_WITH_NULL, "what is not known is left out")
    return value


def has_null(value: object) -> bool:
    """Return whether there is a null anywhere in what JSON was read to."""
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    if isinstance(value, list):
        return any(map(has_null, value))
    return value is None


def _check_body(value: object) -> None:
    match value:
        case {
            "v": int(version),
            "created": int(created),
            "prev_checkpoint": {"size": int(size), "root": str(root), **rest},
        } if not rest and all(type(n) is int and n >= 0 for n in (version, created, size)):
            parse_hash(root)
        case _:
            raise ReceiptRejectedError(
                Reason.BODY_INCOMPLETE, "no object with v, created and prev_checkpoint"
            )


def _refuse(text: str) -> NoReturn:
    raise ReceiptRejectedError(Reason.BODY_NOT_CANONICAL, text[:40])


def _value(line: str, key: str) -> str:
    if not line.startswith(f"{key} "):
        raise ReceiptRejectedError(Reason.MALFORMED, f"{line[:40]!r} where {key} is due")
    return line[len(key) + 1 :]


def _parse_kind(text: str) -> leaf.LeafType:
    number = parse_number(text)
    try:
        return leaf.LeafType(number)
    except ValueError as failure:
        raise ReceiptRejectedError(Reason.LEAF_TYPE_UNKNOWN, text) from failure


def _parse_salt(text: str) -> bytes:
    salt = parse_base64(text)
    if len(salt) != leaf.SALT_BYTES:
        raise ReceiptRejectedError(Reason.SALT_LENGTH, f"{len(salt)} bytes")
    return salt
