"""Putting a corrected record in the place of another, and whose processing is restricted.

Invariant   What stood is kept sealed with the time for which it did; the digests by which a person
            is found are those of the present record alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.platform.access_matrix import Reading
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row, Runner
from counterfoil.privacy import store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.store import IndexEntry
from counterfoil.privacy.vault import ClearRecord, Purpose, SealedRecord, Vault

_QUERIES: Final = Queries.load("counterfoil.privacy", "correction_store.sql")
#: More than an installation that works ever has.
_LEFT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FormerRecord:
    """What a record said before it was corrected; it never shows itself in a log."""

    fields: Mapping[str, str]
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLeft:
    """A key that should have been destroyed."""

    customer_id: int
    purpose: str
    data_class: str


async def correct_record(
    connection: Connection,
    vault: Vault,
    *,
    customer_id: int,
    purpose: Purpose,
    fields: Mapping[str, str | None],
    request_id: int | None,
    reading: Reading,
    at: datetime,
) -> bool:
    """Put a record with some fields changed in the place of the present one; False without one.

    A field that is None is left out of the record from now on.
    `request_id` is the person's request; None where the customer changed it at a channel.
    """
    await store.hold_keys(connection)
    row = await _QUERIES.lock_record.fetchrow(
        connection, customer_id=customer_id, purpose=purpose.value
    )
    if row is None:
        return False
    present = _sealed(row)
    [clear] = await vault.open([present], reading)
    changed = {**clear.fields, **fields}
    corrected = ClearRecord(
        customer_id=customer_id,
        purpose=purpose,
        fields={name: value for name, value in changed.items() if value is not None},
    )
    sealed = await vault.seal_in_place(corrected, present)
    key = {"customer_id": customer_id, "purpose": purpose.value}
    await _QUERIES.keep_former.execute(connection, request_id=request_id, at=at, **key)
    await _QUERIES.replace_record.execute(
        connection, field_set=sealed.field_set, ciphertext=sealed.ciphertext, at=at, **key
    )
    return True


async def index_anew(
    connection: Connection, vault: Vault, kind: IndexKind, *, customer_id: int, value: str
) -> None:
    """Have a customer found by a value, and by no other of its kind."""
    [digests] = await vault.every_digest(kind, [value])
    await _QUERIES.forget_kind.execute(connection, customer_id=customer_id, kind=kind.value)
    entry = IndexEntry(kind=kind, digests=digests, customer_id=customer_id)
    await store.add_index_entries(connection, [entry])


async def read_former(
    connection: Connection, vault: Vault, customer_id: int, purpose: Purpose, reading: Reading
) -> list[FormerRecord]:
    """Return what a customer's record was, the last one first."""
    rows = await _QUERIES.former_records.fetch(
        connection, customer_id=customer_id, purpose=purpose.value
    )
    opened = await vault.open([_sealed(row) for row in rows], reading)
    return [
        FormerRecord(
            fields=item.fields, valid_from=row["valid_from"], valid_until=row["valid_until"]
        )
        for row, item in zip(rows, opened, strict=True)
    ]


async def set_restriction(
    connection: Connection,
    *,
    customer_id: int,
    restriction_id: int,
    is_on: bool,
    request_id: int,
    set_by: str,
    reason: str,
    at: datetime,
) -> None:
    """Restrict the processing of a customer's data, or lift that."""
    await _QUERIES.add_restriction.execute(
        connection,
        customer_id=customer_id,
        restriction_id=restriction_id,
        is_on=is_on,
        request_id=request_id,
        set_by=set_by,
        reason=reason,
        at=at,
    )


async def restricted_among(connection: Runner, customer_ids: Collection[int]) -> frozenset[int]:
    """Return those of some customers whose processing is restricted at their wish."""
    rows = await _QUERIES.restricted_among.fetch(connection, customer_ids=list(customer_ids))
    return frozenset(row["customer_id"] for row in rows)


async def keys_left(connection: Runner) -> Sequence[KeyLeft]:
    """Return keys that are still there although their class was erased; there must be none."""
    classes = load_schedule().classes
    pairs = [(code, purpose.value) for code, item in classes.items() for purpose in item.purposes]
    rows = await _QUERIES.keys_left.fetch(
        connection,
        classes=[code for code, _ in pairs],
        purposes=[purpose for _, purpose in pairs],
        page=_LEFT_MAX,
    )
    return [KeyLeft(**{name: row[name] for name in KeyLeft.__slots__}) for row in rows]


def _sealed(row: Row) -> SealedRecord:
    return SealedRecord(
        customer_id=row["customer_id"],
        purpose=Purpose(row["purpose"]),
        field_set=row["field_set"],
        ciphertext=row["ciphertext"],
        wrapped_by=row["wrapped_by"],
        wrapped_key=row["wrapped_key"],
    )
