"""Finds a person by a number without storing it: a keyed digest of its normal form.

Form        HMAC-SHA-256 of the normalised value, cut to 16 bytes. The key is derived from a
            secret of its own, by kind: the digest of a phone number says nothing about that of
            an identity number, and neither can be computed from the database alone.
Follows     RFC 2104 (HMAC), RFC 5869 (HKDF).
"""

import hashlib
import hmac
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DIGEST_LENGTH: Final = 16
_KEY_LENGTH: Final = 32


class IndexKind(StrEnum):
    """What can be searched for."""

    ID_NUMBER = "id_number"
    PHONE = "phone"
    #: Who sent money; compared with a customer's name, and not searched for.
    PAYER = "payer"


def derive_key(secret: bytes, kind: IndexKind) -> bytes:
    """Return the key of one kind of index."""
    info = f"counterfoil/blind-index/1/{kind.value}".encode()
    return HKDF(algorithm=SHA256(), length=_KEY_LENGTH, salt=None, info=info).derive(secret)


def digest_of(key: bytes, value: str) -> bytes:
    """Return the digest of a value in its normal form."""
    return hmac.new(key, value.encode(), hashlib.sha256).digest()[:DIGEST_LENGTH]
