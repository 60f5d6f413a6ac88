"""Cosignatures: a witness says when it saw a checkpoint that continues all it saw before.

Units       Times are POSIX seconds below 2^63.
Follows     C2SP tlog-cosignature v1.0.1, the Ed25519 form. The ML-DSA-44 form (type 0x06) would be
            a module beside this one and a line in `policy.WITNESSED_BY`; until then its lines are
            those of unknown keys.
"""

from typing import Final

from counterfoil.evidence.formats.lines import NUMBER_MAX
from counterfoil.evidence.formats.note import (
    Algorithm,
    NoteRejectedError,
    NoteSignature,
    SigningKey,
    VerifierKey,
)
from counterfoil.evidence.formats.reasons import Reason

_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


def cosign(text: str, key: SigningKey, time: int) -> NoteSignature:
    """Return a witness's line under the three lines of a checkpoint."""
    assert key.algorithm is Algorithm.COSIGNATURE_ED25519
    assert 0 <= time <= NUMBER_MAX
    return key.sign(_message(text, time), before=time.to_bytes(_TIME_BYTES))


def verify(text: str, signature: NoteSignature, key: VerifierKey) -> int:
    """Check a witness's line under a checkpoint and return its time; reject the note otherwise."""
    assert key.algorithm is Algorithm.COSIGNATURE_ED25519
    blob = signature.blob
    if len(blob) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise NoteRejectedError(Reason.SIGNATURE_WRONG, f"{key.name}: {len(blob)} bytes")
    time = int.from_bytes(blob[:_TIME_BYTES])
    if time > NUMBER_MAX:
        raise NoteRejectedError(Reason.TIME_OUT_OF_RANGE, f"{key.name}: {time}")
    if not key.has_signed(blob[_TIME_BYTES:], _message(text, time)):
        raise NoteRejectedError(Reason.SIGNATURE_WRONG, key.name)
    return time


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
