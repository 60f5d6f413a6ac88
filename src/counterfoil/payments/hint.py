"""What somebody says who may be the rail: believed in nothing, it only brings a question forward.

Signature   Standard Webhooks 1.0.0: identifier, time and body under HMAC-SHA-256 with the rail's
            key, at most five minutes old. A signed callback is a hint all the same: what happened
            is what the rail says when it is asked.
Repetition  The same callback again, a late one and one that contradicts bring a question forward
            at most; the rail's answer decides, and what is finished stays finished.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import orjson

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments import debit_store, refusals, store
from counterfoil.payments.debit_port import DEBIT_RAIL
from counterfoil.payments.order import payment_id_of
from counterfoil.payments.rail import VERIFICATIONS_MAX

# house: allow database-reach – one question on a connection of its own; SQL is the store's
from counterfoil.platform.database import Database

#: Headers of a signed callback.
ID_HEADER: Final = "webhook-id"
TIME_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

#: How old, or how far ahead, a callback may be.
TOLERANCE: Final = timedelta(minutes=5)


async def take_hint(
    database: Database, reference: str, *, now: datetime, rail: str | None = None
) -> bool:
    """Ask sooner about a payment that a callback mentions; False where there is no need.

    `rail` is whoever sent it: that of debits is heard about debits, every other about payouts.
    """
    payment_id = payment_id_of(reference)
    if payment_id is None:
        return False
    async with database.connection() as connection:
        if rail == DEBIT_RAIL:
            return await debit_store.hint(
                connection, rail=rail, debit_id=payment_id, now=now, hints_max=VERIFICATIONS_MAX
            )
        return await store.hint(
            connection, payment_id=payment_id, now=now, hints_max=VERIFICATIONS_MAX
        )


def sign_callback(key: bytes, identifier: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a callback, as its header bears it."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return f"v1,{b64encode(hmac.digest(key, signed, sha256)).decode()}"


def read_callback(
    key: bytes, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> str | Refused:
    """Return the reference that a rail's signed callback mentions; nothing else of it is read."""
    if not _is_signed(key, headers, body, now):
        return refuse(refusals.CALLBACK_SIGNATURE_INVALID)
    try:
        reference = orjson.loads(body)["reference"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return refuse(refusals.CALLBACK_INVALID)
    return reference if isinstance(reference, str) else refuse(refusals.CALLBACK_INVALID)


def _is_signed(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    identifier, timestamp = headers.get(ID_HEADER, ""), headers.get(TIME_HEADER, "")
    if not identifier or not (timestamp.isascii() and timestamp.isdecimal()):
        return False
    if abs(int(timestamp) - int(now.timestamp())) > TOLERANCE.total_seconds():
        return False
    right = sign_callback(key, identifier, timestamp, body).encode()
    given = headers.get(SIGNATURE_HEADER, "").split()
    # During a change of keys the other side signs by both.
    return any(hmac.compare_digest(right, one.encode()) for one in given)
