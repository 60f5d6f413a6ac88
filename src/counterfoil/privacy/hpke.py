"""Sealing to somebody's public key, inside the mutual TLS: what a proxy in between cannot read.

Suite       DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; base mode, one message a context.
Form        The encapsulated key (32 bytes), the ciphertext and its tag (16 bytes).
Context     `info` says what kind of message it is, `aad` to which request it belongs. Both go into
            the key schedule as HPKE's `info`: a label, the length of `info` in two bytes, `info`,
            `aad`; HPKE's own associated data is empty. Any implementation can open it so.
Keys        A file with the 32 bytes of the private key in hexadecimal, mode 0600. Who receives
            publishes the 32 bytes of the public key.
Follows     RFC 9180.
"""

from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from counterfoil.privacy.envelope import CiphertextRejectedError
from counterfoil.privacy.key_file import write_once
from counterfoil.privacy.port import KeyServiceUnavailableError

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LABEL: Final = b"counterfoil/hpke/v1\0"
_PUBLIC_LENGTH: Final = 32
_INFO_LENGTH_MAX: Final = 2**16 - 1


def create_key_file(path: Path) -> None:
    """Make a private key in a file, once; a key that is there stays."""
    write_once(path, X25519PrivateKey.generate().private_bytes_raw().hex())


def read_key_file(path: Path) -> X25519PrivateKey:
    """Return the private key of a file; raise KeyServiceUnavailableError where it has none."""
    try:
        return X25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise KeyServiceUnavailableError(f"the key file {path.name} cannot be read") from error


def public_bytes(private: X25519PrivateKey) -> bytes:
    """Return the 32 bytes to publish."""
    return private.public_key().public_bytes_raw()


def seal(public: bytes, info: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Return a text that only the owner of a public key (32 bytes) can open, in its context."""
    assert len(public) == _PUBLIC_LENGTH, "an X25519 public key has 32 bytes"
    key = X25519PublicKey.from_public_bytes(public)
    return _SUITE.encrypt(plaintext, key, info=_context(info, aad))


def open_sealed(private: X25519PrivateKey, info: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Return the text; raise CiphertextRejectedError where key, context or text is another's."""
    try:
        return _SUITE.decrypt(sealed, private, info=_context(info, aad))
    except (InvalidTag, ValueError) as error:
        raise CiphertextRejectedError("wrong_key_context_or_text") from error


def _context(info: bytes, aad: bytes) -> bytes:
    assert len(info) <= _INFO_LENGTH_MAX, "an info fits its length in two bytes"
    return _LABEL + len(info).to_bytes(2, "big") + info + aad
