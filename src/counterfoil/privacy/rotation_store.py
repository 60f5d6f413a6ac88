"""Reads and writes the rotations, and moves rows from one key to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.store import DESTRUCTION_LOCK, GENERATION_LOCK
from counterfoil.privacy.vault import KeyRow, Purpose

_QUERIES: Final = Queries.load("counterfoil.privacy", "rotation_store.sql")

#: Where a walk over data keys begins.
BEGINNING: Final = (-1, "")


class RotationKind(StrEnum):
    """What is changed."""

    WRAPPING = "wrapping"
    INDEX = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One change of a wrapping key, or of the secret of the index."""

    rotation_id: int
    kind: RotationKind
    old_key: str
    new_key: str
    approval_id: int
    started_by: str
    started_at: datetime
    rows_moved: int
    #: None while it is under way.
    finished_at: datetime | None


async def add_rotation(connection: Connection, rotation: Rotation) -> None:
    """Write a rotation that begins, after everybody who still wraps by the old key is done."""
    await _QUERIES.hold_alone.fetch(connection, lock=DESTRUCTION_LOCK)
    await _QUERIES.add_rotation.execute(
        connection,
        rotation_id=rotation.rotation_id,
        kind=rotation.kind.value,
        old_key=rotation.old_key,
        new_key=rotation.new_key,
        approval_id=rotation.approval_id,
        started_by=rotation.started_by,
        started_at=rotation.started_at,
    )


async def open_rotation(connection: Connection, kind: RotationKind) -> Rotation | None:
    """Return the rotation that is under way."""
    row = await _QUERIES.open_rotation.fetchrow(connection, kind=kind.value)
    return None if row is None else _rotation(row)


async def list_rotations(connection: Connection, *, page: int = 100) -> list[Rotation]:
    """Return rotations, newest first."""
    return list(map(_rotation, await _QUERIES.rotations.fetch(connection, page=page)))


async def note_moved(connection: Connection, rotation: Rotation, rows: int) -> None:
    """Add to the count of rows."""
    await _QUERIES.note_moved.execute(connection, rotation_id=rotation.rotation_id, rows=rows)


async def finish_rotation(connection: Connection, rotation: Rotation, *, now: datetime) -> bool:
    """End a rotation; False where another process has ended it."""
    touched = await _QUERIES.finish_rotation.execute(
        connection, rotation_id=rotation.rotation_id, now=now
    )
    return touched == 1


async def keys_wrapped_by_others(
    connection: Connection, wrapped_by: str, after: tuple[int, str], *, page: int
) -> list[KeyRow]:
    """Return data keys that another key than the present one wrapped."""
    rows = await _QUERIES.keys_after.fetch(
        connection, wrapped_by=wrapped_by, customer_id=after[0], purpose=after[1], page=page
    )
    return [
        KeyRow(
            customer_id=row["customer_id"],
            purpose=Purpose(row["purpose"]),
            wrapped_by=row["wrapped_by"],
            wrapped_key=row["wrapped_key"],
        )
        for row in rows
    ]


async def replace_wrapped(
    connection: Connection, old: Sequence[KeyRow], new: Sequence[KeyRow]
) -> int:
    """Put rewrapped keys where the old ones still are; return how many."""
    rows = await _QUERIES.replace_wrapped.fetch(
        connection,
        customer_ids=[key.customer_id for key in old],
        purposes=[key.purpose.value for key in old],
        old_wrapped=[key.wrapped_key for key in old],
        wrapped_by=[key.wrapped_by for key in new],
        new_wrapped=[key.wrapped_key for key in new],
    )
    return len(rows)


async def is_still_wrapped_by_others(connection: Connection, wrapped_by: str) -> bool:
    """Return whether any data key is wrapped by another key than the present one."""
    found: bool = await _QUERIES.is_still_wrapped_by_others.fetchval(
        connection, wrapped_by=wrapped_by
    )
    return found


async def add_generation(connection: Connection, generation: int, *, now: datetime) -> None:
    """Ask for digests of one more generation of every number from now on."""
    await _QUERIES.hold_alone.fetch(connection, lock=GENERATION_LOCK)
    await _QUERIES.add_generation.execute(connection, generation=generation, now=now)


async def end_generation(connection: Connection, generation: int) -> None:
    """Ask for digests of a generation no more."""
    await _QUERIES.hold_alone.fetch(connection, lock=GENERATION_LOCK)
    await _QUERIES.end_generation.execute(connection, generation=generation)


async def customers_without(
    connection: Connection, generation: int, after: int, *, page: int
) -> list[int]:
    """Return customers whose numbers have no digest of a generation yet."""
    rows = await _QUERIES.without_generation.fetch(
        connection, generation=generation, customer_id=after, page=page
    )
    return [row["customer_id"] for row in rows]


async def fill_generation(
    connection: Connection, generation: int, digests: Mapping[tuple[IndexKind, int], bytes]
) -> None:
    """Write digests of another generation, by kind and customer."""
    await _QUERIES.fill_generation.execute(
        connection,
        generation=generation,
        kinds=[kind.value for kind, _ in digests],
        customer_ids=[customer_id for _, customer_id in digests],
        digests=list(digests.values()),
    )


async def drop_generation(
    connection: Connection, generation: int, after: int, *, page: int
) -> list[int]:
    """Take digests of a generation out, some customers at a time; return those customers."""
    rows = await _QUERIES.drop_generation.fetch(
        connection, generation=generation, customer_id=after, page=page
    )
    return [row["customer_id"] for row in rows]


def _rotation(row: Row) -> Rotation:
    return Rotation(
        rotation_id=row["rotation_id"],
        kind=RotationKind(row["kind"]),
        old_key=row["old_key"],
        new_key=row["new_key"],
        approval_id=row["approval_id"],
        started_by=row["started_by"],
        started_at=row["started_at"],
        rows_moved=row["rows_moved"],
        finished_at=row["finished_at"],
    )
