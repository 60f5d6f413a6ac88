"""Time-based one-time passwords: what an authenticator app shows, for a secret both sides have.

Follows     RFC 6238 and RFC 4226: HMAC-SHA-1, steps of 30 seconds since 1970, six digits; the key
            URI as authenticator apps read it. SHA-1 is what the apps can do; HMAC does not depend
            on its resistance to collisions.
"""

import base64
import hmac
from typing import Final
from urllib.parse import quote, urlencode

STEP_SECONDS: Final = 30
DIGITS: Final = 6
#: Steps before and after the present one whose codes are taken: a clock may be half a minute off.
WINDOW: Final = 1
#: As long as the digest (RFC 4226, section 4).
SECRET_BYTES: Final = 20


def step_at(seconds: float) -> int:
    """Return the number of the step at an instant, in seconds since 1970."""
    return int(seconds) // STEP_SECONDS


def code_at(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """Return the code of a step."""
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def matching_step(secret: bytes, code: str, seconds: float, *, after: int) -> int | None:
    """Return the step whose code this is, within the window and after the last one used."""
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return None
    now = step_at(seconds)
    found = None
    for step in range(now - WINDOW, now + WINDOW + 1):
        # All are compared, so that the time taken does not tell which one it was.
        if hmac.compare_digest(code_at(secret, step), code) and step > after:
            found = step
    return found


def key_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """Return what the picture carries that an app reads."""
    fields = {
        "secret": key_text(secret),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_SECONDS,
    }
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{urlencode(fields, quote_via=quote)}"


def key_text(secret: bytes) -> str:
    """Return a secret as people type it into an app that cannot read the picture."""
    return base64.b32encode(secret).decode().rstrip("=")
