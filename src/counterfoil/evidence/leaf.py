"""A leaf of the evidence log: a commitment that reveals nothing by itself.

Follows     entry      = 0x01 || type || commitment, 34 bytes
            commitment = SHA-256("counterfoil/leaf/v1" || type || salt || body), where the body is
            canonical JSON (RFC 8785) and the salt 32 random bytes, one a leaf.
            Whoever is handed type, salt and body can check the commitment; nobody else learns
            anything from it.
"""

from enum import IntEnum
from hashlib import sha256
from typing import Final

DOMAIN: Final = b"counterfoil/leaf/v1"
SALT_BYTES: Final = 32
#: First byte of an entry; another layout would bear another number.
ENTRY_VERSION: Final = b"\x01"
ENTRY_BYTES: Final = 34


class LeafType(IntEnum):
    """What a leaf is about."""

    PADDING = 0
    CONSENT_GIVEN = 1
    CONSENT_WITHDRAWN = 2
    INQUIRY_INTENT = 3
    INQUIRY_OUTCOME = 4
    OPENED = 5
    ERASED = 6
    KEY_CHANGE = 7
    DECISION = 8
    CONTRACT = 9
    LIMIT_CHANGE = 10
    MONEY_MOVEMENT = 11
    BUREAU_REPORT = 12
    CONTACT = 13
    PUBLICATION = 14
    APPROVAL = 15


_PREFIXES: Final = {kind: DOMAIN + bytes([kind]) for kind in LeafType}
_ENTRY_PREFIXES: Final = {kind: ENTRY_VERSION + bytes([kind]) for kind in LeafType}


def commitment(kind: LeafType, salt: bytes, body: bytes) -> bytes:
    """Return the commitment to a canonical body."""
    return sha256(_PREFIXES[kind] + salt + body).digest()


def entry(kind: LeafType, committed: bytes) -> bytes:
    """Return what stands in the log for a commitment."""
    return _ENTRY_PREFIXES[kind] + committed
