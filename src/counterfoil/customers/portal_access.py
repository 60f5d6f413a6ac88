"""Customers at the portal: how long a session lasts, and the tokens of sessions and links.

Form        A token is 48 bytes in base64url: customer, session, 32 random bytes. Customer and
            session find the row; the digest of the whole decides.
Invariant   Nothing but the digest of a token is stored. A link opens one session, once, and the
            session has a token of its own.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

SECRET_BYTES: Final = 32
#: A phone is put away without signing out.
IDLE_MAX: Final = timedelta(minutes=15)
SESSION_LIFE: Final = timedelta(hours=2)
#: A session for one act ends sooner.
ACT_LIFE: Final = timedelta(minutes=30)
LINK_LIFE: Final = timedelta(minutes=10)
#: How long customers see their former sign-ins.
KEPT_FOR: Final = timedelta(days=90)

#: Codes a customer may be sent in an hour and in a day, whoever asks.
CODES_PER_HOUR: Final = 5
CODES_PER_DAY: Final = 10

_NUMBERS: Final = struct.Struct(">QQ")


class Token(NamedTuple):
    """A token taken apart."""

    customer_id: int
    session_id: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSession:
    """A customer's session."""

    customer_id: int
    session_id: int
    #: Empty for everything; otherwise `act` or `act:record`.
    scope: str
    #: Address of whoever sent the customer here; empty where nobody did.
    return_to: str
    made_at: datetime
    #: None where it is a link that was not opened.
    opened_at: datetime | None
    seen_at: datetime
    ends_at: datetime
    ended_at: datetime | None

    @property
    def is_whole(self) -> bool:
        """Return whether the customer signed in, for everything."""
        return not self.scope

    def is_open(self, now: datetime) -> bool:
        """Return whether it can be used: opened, not ended, neither idle nor too old."""
        if self.opened_at is None or self.ended_at is not None or now >= self.ends_at:
            return False
        return now - self.seen_at < IDLE_MAX

    def allows(self, act: str, record: str = "") -> bool:
        """Return whether the session is for an act, or for everything."""
        return self.is_whole or self.scope in (act, f"{act}:{record}")


def write_token(customer_id: int, session_id: int, secret: bytes) -> str:
    """Return the token of a session or a link; `secret` is `SECRET_BYTES` long."""
    assert len(secret) == SECRET_BYTES
    return base64.urlsafe_b64encode(_NUMBERS.pack(customer_id, session_id) + secret).decode()


def read_token(text: str) -> Token | None:
    """Return what a token says, None where it cannot be one."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _NUMBERS.size + SECRET_BYTES:
        return None
    customer_id, session_id = _NUMBERS.unpack_from(raw)
    if max(customer_id, session_id) >= 2**63:
        return None
    return Token(customer_id, session_id, hashlib.sha256(text.encode()).digest())


def form_secret(token: str) -> bytes:
    """Return the secret under which the forms of a session are marked as its own."""
    return hashlib.sha256(b"counterfoil/portal-forms/v1\0" + token.encode()).digest()
