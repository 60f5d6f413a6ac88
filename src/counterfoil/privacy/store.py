"""Reads and writes the vault's tables; thin functions, one for each named query or two."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Runner
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.refusals import KEY_SERVICE_UNAVAILABLE
from counterfoil.privacy.vault import KeyRow, Purpose, SealedRecord

QUERIES: Final = Queries.load("counterfoil.privacy")

#: A phone number has had few owners.
FOUND_COUNT_MAX: Final = 100
#: Held shared while keys are written or sealed under; exclusively where one is destroyed or a
#: rotation begins.
DESTRUCTION_LOCK: Final = 7_205_759_403_792_843
#: Held shared while numbers are written to the index, exclusively while its secret is changed.
GENERATION_LOCK: Final = 7_205_759_403_792_845


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """The digests of one value of one customer, by generation of the secret."""

    kind: IndexKind
    digests: Mapping[int, bytes]
    customer_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at what is kept of a customer for one purpose, under a grant."""

    customer_id: int
    reveal_id: int
    grant_id: int
    purpose: Purpose


async def add_records(
    connection: Connection, records: Sequence[SealedRecord], *, at: datetime
) -> None:
    """Write sealed records and their wrapped keys."""
    await hold_keys(connection)
    customer_ids = [record.customer_id for record in records]
    purposes = [record.purpose.value for record in records]
    added = await QUERIES.add_data_keys.execute(
        connection,
        customer_ids=customer_ids,
        purposes=purposes,
        wrapped_by=[record.wrapped_by for record in records],
        wrapped_keys=[record.wrapped_key for record in records],
        created_at=at,
    )
    if added != len(records):
        # The wrapping key was replaced while these were sealed: a repetition takes the new one.
        raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE))
    await QUERIES.add_sealed_records.execute(
        connection,
        customer_ids=customer_ids,
        purposes=purposes,
        field_sets=[record.field_set for record in records],
        ciphertexts=[record.ciphertext for record in records],
        sealed_at=at,
    )


async def without_region(
    connection: Runner, purpose: Purpose, *, after: int, page: int
) -> list[int]:
    """Return customers with a sealed record of a purpose and no region, in order."""
    rows = await QUERIES.without_region.fetch(connection, purpose=purpose, after=after, page=page)
    return [row["customer_id"] for row in rows]


async def add_regions(connection: Runner, regions: Sequence[tuple[int, str]]) -> None:
    """Write of which region customers are, by the number that says so; a malformed one is none."""
    await QUERIES.add_regions.execute(
        connection,
        customer_ids=[customer_id for customer_id, _ in regions],
        regions=[region for _, region in regions],
    )


async def read_keys(
    connection: Runner, customer_ids: Sequence[int], purpose: Purpose
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
    connection: Runner, keys: Sequence[KeyRow], purpose: Purpose
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


async def hold_keys(connection: Runner) -> None:
    """Keep every data key, and what wraps it, as it is until this transaction ends."""
    await QUERIES.hold_data_keys.fetch(connection, lock=DESTRUCTION_LOCK)


async def add_index_entries(connection: Connection, entries: Sequence[IndexEntry]) -> None:
    """Write digests; a second owner of an identity number breaks `identity_needs_check`.

    Digests of every generation that the index has now are needed; those of others are left out.
    """
    await QUERIES.hold_index_generations.fetch(connection, lock=GENERATION_LOCK)
    rows = await QUERIES.index_generations.fetch(connection)
    wanted = [row["generation"] for row in rows]
    if any(number not in entry.digests for entry in entries for number in wanted):
        # The secret was changed while these were prepared: a repetition takes the new one.
        raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE))
    await QUERIES.add_blind_index.execute(
        connection,
        kinds=[entry.kind.value for entry in entries for _ in wanted],
        digests=[entry.digests[number] for entry in entries for number in wanted],
        customer_ids=[entry.customer_id for entry in entries for _ in wanted],
        generations=[number for _ in entries for number in wanted],
    )


async def read_records(
    connection: Connection, customer_ids: Sequence[int], *purposes: Purpose
) -> list[SealedRecord]:
    """Return the sealed records of some customers that are kept for some purposes."""
    rows = await QUERIES.sealed_records.fetch(
        connection,
        customer_ids=list(customer_ids),
        purposes=[purpose.value for purpose in purposes],
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


async def find_customers(
    connection: Connection, kind: IndexKind, digests: Iterable[bytes]
) -> list[int]:
    """Return the customers behind the digests of one value."""
    rows = await QUERIES.customers_by_digest.fetch(
        connection, kind=kind.value, digests=list(digests), page=FOUND_COUNT_MAX
    )
    return [row["customer_id"] for row in rows]


async def taken_digests(
    connection: Connection, kind: IndexKind, digests: Sequence[bytes]
) -> frozenset[bytes]:
    """Return those digests that somebody has already."""
    rows = await QUERIES.taken_digests.fetch(connection, kind=kind.value, digests=list(digests))
    return frozenset(row["digest"] for row in rows)


async def add_reveals(
    connection: Connection,
    looks: Sequence[Look],
    *,
    revealed_to: str,
    reason: str,
    revealed_at: datetime,
) -> None:
    """Write down looks in clear by one person for one reason."""
    await QUERIES.add_reveals.execute(
        connection,
        customer_ids=[look.customer_id for look in looks],
        reveal_ids=[look.reveal_id for look in looks],
        purposes=[look.purpose.value for look in looks],
        grant_ids=[look.grant_id for look in looks],
        revealed_to=revealed_to,
        reason=reason,
        revealed_at=revealed_at,
    )
