"""Authenticated encryption of one record under one key, bound to where it belongs.

Form        version (1 byte, 2) | suite (1) | key id (4) | nonce (12) | ciphertext | tag (16).
            The first release wrote suite | nonce | ciphertext | tag, with AES-256-GCM alone; its
            records begin with 1 and stay readable.
Key id      The first four bytes of a digest of the key that opens it, so that a wrong key is told
            from a damaged text without saying anything of the key.
Context     Goes in as associated data together with the whole header: a record moved to another
            row, column, customer or purpose does not open, and neither does one whose suite was
            altered. `place` writes the context of a row.
Suites      1 AES-256-GCM (NIST SP 800-38D), 2 SM4-GCM (GB/T 32907, RFC 8998) under a key derived
            from the same 32 bytes, 3 AES-256-GCM-SIV (RFC 8452). A reader knows every suite that
            was ever written, so the choice can change at any time.
Bounds      Nonces are random: one key may carry 2^32 records at most, a data key carries what one
            customer leaves behind, a key-encryption key is replaced long before.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

KEY_LENGTH: Final = 32
_VERSION: Final = 2
_FIRST_VERSION: Final = b"\x01"
_KEY_ID_LENGTH: Final = 4
_NONCE_LENGTH: Final = 12
_TAG_LENGTH: Final = 16
_HEADER_LENGTH: Final = 2 + _KEY_ID_LENGTH
_OVERHEAD: Final = _HEADER_LENGTH + _NONCE_LENGTH + _TAG_LENGTH
_FIRST_OVERHEAD: Final = 1 + _NONCE_LENGTH + _TAG_LENGTH


class Suite(IntEnum):
    """By what a text is sealed; its number stands in the second byte."""

    AES_256_GCM = 1
    SM4_GCM = 2
    AES_256_GCM_SIV = 3


class CiphertextRejectedError(Exception):
    """Wrong key, tag, context or suite, or the text was cut short."""

    def __init__(self, reason: str) -> None:
        """Take a stable reason; nothing of the text or the key is in it."""
        super().__init__(reason)
        self.reason: Final = reason


def new_key() -> bytes:
    """Return a fresh data key from the operating system's randomness."""
    return os.urandom(KEY_LENGTH)


def place(table: str, column: str, row: int | str, customer_id: int, purpose: str) -> bytes:
    """Return the context of a column of a row; no part can contain the separator."""
    return f"counterfoil.place\0{table}\0{column}\0{row}\0{customer_id}\0{purpose}".encode()


def is_of_first_version(sealed: bytes) -> bool:
    """Return whether a text was sealed by the first release, in its shorter form."""
    return sealed[:1] == _FIRST_VERSION


_Run = Callable[[bytes, bytes, bytes], bytes]


class Sealer:
    """One key, ready for many texts: what a caller keeps for seconds, never longer."""

    __slots__ = ("_key", "_key_id", "_openers", "_sealers")

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 bytes."""
        assert len(key) == KEY_LENGTH, "a key has 32 bytes"
        self._key = key
        self._key_id = hashlib.sha256(b"counterfoil/key-id/1" + key).digest()[:_KEY_ID_LENGTH]
        self._sealers: dict[int, _Run] = {}
        self._openers: dict[int, _Run] = {}

    def encrypt(self, plaintext: bytes, context: bytes, suite: Suite = Suite.AES_256_GCM) -> bytes:
        """Return the sealed form of a text."""
        seal = self._sealers.get(suite) or self._prepared(suite)[0]
        header = bytes((_VERSION, suite)) + self._key_id
        nonce = os.urandom(_NONCE_LENGTH)
        return header + nonce + seal(nonce, plaintext, header + context)

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """Return the text; raise CiphertextRejectedError unless all of it belongs together."""
        suite, start, bound = self._header(sealed, context)
        opened = self._openers.get(suite) or self._prepared(suite)[1]
        middle = start + _NONCE_LENGTH
        try:
            return opened(sealed[start:middle], sealed[middle:], bound)
        except InvalidTag as error:
            raise CiphertextRejectedError("wrong_key_context_or_text") from error

    def _header(self, sealed: bytes, context: bytes) -> tuple[int, int, bytes]:
        """Return the suite, where the nonce begins, and the associated data."""
        if is_of_first_version(sealed):
            if len(sealed) < _FIRST_OVERHEAD:
                raise CiphertextRejectedError("truncated")
            return Suite.AES_256_GCM, 1, context
        if sealed[:1] != bytes((_VERSION,)):
            raise CiphertextRejectedError("unknown_version")
        if len(sealed) < _OVERHEAD:
            raise CiphertextRejectedError("truncated")
        if sealed[1] not in _KNOWN:
            raise CiphertextRejectedError("unknown_suite")
        if sealed[2:_HEADER_LENGTH] != self._key_id:
            raise CiphertextRejectedError("another_key")
        return sealed[1], _HEADER_LENGTH, sealed[:_HEADER_LENGTH] + context

    def _prepared(self, suite: int) -> tuple[_Run, _Run]:
        seal, opened = _runs(Suite(suite), self._key)
        self._sealers[suite], self._openers[suite] = seal, opened
        return seal, opened


_KNOWN: Final = frozenset(int(suite) for suite in Suite)


def encrypt(
    key: bytes, plaintext: bytes, context: bytes, suite: Suite = Suite.AES_256_GCM
) -> bytes:
    """Return the sealed form of a text."""
    return Sealer(key).encrypt(plaintext, context, suite)


def decrypt(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return the text; raise CiphertextRejectedError unless all three belong together."""
    return Sealer(key).decrypt(sealed, context)


def _runs(suite: Suite, key: bytes) -> tuple[_Run, _Run]:
    if suite is Suite.SM4_GCM:
        # SM4 takes 16 bytes; a derived key keeps the two ciphers from ever sharing one.
        return _sm4_gcm(hmac.digest(key, b"counterfoil/suite/2", "sha256")[:16])
    cipher = AESGCM(key) if suite is Suite.AES_256_GCM else AESGCMSIV(key)
    return cipher.encrypt, cipher.decrypt


def _sm4_gcm(key: bytes) -> tuple[_Run, _Run]:
    algorithm = algorithms.SM4(key)

    def seal(nonce: bytes, plaintext: bytes, bound: bytes) -> bytes:
        run = Cipher(algorithm, modes.GCM(nonce)).encryptor()
        run.authenticate_additional_data(bound)
        return run.update(plaintext) + run.finalize() + run.tag

    def opened(nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
        run = Cipher(algorithm, modes.GCM(nonce, sealed[-_TAG_LENGTH:])).decryptor()
        run.authenticate_additional_data(bound)
        return run.update(sealed[:-_TAG_LENGTH]) + run.finalize()

    return seal, opened
