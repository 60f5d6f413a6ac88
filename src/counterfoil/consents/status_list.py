"""Withdrawals as a bitmap: one bit a consent, cheap for a recipient to fetch and to ask.

Form        Position n is bit n mod 8, counted from the least significant, of byte n div 8; 0 says
            that the consent was not withdrawn, 1 that it was. The bytes are compressed with ZLIB
            and written in base64url without padding.
Privacy     A list says how many consents there are and how many were withdrawn, nothing else; a
            position is told to the recipient of its consent alone.
Follows     OAuth Token Status List (draft-ietf-oauth-status-list): bits = 1, DEFLATE in ZLIB at the
            highest level, the claims `status_list`, `sub`, `iat`, `exp`, `ttl`.
"""

import base64
import zlib
from collections.abc import Iterable
from typing import Final

#: Consents in one list: 128 KiB before compression.
POSITIONS: Final = 1 << 20
#: Longest time for which a recipient may go on with what it fetched.
TTL_SECONDS: Final = 60
_LEVEL: Final = 9
_BITS_PER_BYTE: Final = 8


def encode(withdrawn: Iterable[int], size: int) -> str:
    """Return the bitmap of a list in which some positions below `size` are withdrawn."""
    bitmap = bytearray(-(-size // _BITS_PER_BYTE))
    for position in withdrawn:
        bitmap[position // _BITS_PER_BYTE] |= 1 << position % _BITS_PER_BYTE
    packed = zlib.compress(bytes(bitmap), _LEVEL)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def claims(uri: str, withdrawn: Iterable[int], size: int, now: int) -> dict[str, object]:
    """Return what a list states, as it stands under its address and in a signed token."""
    return {
        "exp": now + TTL_SECONDS,
        "iat": now,
        "status_list": {"bits": 1, "lst": encode(withdrawn, size)},
        "sub": uri,
        "ttl": TTL_SECONDS,
    }
