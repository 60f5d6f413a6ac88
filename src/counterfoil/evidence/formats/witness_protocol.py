"""What a log and a witness say to each other, as bytes; sending them is somebody else's work.

Follows     C2SP tlog-witness v1.0.0. Same size and another root is answered 422 here; version 1.0.0
            says 409, so whoever reads answers treats both as a fork.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, Self

from counterfoil.evidence.formats.lines import decode, format_base64, parse_number
from counterfoil.evidence.formats.merkle import ProofRejectedError
from counterfoil.evidence.formats.note import (
    NOTE_BYTES_MAX,
    Note,
    NoteRejectedError,
    NoteSignature,
    parse_note,
    parse_signatures,
)
from counterfoil.evidence.formats.proof import HASHES_MAX, PROOF_BYTES_MAX, parse_hashes
from counterfoil.evidence.formats.reasons import Reason, RejectedError

ADD_CHECKPOINT: Final = "add-checkpoint"
REQUEST_BYTES_MAX: Final = PROOF_BYTES_MAX
SIZE_CONTENT_TYPE: Final = "text/x.tlog.size"
_SIZE_BYTES_MAX: Final = 32


class Answer(IntEnum):
    """A witness's answer as an HTTP status."""

    #: The body has cosignature lines for exactly the checkpoint that was sent.
    COSIGNED = 200
    #: Not a request, or an old size above the checkpoint's.
    MALFORMED = 400
    #: No good signature of a trusted log key.
    UNSIGNED = 403
    ORIGIN_UNKNOWN = 404
    #: The old size is not the last cosigned one; the body says which is.
    SIZE_CONFLICT = 409
    #: The proof fails, or one size bears two roots.
    INCONSISTENT = 422


@dataclass(frozen=True)
class AddCheckpoint:
    """A log asks a witness to cosign a checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a request."""
        text = decode(data, bytes_max=REQUEST_BYTES_MAX)
        head, separator, note = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or not lines[0].startswith("old "):
            raise ProofRejectedError(Reason.MALFORMED, "not a request to add a checkpoint")
        old_size = parse_number(lines[0].removeprefix("old "))
        return cls(old_size, parse_hashes(lines[1:]), parse_note(note.encode()))

    def __bytes__(self) -> bytes:
        """Return the body of the request."""
        assert len(self.proof) <= HASHES_MAX
        hashes = "".join(f"{format_base64(value)}\n" for value in self.proof)
        return f"old {self.old_size}\n{hashes}\n".encode() + bytes(self.note)


def format_cosignatures(signatures: Sequence[NoteSignature]) -> bytes:
    """Return the body of the answer 200."""
    return "".join(signature.line for signature in signatures).encode()


def parse_cosignatures(data: bytes) -> tuple[NoteSignature, ...]:
    """Read the body of the answer 200; whose lines they are and whether good, is not checked."""
    try:
        return parse_signatures(decode(data, bytes_max=NOTE_BYTES_MAX))
    except RejectedError as failure:
        raise NoteRejectedError(failure.reason, failure.detail) from failure


def format_size(size: int) -> bytes:
    """Return the body of the answer 409."""
    return f"{size}\n".encode()


def parse_size(data: bytes) -> int:
    """Read the body of the answer 409."""
    return parse_number(decode(data, bytes_max=_SIZE_BYTES_MAX).removesuffix("\n"))


def monitoring_path(origin: str) -> str:
    """Return where, below its monitoring prefix, a witness serves a log's last checkpoint."""
    return f"{sha256(origin.encode()).hexdigest()}/checkpoint"
