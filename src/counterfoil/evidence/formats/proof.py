"""Proof files: an index, the hashes up to the root, and the checkpoint that bears the root.

Invariant   `extra` is signed by nobody; nothing may depend on it.
Follows     C2SP tlog-proof.
"""

from dataclasses import dataclass
from typing import Final, Self

from counterfoil.evidence.formats.lines import (
    decode,
    format_base64,
    parse_base64,
    parse_hash,
    parse_number,
)
from counterfoil.evidence.formats.merkle import ProofRejectedError
from counterfoil.evidence.formats.note import NOTE_BYTES_MAX, Note, parse_note
from counterfoil.evidence.formats.reasons import Reason, RejectedError

HEADER: Final = "c2sp.org/tlog-proof@v1"
#: A tree of fewer than 2^63 leaves has no longer path; neither has a consistency proof.
HASHES_MAX: Final = 63
PROOF_BYTES_MAX: Final = NOTE_BYTES_MAX + (1 << 16)


@dataclass(frozen=True)
class TlogProof:
    """That an entry stands at an index of a log, to be checked with the entry and a policy."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof file."""
        text = decode(data, bytes_max=PROOF_BYTES_MAX)
        head, separator, note = text.partition("\n\n")
        if not separator:
            raise ProofRejectedError(Reason.MALFORMED, "no empty line before the checkpoint")
        lines = head.split("\n")
        if lines.pop(0) != HEADER:
            raise ProofRejectedError(Reason.MALFORMED, f"the first line is not {HEADER}")
        try:
            extra = _parse_extra(lines)
            return cls(_parse_index(lines), parse_hashes(lines), parse_note(note.encode()), extra)
        except RejectedError as failure:
            raise ProofRejectedError(failure.reason, failure.detail) from failure

    def __bytes__(self) -> bytes:
        """Return the file."""
        extra = f"extra {format_base64(self.extra)}\n" if self.extra is not None else ""
        path = "".join(f"{format_base64(value)}\n" for value in self.hashes)
        head = f"{HEADER}\n{extra}index {self.index}\n{path}\n"
        return head.encode() + bytes(self.note)


def _parse_extra(lines: list[str]) -> bytes | None:
    if lines and lines[0].startswith("extra "):
        return parse_base64(lines.pop(0).removeprefix("extra "))
    return None


def _parse_index(lines: list[str]) -> int:
    if not lines or not lines[0].startswith("index "):
        raise ProofRejectedError(Reason.MALFORMED, "no index")
    return parse_number(lines.pop(0).removeprefix("index "))


def parse_hashes(lines: list[str]) -> tuple[bytes, ...]:
    """Read hashes, one a line."""
    if len(lines) > HASHES_MAX:
        raise ProofRejectedError(Reason.PROOF_LENGTH, f"{len(lines)} hashes")
    return tuple(map(parse_hash, lines))
