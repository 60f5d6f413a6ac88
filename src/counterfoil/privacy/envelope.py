"""Authenticated encryption of one record under one key, bound to where it belongs.

Form        One byte for the suite, 12 bytes of nonce, the ciphertext with its 16-byte tag.
Suites      1 is AES-256-GCM. A reader knows every suite that was ever written.
Context     Goes in as associated data: a record moved to another customer, purpose or set of
            fields does not open.
Follows     NIST SP 800-38D. Nonces are random: one key may carry 2^32 records at most, a data
            key carries a handful, a key-encryption key is replaced long before.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_LENGTH: Final = 32
_SUITE_AES_256_GCM: Final = b"\x01"
_NONCE_LENGTH: Final = 12
_HEADER_LENGTH: Final = 1 + _NONCE_LENGTH
_TAG_LENGTH: Final = 16


class CiphertextRejectedError(Exception):
    """Wrong key, tag, context or suite, or the text was cut short."""


def new_key() -> bytes:
    """Return a fresh data key from the operating system's randomness."""
    return os.urandom(KEY_LENGTH)


def encrypt(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Return the sealed form of a text."""
    assert len(key) == KEY_LENGTH, "a key has 32 bytes"
    nonce = os.urandom(_NONCE_LENGTH)
    return _SUITE_AES_256_GCM + nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def decrypt(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return the text; raise CiphertextRejectedError unless all three belong together."""
    if len(sealed) < _HEADER_LENGTH + _TAG_LENGTH or sealed[:1] != _SUITE_AES_256_GCM:
        raise CiphertextRejectedError("not a sealed record of a known suite")
    nonce = sealed[1:_HEADER_LENGTH]
    try:
        return AESGCM(key).decrypt(nonce, sealed[_HEADER_LENGTH:], context)
    except InvalidTag as error:
        raise CiphertextRejectedError("wrong key, context or text") from error
