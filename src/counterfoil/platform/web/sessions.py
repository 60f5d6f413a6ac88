"""Who is signed in: a signed cookie that ends by itself, and a few preferences.

Invariant   A cookie that was changed, made with another key or is past its end is no session.
            Cookies are `__Host-`, `Secure`, `HttpOnly` and `SameSite=Lax`; only on a loopback
            address without TLS, where browsers differ in what they accept, the first two fall.
Follows     RFC 6265bis (cookie prefixes), RFC 2104 (HMAC) with SHA-256.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

#: Half a working day; after it the operator signs in again.
SESSION_LIFE: Final = timedelta(hours=4)

_PREFERENCE_SECONDS: Final = 365 * 24 * 3600
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_VERSION: Final = "1"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An operator's sign-in."""

    operator: str
    role: str
    #: Keys the tokens of this session's forms.
    secret: bytes
    ends_at: datetime

    @property
    def signed_in_at(self) -> datetime:
        """Return when it began, to the second."""
        return self.ends_at - SESSION_LIFE


def seal(session: Session, key: bytes) -> str:
    """Return the session as the value of a cookie."""
    fields = {
        "o": session.operator,
        "r": session.role,
        "s": session.secret.hex(),
        "e": int(session.ends_at.timestamp()),
    }
    body = base64.urlsafe_b64encode(json.dumps(fields, sort_keys=True).encode()).decode()
    return f"{_VERSION}.{body}.{_signature(body, key)}"


def unseal(text: str, key: bytes, *, now: datetime) -> Session | None:
    """Return the session of a cookie's value, None if it is not one or has ended."""
    version, _, rest = text.partition(".")
    body, _, signature = rest.partition(".")
    expected = _signature(body, key).encode()
    if version != _VERSION or not hmac.compare_digest(signature.encode(), expected):
        return None
    try:
        fields = json.loads(base64.urlsafe_b64decode(body))
    except (ValueError, binascii.Error):
        return None
    ends_at = datetime.fromtimestamp(fields["e"], UTC)
    if ends_at <= now:
        return None
    return Session(
        operator=fields["o"],
        role=fields["r"],
        secret=bytes.fromhex(fields["s"]),
        ends_at=ends_at,
    )


def load_key(path: Path) -> bytes:
    """Return the key that signs sessions; made on first use, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


def is_plain_loopback(scheme: str, host: str) -> bool:
    """Return whether the site is being tried out on this machine without TLS."""
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return scheme == "http" and name in _LOOPBACK


def cookie_name(name: str, *, plain: bool) -> str:
    """Return the full name of one of our cookies."""
    return f"counterfoil-{name}" if plain else f"__Host-counterfoil-{name}"


def cookie_header(name: str, value: str, *, plain: bool, lasting: bool = False) -> str:
    """Return the value of a Set-Cookie header; an empty value removes the cookie."""
    parts = [f"{cookie_name(name, plain=plain)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if not plain:
        parts.append("Secure")
    if not value:
        parts.append("Max-Age=0")
    elif lasting:
        parts.append(f"Max-Age={_PREFERENCE_SECONDS}")
    return "; ".join(parts)


def _signature(body: str, key: bytes) -> str:
    digest = hmac.new(key, f"session.{body}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
