"""Reads and writes the vault's tables; thin functions, one for each named query or two."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.vault import KeyRow, Purpose, SealedRecord

QUERIES: Final = Queries.load("counterfoil.privacy")

#: A phone number has had few owners.
FOUND_COUNT_MAX: Final = 100
#: Held shared while records are sealed under keys that were there, exclusively by erasure.
DESTRUCTION_LOCK: Final = 7_205_759_403_792_843


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One digest of one customer."""

    kind: IndexKind
    digest: bytes
    customer_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """One look at personal data in clear."""

    customer_id: int
    reveal_id: int
    purpose: Purpose
    revealed_to: str
    reason: str
    revealed_at: datetime


async def add_records(
    connection: Connection, records: Sequence[SealedRecord], *, at: datetime
) -> None:
    """Write sealed records and their wrapped keys."""
    customer_ids = [record.customer_id for record in records]
    purposes = [record.purpose.value for record in records]
    await QUERIES.add_data_keys.execute(
        connection,
        customer_ids=customer_ids,
        purposes=purposes,
        wrapped_by=[record.wrapped_by for record in records],
        wrapped_keys=[record.wrapped_key for record in records],
        created_at=at,
    )
    await QUERIES.add_sealed_records.execute(
        connection,
        customer_ids=customer_ids,
        purposes=purposes,
        field_sets=[record.field_set for record in records],
        ciphertexts=[record.ciphertext for record in records],
        sealed_at=at,
    )


async def read_keys(
    connection: Connection, customer_ids: Sequence[int], purpose: Purpose
) -> list[KeyRow]:
    """Return the wrapped keys that there are."""
    rows = await QUERIES.data_keys.fetch(
        connection, customer_ids=list(customer_ids), purpose=purpose.value
    )
    return [
        KeyRow(
            customer_id=row["customer_id"],
            purpose=purpose,
            wrapped_by=row["wrapped_by"],
            wrapped_key=row["wrapped_key"],
        )
        for row in rows
    ]


async def add_missing_keys(
    connection: Connection, keys: Sequence[KeyRow], purpose: Purpose
) -> frozenset[int]:
    """Write keys where there are none yet; return the customers that took theirs."""
    rows = await QUERIES.add_missing_data_keys.fetch(
        connection,
        customer_ids=[key.customer_id for key in keys],
        wrapped_by=[key.wrapped_by for key in keys],
        wrapped_keys=[key.wrapped_key for key in keys],
        purpose=purpose.value,
    )
    return frozenset(row["customer_id"] for row in rows)


async def hold_keys(connection: Connection) -> None:
    """Keep every data key from being destroyed until this transaction ends."""
    await QUERIES.hold_data_keys.fetch(connection, lock=DESTRUCTION_LOCK)


async def add_index_entries(connection: Connection, entries: Sequence[IndexEntry]) -> None:
    """Write digests; a second owner of an identity number breaks `identity_needs_check`."""
    await QUERIES.add_blind_index.execute(
        connection,
        kinds=[entry.kind.value for entry in entries],
        digests=[entry.digest for entry in entries],
        customer_ids=[entry.customer_id for entry in entries],
    )


async def read_records(
    connection: Connection, customer_ids: Sequence[int], purpose: Purpose
) -> list[SealedRecord]:
    """Return the sealed records of some customers."""
    rows = await QUERIES.sealed_records.fetch(
        connection, customer_ids=list(customer_ids), purpose=purpose.value
    )
    return [
        SealedRecord(
            customer_id=row["customer_id"],
            purpose=Purpose(row["purpose"]),
            field_set=row["field_set"],
            ciphertext=row["ciphertext"],
            wrapped_by=row["wrapped_by"],
            wrapped_key=row["wrapped_key"],
        )
        for row in rows
    ]


async def find_customers(connection: Connection, kind: IndexKind, digest: bytes) -> list[int]:
    """Return the customers behind a digest."""
    rows = await QUERIES.customers_by_digest.fetch(
        connection, kind=kind.value, digest=digest, page=FOUND_COUNT_MAX
    )
    return [row["customer_id"] for row in rows]


async def taken_digests(
    connection: Connection, kind: IndexKind, digests: Sequence[bytes]
) -> frozenset[bytes]:
    """Return those digests that somebody has already."""
    rows = await QUERIES.taken_digests.fetch(connection, kind=kind.value, digests=list(digests))
    return frozenset(row["digest"] for row in rows)


async def add_reveal(connection: Connection, reveal: Reveal) -> None:
    """Write down a look in clear."""
    await QUERIES.add_reveal.execute(
        connection,
        customer_id=reveal.customer_id,
        reveal_id=reveal.reveal_id,
        purpose=reveal.purpose.value,
        revealed_to=reveal.revealed_to,
        reason=reveal.reason,
        revealed_at=reveal.revealed_at,
    )
