"""The vault: seals and opens records of personal data, and computes what they are found by.

Invariant   Every record has a data key of its customer and purpose; the key is stored only
            wrapped. Without the key service nothing opens and nothing new is sealed; the
            refusal says so and loses nothing.
Order       Seal first, outside any transaction (the key service may be far away); store then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson

from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.privacy import blind_index, envelope
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.port import (
    IndexSecret,
    KeyRejectedError,
    KeyServiceUnavailableError,
    KeyWrapper,
    PlainKey,
    WrappedKey,
)
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED, KEY_SERVICE_UNAVAILABLE


class Purpose(StrEnum):
    """What personal data is kept for; each has its own data key."""

    IDENTITY = "identity"
    CONTACT = "contact"
    PAYOUT = "payout"


#: The set of fields that is written today, by purpose; older sets stay readable by their name.
FIELD_SETS: Mapping[Purpose, str] = {
    Purpose.IDENTITY: "identity.1",
    Purpose.CONTACT: "contact.1",
    Purpose.PAYOUT: "payout.1",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClearRecord:
    """Personal data in the clear; it never shows itself in a log."""

    customer_id: int
    purpose: Purpose
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRecord:
    """Personal data as it is stored, with its wrapped key."""

    customer_id: int
    purpose: Purpose
    field_set: str
    ciphertext: bytes
    wrapped_by: str
    wrapped_key: bytes


class Vault:
    """Seals and opens; holds no data and no key between two calls."""

    def __init__(self, wrapper: KeyWrapper, index_secret: IndexSecret) -> None:
        """Take the two parts of the key service."""
        self._wrapper = wrapper
        self._index_secret = index_secret

    async def seal(self, records: Sequence[ClearRecord]) -> list[SealedRecord]:
        """Return the sealed form of records, each under a new data key."""
        keys = [
            PlainKey(envelope.new_key(), _context("key", record.customer_id, record.purpose, ""))
            for record in records
        ]
        try:
            wrapped = await self._wrapper.wrap(keys)
        except KeyServiceUnavailableError as error:
            raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE)) from error
        return [
            _sealed(record, key.key, wrap)
            for record, key, wrap in zip(records, keys, wrapped, strict=True)
        ]

    async def open(self, records: Sequence[SealedRecord]) -> list[ClearRecord]:
        """Return records in the clear."""
        wrapped = [
            WrappedKey(
                record.wrapped_by,
                record.wrapped_key,
                _context("key", record.customer_id, record.purpose, ""),
            )
            for record in records
        ]
        try:
            keys = await self._wrapper.unwrap(wrapped)
            return [_opened(record, key) for record, key in zip(records, keys, strict=True)]
        except KeyServiceUnavailableError as error:
            raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE)) from error
        except (KeyRejectedError, envelope.CiphertextRejectedError) as error:
            raise RefusedError(refuse(CIPHERTEXT_REJECTED)) from error

    async def digests(self, kind: IndexKind, values: Sequence[str]) -> list[bytes]:
        """Return the digests by which values in their normal form are found."""
        try:
            secret = await self._index_secret.read()
        except KeyServiceUnavailableError as error:
            raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE)) from error
        key = blind_index.derive_key(secret, kind)
        return [blind_index.digest_of(key, value) for value in values]


def _context(kind: str, customer_id: int, purpose: Purpose, field_set: str) -> bytes:
    """Return what a ciphertext is bound to; no part can contain the separator."""
    return f"counterfoil.privacy\0{kind}\0{customer_id}\0{purpose.value}\0{field_set}".encode()


def _sealed(record: ClearRecord, key: bytes, wrapped: WrappedKey) -> SealedRecord:
    field_set = FIELD_SETS[record.purpose]
    context = _context("record", record.customer_id, record.purpose, field_set)
    text = orjson.dumps(dict(record.fields), option=orjson.OPT_SORT_KEYS)
    return SealedRecord(
        customer_id=record.customer_id,
        purpose=record.purpose,
        field_set=field_set,
        ciphertext=envelope.encrypt(key, text, context),
        wrapped_by=wrapped.wrapped_by,
        wrapped_key=wrapped.blob,
    )


def _opened(record: SealedRecord, key: bytes) -> ClearRecord:
    context = _context("record", record.customer_id, record.purpose, record.field_set)
    text = envelope.decrypt(key, record.ciphertext, context)
    return ClearRecord(
        customer_id=record.customer_id, purpose=record.purpose, fields=orjson.loads(text)
    )
