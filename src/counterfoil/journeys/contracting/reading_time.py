"""How long a text was before a customer's eyes: measured here, never told by a browser.

The way     With the text goes a ticket that says when it was shown, to whom, and which text; it
            comes back with the confirmation. What lies between is the reading time.
Invariant   A ticket counts for its customer and its text alone, and nobody without the key of the
            installation can write one.
Form        Milliseconds, 16 random bytes, HMAC-SHA-256 over both with customer and text; base64url.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.journeys.house import House

#: A page that was open for longer is shown again.
READING_MAX: Final = timedelta(hours=1)
_NONCE_BYTES: Final = 16
_MAC_BYTES: Final = 32
_MS: Final = struct.Struct(">Q")
_MILLISECOND: Final = timedelta(milliseconds=1)


class ReadingTime(NamedTuple):
    """A text as it was shown."""

    shown_at: datetime
    read_at: datetime
    #: Of the showing itself: one showing, one decision.
    screen_sha256: bytes

    @property
    def dwell_ms(self) -> int:
        """Return the reading time."""
        return (self.read_at - self.shown_at) // _MILLISECOND


def begin_reading(house: House, customer_id: int, sha256: bytes) -> str:
    """Return the ticket of a text that is shown now."""
    head = _MS.pack(_ms(house.wall.now())) + secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(head + _mac(house, customer_id, sha256, head)).decode()


def end_reading(house: House, customer_id: int, sha256: bytes, ticket: str) -> ReadingTime | None:
    """Return how long the text was shown; None for a ticket of another text, or too old a one."""
    try:
        raw = base64.b64decode(ticket, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    head, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(head) != _MS.size + _NONCE_BYTES:
        return None
    if not hmac.compare_digest(mac, _mac(house, customer_id, sha256, head)):
        return None
    shown = datetime.fromtimestamp(0, UTC) + _MS.unpack_from(head)[0] * _MILLISECOND
    now = house.wall.now()
    if not shown <= now < shown + READING_MAX:
        return None
    return ReadingTime(shown, now, hashlib.sha256(raw).digest())


def _mac(house: House, customer_id: int, sha256: bytes, head: bytes) -> bytes:
    message = b"counterfoil/reading/v1\0%d\0%b%b" % (customer_id, sha256, head)
    return hmac.digest(house.code_key, message, "sha256")


def _ms(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // _MILLISECOND
