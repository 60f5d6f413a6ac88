"""Cosignatures: a witness says when it saw a checkpoint that continues all it saw before.

Units       Times are POSIX seconds below 2^63.
Follows     C2SP tlog-cosignature v1.0.1 for Ed25519, v1.1.0-rc.1 for ML-DSA-44; what each signs is
            said in `algorithms.py`.
"""

from typing import Final

from counterfoil.evidence.formats.algorithms import SCHEMES
from counterfoil.evidence.formats.lines import NUMBER_MAX
from counterfoil.evidence.formats.note import (
    NoteRejectedError,
    NoteSignature,
    SigningKey,
    VerifierKey,
)
from counterfoil.evidence.formats.reasons import Reason

_TIME_BYTES: Final = 8


def cosign(text: str, key: SigningKey, time: int) -> NoteSignature:
    """Return a witness's line under the three lines of a checkpoint."""
    cosigned = SCHEMES[key.algorithm].cosigned
    assert cosigned is not None, "the key of a witness"
    assert 0 <= time <= NUMBER_MAX
    return key.sign(cosigned(key.name, time, text), before=time.to_bytes(_TIME_BYTES))


def verify(text: str, signature: NoteSignature, key: VerifierKey) -> int:
    """Check a witness's line under a checkpoint and return its time; reject the note otherwise."""
    scheme = SCHEMES[key.algorithm]
    assert scheme.cosigned is not None, "the key of a witness"
    blob = signature.blob
    if len(blob) != _TIME_BYTES + scheme.signature_bytes:
        raise NoteRejectedError(Reason.SIGNATURE_WRONG, f"{key.name}: {len(blob)} bytes")
    time = int.from_bytes(blob[:_TIME_BYTES])
    if time > NUMBER_MAX:
        raise NoteRejectedError(Reason.TIME_OUT_OF_RANGE, f"{key.name}: {time}")
    if not key.has_signed(blob[_TIME_BYTES:], scheme.cosigned(key.name, time, text)):
        raise NoteRejectedError(Reason.SIGNATURE_WRONG, key.name)
    return time
