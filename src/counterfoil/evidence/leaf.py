"""A leaf of the evidence log as a commitment that reveals nothing by itself.

Follows     commitment = SHA-256("counterfoil/leaf/v1" || type || salt || body), where the body is
            canonical JSON (RFC 8785) and the salt 32 random bytes, one a leaf. Whoever is handed
            type, salt and body can check the commitment; nobody else learns anything from it.
"""

from enum import IntEnum
from hashlib import sha256
from typing import Final

DOMAIN: Final = b"counterfoil/leaf/v1"
SALT_BYTES: Final = 32


class LeafType(IntEnum):
    """What a leaf is about."""

    DECISION = 8
    LIMIT_CHANGE = 10
    MONEY_MOVEMENT = 11


_PREFIXES: Final = {kind: DOMAIN + bytes([kind]) for kind in LeafType}


def commitment(kind: LeafType, salt: bytes, body: bytes) -> bytes:
    """Return the commitment to a canonical body."""
    return sha256(_PREFIXES[kind] + salt + body).digest()
