"""The vault: seals and opens records of personal data, and computes what they are found by.

Invariant   Every record has a data key of its customer and purpose; the key is stored only
            wrapped. Without the key service nothing opens and nothing new is sealed; the
            refusal says so and loses nothing.
Purpose     Whoever opens anything says for which purpose of the register of fields. A field that
            is not kept for it stays closed: the read is refused, and told to who keeps the trail.
Order       Seal first, outside any transaction (the key service may be far away); store then.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import orjson

from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.access_matrix import Reading
from counterfoil.platform.telemetry import logger
from counterfoil.privacy import blind_index, envelope
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.data_register import load_register
from counterfoil.privacy.envelope import Sealer, Suite
from counterfoil.privacy.port import (
    IndexSecret,
    KeyRejectedError,
    KeyServiceUnavailableError,
    KeyWrapper,
    PlainKey,
    WrappedKey,
)
from counterfoil.privacy.refusals import (
    CIPHERTEXT_REJECTED,
    KEY_SERVICE_UNAVAILABLE,
    READ_OUTSIDE_PURPOSE,
)
from counterfoil.privacy.rejections import Rejections

T = TypeVar("T")
_LOG: Final = logger("counterfoil.privacy")


class Purpose(StrEnum):
    """What personal data is kept for; each has its own data key."""

    IDENTITY = "identity"
    CONTACT = "contact"
    PAYOUT = "payout"
    #: Salts and bodies of leaves of the log.
    EVIDENCE = "evidence"
    #: A credit bureau's report.
    REPORT = "report"
    #: What binds a consent to a person: the salt of the commitment.
    SUBJECT = "subject"
    #: Signed contracts and what proves their signatures.
    CONTRACT = "contract"
    #: Account statements that prove an income.
    STATEMENT = "statement"


#: The customer whose keys seal what belongs to the lender itself.
HOUSE: Final = 0

#: The set of fields that is written today, by purpose; older sets stay readable by their name.
FIELD_SETS: Mapping[Purpose, str] = {
    Purpose.IDENTITY: "identity.1",
    Purpose.CONTACT: "contact.2",
    Purpose.PAYOUT: "payout.1",
    Purpose.EVIDENCE: "evidence.1",
    Purpose.REPORT: "report.1",
    Purpose.SUBJECT: "subject.1",
    Purpose.CONTRACT: "contract.1",
    Purpose.STATEMENT: "statement.1",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A data key as it is stored."""

    customer_id: int
    purpose: Purpose
    wrapped_by: str
    wrapped_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRead:
    """A read for a purpose for which what was to be read is not kept."""

    reading: Reading
    purpose: Purpose
    #: In ascending order, each once.
    customer_ids: tuple[int, ...]


#: Writes down that a read was refused, whatever becomes of the transaction around it.
NoteRefusedRead = Callable[[RefusedRead], Awaitable[None]]


async def _note_nowhere(refused: RefusedRead) -> None:
    """Stand in where no house is open that keeps a trail."""
    _LOG.warning("read refused", act=refused.reading.act, purpose=refused.reading.purpose)


class Vault:
    """Seals and opens; holds no data and no key between two calls."""

    def __init__(
        self,
        wrapper: KeyWrapper,
        index_secret: IndexSecret,
        suite: Suite = Suite.AES_256_GCM,
    ) -> None:
        """Take the two parts of the key service and what is sealed by from now on."""
        self.wrapper: Final = wrapper
        self.index_secret: Final = index_secret
        self.suite: Final = suite
        self.rejections: Final = Rejections()
        self.note_refused_read: NoteRefusedRead = _note_nowhere

    async def seal(self, records: Sequence[ClearRecord]) -> list[SealedRecord]:
        """Return the sealed form of records, each under a new data key."""
        made = await self.new_keys([(record.customer_id, record.purpose) for record in records])
        return [
            _sealed(record, key, wrapped, self.suite)
            for record, (key, wrapped) in zip(records, made, strict=True)
        ]

    async def seal_in_place(self, record: ClearRecord, of: SealedRecord) -> SealedRecord:
        """Return a record sealed under the key of the one whose place it takes."""
        row = KeyRow(
            customer_id=of.customer_id,
            purpose=of.purpose,
            wrapped_by=of.wrapped_by,
            wrapped_key=of.wrapped_key,
        )
        [key] = await self._unwrap([row])
        return _sealed(record, key, _wrapped(row), self.suite)

    async def open(
        self,
        records: Sequence[SealedRecord],
        reading: Reading,
        fields: Collection[str] | None = None,
    ) -> list[ClearRecord]:
        """Return the fields that are wanted of one customer's records; all of them by default.

        Refuses with `read_outside_purpose` where one of them is not kept for what it is read for,
        and with `ciphertext_rejected` where one of them is damaged. Records of several customers
        are opened by `open_each`: what is damaged is its owner's trouble alone.
        """
        if len({record.customer_id for record in records}) > 1:
            raise ValueError("records of several customers are opened each by itself")
        opened = await self.open_each(records, reading, fields)
        clear = [record for record in opened if record is not None]
        if len(clear) != len(opened):
            raise RefusedError(refuse(CIPHERTEXT_REJECTED))
        return clear

    async def open_each(
        self,
        records: Sequence[SealedRecord],
        reading: Reading,
        fields: Collection[str] | None = None,
    ) -> list[ClearRecord | None]:
        """Return what `open` does, None in the place of each record that is damaged; counted."""
        owners = [(record.customer_id, record.purpose) for record in records]
        await self._let_in(reading, owners, fields)
        keys = await self._unwrap_each(
            [
                KeyRow(
                    customer_id=record.customer_id,
                    purpose=record.purpose,
                    wrapped_by=record.wrapped_by,
                    wrapped_key=record.wrapped_key,
                )
                for record in records
            ]
        )
        opened: list[ClearRecord | None] = []
        for record, key in zip(records, keys, strict=True):
            try:
                opened.append(None if key is None else _opened(record, key, fields))
            except envelope.CiphertextRejectedError as error:
                self.rejections.note(error.reason)
                opened.append(None)
        return opened

    def unseal(self, sealer: Sealer, sealed: bytes, place: bytes) -> bytes:
        """Return a text that another room keeps under a key that was asked for here.

        Refuses with `ciphertext_rejected` where key, tag, place or length are wrong; counted.
        """
        try:
            return sealer.decrypt(sealed, place)
        except envelope.CiphertextRejectedError as error:
            self.rejections.note(error.reason)
            raise RefusedError(refuse(CIPHERTEXT_REJECTED)) from error

    async def new_keys(
        self, owners: Sequence[tuple[int, Purpose]]
    ) -> list[tuple[bytes, WrappedKey]]:
        """Return a new data key for each customer and purpose, in clear and wrapped."""
        keys = [PlainKey(envelope.new_key(), key_context(*owner)) for owner in owners]
        try:
            wrapped = await self.wrapper.wrap(keys)
        except KeyServiceUnavailableError as error:
            raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE)) from error
        return [(key.key, wrap) for key, wrap in zip(keys, wrapped, strict=True)]

    async def unwrap_keys(self, rows: Sequence[KeyRow], reading: Reading) -> list[bytes | None]:
        """Return data keys in clear, to be held for seconds; they open all that is sealed by them.

        None stands for a key that is damaged; it is counted, and the others are given all the same.
        Refuses with `read_outside_purpose` as `open` does.
        """
        await self._let_in(reading, [(row.customer_id, row.purpose) for row in rows], None)
        return await self._unwrap_each(rows)

    async def _let_in(
        self,
        reading: Reading,
        owners: Sequence[tuple[int, Purpose]],
        fields: Collection[str] | None,
    ) -> None:
        """Refuse a read of what is not kept for its purpose, and have that written down."""
        for purpose in {purpose for _, purpose in owners}:
            if may_read(reading, purpose, fields):
                continue
            concerned = sorted({customer_id for customer_id, kept in owners if kept is purpose})
            await self.note_refused_read(
                RefusedRead(reading=reading, purpose=purpose, customer_ids=tuple(concerned))
            )
            raise RefusedError(
                refuse(READ_OUTSIDE_PURPOSE, data=purpose.value, purpose=reading.purpose or "-")
            )

    async def _unwrap(self, rows: Sequence[KeyRow]) -> list[bytes]:
        keys = await self._unwrap_each(rows)
        found = [key for key in keys if key is not None]
        if len(found) != len(keys):
            raise RefusedError(refuse(CIPHERTEXT_REJECTED))
        return found

    async def _unwrap_each(self, rows: Sequence[KeyRow]) -> list[bytes | None]:
        return await self._of_each(self.wrapper.unwrap, [_wrapped(row) for row in rows])

    async def rewrap_each(self, rows: Sequence[KeyRow]) -> list[WrappedKey | None]:
        """Return data keys wrapped under the present key, None for each that is damaged."""
        return await self._of_each(self.wrapper.rewrap, [_wrapped(row) for row in rows])

    async def _of_each(
        self, ask: Callable[[Sequence[WrappedKey]], Awaitable[list[T]]], keys: Sequence[WrappedKey]
    ) -> list[T | None]:
        """Return what the key service says of each key, None for each that is damaged.

        A key service says of many keys only that one was rejected: halves are asked again, so that
        one damaged key among n costs 2 log n questions more, and none costs nothing.
        """
        try:
            return [*await ask(keys)]
        except KeyServiceUnavailableError as error:
            raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE)) from error
        except KeyRejectedError:
            if len(keys) == 1:
                self.rejections.note("data_key")
                return [None]
        half = len(keys) // 2
        return await self._of_each(ask, keys[:half]) + await self._of_each(ask, keys[half:])

    async def digests(self, kind: IndexKind, values: Sequence[str]) -> list[bytes]:
        """Return the digests of values in their normal form, under the first secret there is."""
        every = await self.every_digest(kind, values)
        return [by_generation[min(by_generation)] for by_generation in every]

    async def index_key(self, kind: IndexKind) -> bytes:
        """Return the key of one kind of digest, under the first secret there is."""
        try:
            secrets = await self.index_secret.read()
        except KeyServiceUnavailableError as error:
            raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE)) from error
        return blind_index.derive_key(secrets[min(secrets)], kind)

    async def every_digest(
        self, kind: IndexKind, values: Sequence[str]
    ) -> list[Mapping[int, bytes]]:
        """Return by generation of the secret the digests by which values are found."""
        try:
            secrets = await self.index_secret.read()
        except KeyServiceUnavailableError as error:
            raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE)) from error
        keys = {number: blind_index.derive_key(secret, kind) for number, secret in secrets.items()}
        return [
            {number: blind_index.digest_of(key, value) for number, key in keys.items()}
            for value in values
        ]


def _wrapped(row: KeyRow) -> WrappedKey:
    return WrappedKey(row.wrapped_by, row.wrapped_key, key_context(row.customer_id, row.purpose))


def may_read(reading: Reading, purpose: Purpose, fields: Collection[str] | None = None) -> bool:
    """Return whether the register lets fields be read for a purpose; all of them by default."""
    declared = load_register().vault[purpose.value]
    readable = declared.readable(reading.purpose)
    wanted = declared.columns if fields is None else set(fields) & set(declared.columns)
    return bool(readable) and readable.issuperset(wanted)


def key_context(customer_id: int, purpose: Purpose) -> bytes:
    """Return what a wrapped data key is bound to; the same in every release, as is rewrapped."""
    return _context("key", customer_id, purpose, "")


def _context(kind: str, customer_id: int, purpose: Purpose, field_set: str) -> bytes:
    """Return what the first release bound a text to; no part can contain the separator."""
    return f"counterfoil.privacy\0{kind}\0{customer_id}\0{purpose.value}\0{field_set}".encode()


def _record_context(
    customer_id: int, purpose: Purpose, field_set: str, *, first_version: bool
) -> bytes:
    if first_version:
        return _context("record", customer_id, purpose, field_set)
    table = "privacy.sealed_record"
    return envelope.place(table, "ciphertext", field_set, customer_id, purpose.value)


def _sealed(record: ClearRecord, key: bytes, wrapped: WrappedKey, suite: Suite) -> SealedRecord:
    declared = load_register().vault[record.purpose.value]
    unknown = set(record.fields) - set(declared.columns)
    if unknown:
        raise ValueError(f"the register of fields knows no {sorted(unknown)} of {record.purpose}")
    field_set = FIELD_SETS[record.purpose]
    context = _record_context(record.customer_id, record.purpose, field_set, first_version=False)
    text = orjson.dumps(dict(record.fields), option=orjson.OPT_SORT_KEYS)
    return SealedRecord(
        customer_id=record.customer_id,
        purpose=record.purpose,
        field_set=field_set,
        ciphertext=envelope.encrypt(key, text, context, suite),
        wrapped_by=wrapped.wrapped_by,
        wrapped_key=wrapped.blob,
    )


def _opened(record: SealedRecord, key: bytes, wanted: Collection[str] | None) -> ClearRecord:
    first = envelope.is_of_first_version(record.ciphertext)
    context = _record_context(
        record.customer_id, record.purpose, record.field_set, first_version=first
    )
    text = envelope.decrypt(key, record.ciphertext, context)
    fields: dict[str, str] = orjson.loads(text)
    if wanted is not None:
        fields = {name: value for name, value in fields.items() if name in wanted}
    return ClearRecord(customer_id=record.customer_id, purpose=record.purpose, fields=fields)
