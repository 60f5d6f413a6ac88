"""The algorithms of signature lines: the one place where an algorithm is added.

An algorithm is a row of `SCHEMES`: how long its keys and signatures are, how they are made and
checked, and, for witnesses, which bytes are signed. Notes, policies, witnesses and verifiers know
algorithms by this table alone; a line of any other type is that of an unknown key.
Follows     C2SP signed-note v1.0.0 and tlog-checkpoint v1.0.0 (0x01); tlog-cosignature v1.0.1
            (0x04), v1.1.0-rc.1 (0x06: ML-DSA-44 of FIPS 204, empty context, `subtree/v1`).
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from counterfoil.evidence.formats.lines import parse_hash, parse_number
from counterfoil.evidence.formats.reasons import Reason, RejectedError

#: Every scheme here makes a key from so many secret bytes.
SEED_BYTES: Final = 32
_SUBTREE_LABEL: Final = b"subtree/v1\n\0"
_KEYS_KEPT: Final = 1_024
_CHECKPOINT_LINES: Final = 3
_OPAQUE_BYTES_MAX: Final = 255


class Algorithm(IntEnum):
    """What a signature signs and with what; the byte is part of the key's identity."""

    #: A log's signature over the text of the note.
    ED25519 = 0x01
    #: A witness's signature over the text and a time.
    COSIGNATURE_ED25519 = 0x04
    #: A witness's signature over its name, a time, origin, size and root; safe from quantum
    #: computers.
    COSIGNATURE_ML_DSA_44 = 0x06


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one algorithm signs and verifies."""

    #: As people name it at the command line.
    word: str
    public_key_bytes: int
    signature_bytes: int
    #: The public key of a seed.
    public_key: Callable[[bytes], bytes]
    #: The signature of a seed over a message.
    sign: Callable[[bytes, bytes], bytes]
    #: Whether a public key, then a signature and a message, belong together.
    has_signed: Callable[[bytes, bytes, bytes], bool]
    #: What a witness signs: its name, a time in POSIX seconds, the three lines. None for a log's.
    cosigned: Callable[[str, int, str], bytes] | None = None


@lru_cache(_KEYS_KEPT)
def _ed25519_public(key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(key)


@lru_cache(_KEYS_KEPT)
def _ml_dsa_public(key: bytes) -> MLDSA44PublicKey:
    return MLDSA44PublicKey.from_public_bytes(key)


def _ed25519_has_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        _ed25519_public(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _ml_dsa_has_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        _ml_dsa_public(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _cosignature_v1(_: str, time: int, text: str) -> bytes:
    """Return a header line, a line of the time, and the note; the name is not committed to."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _subtree_v1(name: str, time: int, text: str) -> bytes:
    """Return `cosigned_message` for a whole tree, which begins at leaf 0."""
    lines = text.split("\n")
    if len(lines) != _CHECKPOINT_LINES + 1:
        raise RejectedError(Reason.MALFORMED, "not three lines")
    origin, size, root, _ = lines
    return b"".join(
        (
            _SUBTREE_LABEL,
            _opaque(name),
            time.to_bytes(8),
            _opaque(origin),
            (0).to_bytes(8),
            parse_number(size).to_bytes(8),
            parse_hash(root),
        )
    )


def _opaque(text: str) -> bytes:
    """Return a text after its length in one byte (RFC 8446, section 3.4)."""
    data = text.encode()
    if not 1 <= len(data) <= _OPAQUE_BYTES_MAX:
        raise RejectedError(Reason.KEY_MALFORMED, f"a name of {len(data)} bytes")
    return len(data).to_bytes(1) + data


def _ed25519(word: str, cosigned: Callable[[str, int, str], bytes] | None = None) -> Scheme:
    return Scheme(
        word=word,
        public_key_bytes=32,
        signature_bytes=64,
        public_key=lambda seed: _private(seed).public_key().public_bytes_raw(),
        sign=lambda seed, message: _private(seed).sign(message),
        has_signed=_ed25519_has_signed,
        cosigned=cosigned,
    )


def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


SCHEMES: Final[Mapping[Algorithm, Scheme]] = {
    Algorithm.ED25519: _ed25519("ed25519-log"),
    Algorithm.COSIGNATURE_ED25519: _ed25519("ed25519", _cosignature_v1),
    Algorithm.COSIGNATURE_ML_DSA_44: Scheme(
        word="ml-dsa-44",
        public_key_bytes=1_312,
        signature_bytes=2_420,
        public_key=lambda seed: (
            MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
        ),
        sign=lambda seed, message: MLDSA44PrivateKey.from_seed_bytes(seed).sign(message),
        has_signed=_ml_dsa_has_signed,
        cosigned=_subtree_v1,
    ),
}

#: How a log signs, and how witnesses do.
OF_LOGS: Final = frozenset(a for a, scheme in SCHEMES.items() if scheme.cosigned is None)
OF_WITNESSES: Final = frozenset(SCHEMES) - OF_LOGS


def new_seed() -> bytes:
    """Return the secret bytes of a new key."""
    return os.urandom(SEED_BYTES)
