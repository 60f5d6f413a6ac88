"""Checkpoints: a log's name, its size and its root, signed by the log.

Follows     C2SP tlog-checkpoint v1.0.0, narrowed: extension lines are never written and refused,
            the root has 32 bytes, and size 0 bears the root of the empty tree.
"""

from dataclasses import dataclass
from typing import Final, Self

from counterfoil.evidence.formats.algorithms import OF_LOGS
from counterfoil.evidence.formats.lines import (
    HASH_BYTES,
    NUMBER_MAX,
    format_base64,
    parse_hash,
    parse_number,
)
from counterfoil.evidence.formats.merkle import EMPTY_ROOT
from counterfoil.evidence.formats.note import (
    NoteRejectedError,
    NoteSignature,
    SigningKey,
    VerifierKey,
)
from counterfoil.evidence.formats.reasons import Reason, RejectedError

_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Hold what every checkpoint keeps, whoever makes it."""
        if not 0 <= self.size <= NUMBER_MAX:
            raise NoteRejectedError(Reason.SIZE_OUT_OF_RANGE, str(self.size))
        if len(self.root) != HASH_BYTES:
            raise NoteRejectedError(Reason.HASH_LENGTH, f"{len(self.root)} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise NoteRejectedError(Reason.EMPTY_ROOT_MISMATCH)
        if not self.origin or "\n" in self.origin:
            raise NoteRejectedError(Reason.MALFORMED, "the origin")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note as a checkpoint."""
        lines = text.split("\n")
        if len(lines) <= _LINES or lines[-1] or "" in lines[:_LINES]:
            raise NoteRejectedError(Reason.MALFORMED, "not three lines")
        if len(lines) > _LINES + 1:
            raise NoteRejectedError(Reason.EXTENSION_LINE, repr(lines[_LINES][:80]))
        try:
            return cls(lines[0], parse_number(lines[1]), parse_hash(lines[2]))
        except RejectedError as failure:
            raise NoteRejectedError(failure.reason, failure.detail) from failure

    @property
    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{format_base64(self.root)}\n"


def sign(checkpoint: Checkpoint, key: SigningKey) -> NoteSignature:
    """Return the log's line under a checkpoint; the key bears the log's name."""
    assert key.algorithm in OF_LOGS
    assert key.name == checkpoint.origin
    return key.sign(checkpoint.text.encode())


def verify(text: str, signature: NoteSignature, key: VerifierKey) -> None:
    """Check a log's line under the text of a note; reject the note otherwise."""
    assert key.algorithm in OF_LOGS
    if not key.has_signed(signature.blob, text.encode()):
        raise NoteRejectedError(Reason.SIGNATURE_WRONG, key.name)
