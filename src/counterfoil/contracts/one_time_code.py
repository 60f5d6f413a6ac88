"""One-time codes: six digits that confirm one text, kept as a keyed hash and tried a few times.

Invariant   A code is bound to its customer, contract and the hash of the text that it confirms. It
            is stored as HMAC-SHA-256 only: six digits would not survive a plain hash.
Bounds      Five attempts a code, ten codes a contract, five minutes each.
Follows     RFC 2104 (HMAC).
"""

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.contracts.refusals import CODE_EXPIRED, CODE_WRONG
from counterfoil.kernel.errors import Refused, refuse

DIGITS: Final = 6
ATTEMPTS_MAX: Final = 5
ISSUED_MAX: Final = 10
VALID_FOR: Final = timedelta(minutes=5)


class StoredCode(NamedTuple):
    """A code as it is kept; the order of the fields is that of the query which loads it."""

    customer_id: int
    contract_id: int
    mac: bytes
    issued_at: datetime
    expires_at: datetime
    #: Attempts so far, the present one included.
    attempts: int
    issued_count: int = 1
    used_at: datetime | None = None


def new_code() -> str:
    """Return six digits from the operating system's randomness."""
    return str(secrets.randbelow(10**DIGITS)).rjust(DIGITS, "0")


def mac_of(key: bytes, customer_id: int, contract_id: int, sha256: bytes, code: str) -> bytes:
    """Return what is kept of a code that confirms a text."""
    message = b"counterfoil/code/v1\0%d\0%d\0%b\0%b" % (
        customer_id,
        contract_id,
        sha256,
        code.encode(),
    )
    return hmac.digest(key, message, "sha256")


def refuse_code(stored: StoredCode | None, mac: bytes, now: datetime) -> Refused | None:
    """Refuse a code that is late, used up or wrong; `stored` counts the present attempt."""
    if stored is None or stored.used_at is not None or now > stored.expires_at:
        return refuse(CODE_EXPIRED)
    if stored.attempts > ATTEMPTS_MAX:
        return refuse(CODE_EXPIRED)
    if not hmac.compare_digest(stored.mac, mac):
        return refuse(CODE_WRONG, attempts_left=ATTEMPTS_MAX - stored.attempts)
    return None
