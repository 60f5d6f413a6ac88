"""The log in PostgreSQL: thin functions, one for each named query."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from counterfoil.evidence.formats.lines import HASH_BYTES
from counterfoil.evidence.formats.merkle import leaf_hash
from counterfoil.evidence.formats.tile import WIDTH
from counterfoil.evidence.growth import FullTile, Growth, levels_of, width_at
from counterfoil.evidence.leaf import ENTRY_VERSION, LeafType, entry
from counterfoil.platform.database import Connection, Database, is_away
from counterfoil.platform.queries import Queries

__all__ = ["Connection", "Database", "is_away"]

QUERIES: Final = Queries.load("counterfoil.evidence", "log_store.sql")

#: What is hashed before a commitment: that it is a leaf, the version, the type.
_PREIMAGES: Final = [b"\x00" + ENTRY_VERSION + bytes([kind]) for kind in range(256)]
#: Lock of the one session that numbers leaves. Any number, as long as nobody else uses it.
INTEGRATOR_LOCK: Final = 7_205_759_403_792_910
#: Lock of the one session that signs and publishes.
PUBLISHER_LOCK: Final = 7_205_759_403_792_911
#: Standing alarms that are read; there are a handful of codes.
ALARMS_MAX: Final = 1_000
#: Lines among which a witness's latest is looked for: some hours' worth.
RECENT_LINES: Final = 20_000
#: Old heads that are held against the files: more than an hour of them.
RECENT_NOTES: Final = 5_000
LEAF_COLUMNS: Final = (
    "idx",
    "customer_id",
    "leaf_id",
    "leaf_type",
    "subject_id",
    "commitment",
    "created",
    "checkpoint_size",
    "command_key",
    "sealed",
)


class Head(NamedTuple):
    """A tree by its size and root."""

    size: int
    root: bytes


class KeptHead(NamedTuple):
    """A tree with what was signed of it."""

    size: int
    root: bytes
    #: None where nothing was signed.
    note: str | None


class SignedNote(NamedTuple):
    """A checkpoint as the log signed it."""

    size: int
    note: str


class Cosignature(NamedTuple):
    """A witness's line."""

    witness: str
    line: str
    #: POSIX seconds by the witness's clock.
    cosigned: int


class WitnessedNote(NamedTuple):
    """A checkpoint with a quorum of cosignatures."""

    size: int
    root: bytes
    note: str
    witnessed_at: datetime


class Alarm(NamedTuple):
    """Something a person has to look into."""

    alarm_id: int
    code: str
    #: Name of the witness it is about; empty where it is about the log.
    witness: str
    detail: str
    #: Whether the log signs nothing while it stands.
    stops: bool
    raised_at: datetime


class StoredLeaf(NamedTuple):
    """A leaf with its number."""

    idx: int
    customer_id: int
    leaf_id: int
    leaf_type: int
    subject_id: int
    commitment: bytes
    #: POSIX seconds by the writer's clock.
    created: int
    #: Size of the checkpoint that the writer knew.
    checkpoint_size: int
    #: Key of the recorded command whose answer the body wraps; None where the body is sealed.
    command_key: str | None
    #: None where the opening was lost.
    sealed: bytes | None


class ListedLeaf(NamedTuple):
    """A leaf in a list."""

    leaf_id: int
    leaf_type: int
    subject_id: int
    created: int
    #: None while it is staged.
    idx: int | None


class LastCosigned(NamedTuple):
    """Up to where a witness stands for the log."""

    size: int
    #: POSIX seconds by the witness's clock.
    cosigned: int


class Queue(NamedTuple):
    """Staged leaves."""

    leaves: int
    #: POSIX seconds of the oldest; None where nothing is staged.
    oldest: int | None


class QueueTakenError(Exception):
    """Another session took leaves out of the queue: this one must not go on."""


async def origin_of(connection: Connection) -> str | None:
    """Return the name of the log; None before it was begun."""
    row = await QUERIES.log_of_database.fetchrow(connection)
    return None if row is None else str(row["origin"])


async def begin_log(connection: Connection, origin: str, *, at: datetime) -> str:
    """Begin the log under a name unless it has one; return the name that it has."""
    await QUERIES.begin_log.execute(connection, origin=origin, created_at=at)
    kept = await origin_of(connection)
    assert kept is not None, "it was begun"
    return kept


async def try_lead(connection: Connection, key: int) -> bool:
    """Take a session's lock; False while another session has it."""
    return bool(await QUERIES.try_lead.fetchval(connection, key=key))


async def last_head(connection: Connection) -> Head | None:
    """Return the tree as it is; None while it is empty."""
    row = await QUERIES.last_checkpoint.fetchrow(connection)
    return None if row is None else Head(row["size"], row["root"])


async def head_of_size(connection: Connection, size: int) -> Head | None:
    """Return the head of a size at which a batch ended."""
    row = await QUERIES.checkpoint_of_size.fetchrow(connection, size=size)
    return None if row is None else Head(row["size"], row["root"])


async def roots_of_sizes(connection: Connection, sizes: Sequence[int]) -> dict[int, bytes]:
    """Return roots by their sizes."""
    rows = await QUERIES.roots_of_sizes.fetch(connection, sizes=list(sizes))
    return {row["size"]: row["root"] for row in rows}


async def read_staged(connection: Connection, *, page: int, without: Sequence[int]) -> list[Any]:
    """Return the oldest staged leaves in the order of the queue, but for some."""
    return await QUERIES.staged.fetch(connection, page=page, without=list(without))


async def number_leaves(
    connection: Connection, places: Sequence[int], sealed: Sequence[bytes | None], *, start: int
) -> None:
    """Give staged leaves numbers from one on, with what opens them, and take them off the queue.

    Somebody else who took one of them breaks the transaction.
    """
    count = await QUERIES.number_leaves.execute(
        connection, places=list(places), sealed=list(sealed), start=start
    )
    if count != len(places):
        raise QueueTakenError


async def drop_staged(connection: Connection, places: Sequence[int]) -> None:
    """Take leaves out of the queue; somebody else who took one of them breaks the transaction."""
    count = await QUERIES.drop_staged.execute(connection, places=list(places))
    if count != len(places):
        raise QueueTakenError


async def add_leaves(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Write numbered leaves; rows are in the order of `LEAF_COLUMNS`."""
    await connection.copy_records_to_table(
        "leaf", schema_name="evidence", records=rows, columns=LEAF_COLUMNS
    )


async def add_tiles(connection: Connection, tiles: Sequence[FullTile]) -> None:
    """Write full tiles."""
    await QUERIES.add_tiles.execute(
        connection,
        levels=[tile.level for tile in tiles],
        numbers=[tile.n for tile in tiles],
        hashes=[tile.hashes for tile in tiles],
        roots=[tile.root for tile in tiles],
    )


async def add_head(connection: Connection, head: Head, *, at: datetime) -> None:
    """Write down the tree after a batch."""
    await QUERIES.add_checkpoint.execute(
        connection, size=head.size, root=head.root, integrated_at=at
    )


async def read_entries(connection: Connection, start: int, *, stop: int) -> list[bytes]:
    """Return the entries from one number up to another."""
    rows: list[Any] = await QUERIES.entries_between.fetch(connection, start=start, stop=stop)
    return [entry(LeafType(kind), committed) for kind, committed in rows]


async def read_leaf_hashes(connection: Connection, start: int, *, stop: int) -> list[bytes]:
    """Return the hashes of leaves from one number up to another; fewer where some are missing.

    What is no commitment of 32 bytes or no type of one gives hashes that make no root.
    """
    row = await QUERIES.page_between.fetchrow(connection, start=start, stop=stop)
    assert row is not None, "an aggregate always gives a row"
    types, committed = row["types"] or b"", row["commitments"] or b""
    places = range(0, len(committed), HASH_BYTES)
    return [
        sha256(_PREIMAGES[kind] + committed[place : place + HASH_BYTES]).digest()
        for kind, place in zip(types[1::2], places, strict=False)
    ]


async def read_roots(connection: Connection, level: int, start: int, *, stop: int) -> list[bytes]:
    """Return the roots of full tiles of a level."""
    rows = await QUERIES.roots_between.fetch(connection, level=level, start=start, stop=stop)
    return [row["root"] for row in rows]


async def read_tiles(
    connection: Connection, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """Return full tiles by level and number."""
    rows = await QUERIES.tiles.fetch(
        connection,
        levels=[level for level, _ in places],
        numbers=[number for _, number in places],
    )
    return {(row["level"], row["n"]): row["hashes"] for row in rows}


async def read_growth(connection: Connection, size: int) -> Growth:
    """Return the right edge of the tree of a size, from leaves and full tiles."""
    width = width_at(size, 0)
    entries = await read_entries(connection, size - width, stop=size)
    edge = [list(map(leaf_hash, entries))]
    for level in range(1, levels_of(size)):
        count = size >> (8 * level)
        start = count - count % WIDTH
        edge.append(await read_roots(connection, level - 1, start, stop=count))
    return Growth(size, edge)


async def add_note(connection: Connection, size: int, note: str, *, at: datetime) -> None:
    """Write down what the log has signed, before anybody else hears of it."""
    await QUERIES.add_note.execute(connection, size=size, note=note, signed_at=at)


async def last_note(connection: Connection) -> SignedNote | None:
    """Return the largest checkpoint that was signed."""
    row = await QUERIES.last_note.fetchrow(connection)
    return None if row is None else SignedNote(row["size"], row["note"])


async def add_cosignature(
    connection: Connection, size: int, witness: str, line: str, *, cosigned: int
) -> None:
    """Write down a witness's verified line."""
    await QUERIES.add_cosignature.execute(
        connection, size=size, witness=witness, line=line, cosigned=cosigned
    )


async def cosignatures_of(connection: Connection, size: int) -> list[Cosignature]:
    """Return the lines under a note."""
    rows: list[Any] = await QUERIES.cosignatures_of.fetch(connection, size=size)
    return [Cosignature(*row) for row in rows]


async def last_cosigned(connection: Connection) -> dict[str, LastCosigned]:
    """Return up to where each witness stands for the log, and when it last did."""
    rows = await QUERIES.last_cosigned.fetch(connection, page=RECENT_LINES)
    return {row["witness"]: LastCosigned(row["size"], row["cosigned"]) for row in rows}


async def add_witnessed(connection: Connection, size: int, note: str, *, at: datetime) -> None:
    """Write down that a note met the quorum."""
    await QUERIES.add_witnessed.execute(connection, size=size, note=note, witnessed_at=at)


async def last_witnessed(connection: Connection) -> WitnessedNote | None:
    """Return the largest checkpoint that met the quorum."""
    row: Any = await QUERIES.last_witnessed.fetchrow(connection)
    return None if row is None else WitnessedNote(*row)


async def read_queue(connection: Connection, *, bound: int) -> Queue:
    """Return how many leaves are staged, counted up to a bound, and how old the oldest is."""
    row: Any = await QUERIES.queue.fetchrow(connection, bound=bound)
    return Queue(row["leaves"], row["oldest"])


async def raise_alarm(
    connection: Connection, code: str, witness: str, detail: str, *, stops: bool, at: datetime
) -> None:
    """Raise an alarm unless the same one stands."""
    await QUERIES.raise_alarm.execute(
        connection, code=code, witness=witness, detail=detail, stops=stops, raised_at=at
    )


async def standing_alarms(connection: Connection) -> list[Alarm]:
    """Return the alarms that nobody has cleared, oldest first."""
    rows: list[Any] = await QUERIES.standing_alarms.fetch(connection, page=ALARMS_MAX)
    return [Alarm(*row) for row in rows]


async def clear_alarm(connection: Connection, code: str, witness: str, *, at: datetime) -> None:
    """Mark an alarm as dealt with."""
    await QUERIES.clear_alarms.execute(connection, code=code, witness=witness, cleared_at=at)


async def numbers_of(
    connection: Connection, keys: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], int]:
    """Return the numbers of leaves by customer and leaf; who has none yet is not in it."""
    rows = await QUERIES.numbers_of.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        leaf_ids=[leaf_id for _, leaf_id in keys],
    )
    return {(row["customer_id"], row["leaf_id"]): row["idx"] for row in rows}


async def first_covering(connection: Connection, idx: int, witnesses: Sequence[str]) -> int | None:
    """Return the smallest witnessed size beyond a number under which witnesses all stand."""
    size: int | None = await QUERIES.first_covering.fetchval(
        connection, idx=idx, witnesses=list(witnesses)
    )
    return size


async def leaves_of_customer(
    connection: Connection, customer_id: int, leaf_ids: Sequence[int]
) -> list[StoredLeaf]:
    """Return numbered leaves of a customer."""
    rows: list[Any] = await QUERIES.leaves_of_customer.fetch(
        connection, customer_id=customer_id, leaf_ids=list(leaf_ids)
    )
    return [StoredLeaf(*row) for row in rows]


async def page_of_customer(
    connection: Connection, customer_id: int, *, before: int, page: int, is_back: bool = False
) -> list[ListedLeaf]:
    """Return leaves of a customer, newest first."""
    rows: list[Any] = await QUERIES.page_of_customer.page(
        connection, customer_id=customer_id, before=before, page=page, is_back=is_back
    )
    return [ListedLeaf(*row) for row in rows]


async def note_of(connection: Connection, size: int) -> str | None:
    """Return the note that was signed of a size."""
    row = await QUERIES.note_of.fetchrow(connection, size=size)
    return None if row is None else str(row["note"])


async def staged_among(
    connection: Connection, customer_id: int, leaf_ids: Sequence[int]
) -> frozenset[int]:
    """Return which leaves of a customer are still staged."""
    rows = await QUERIES.staged_among.fetch(
        connection, customer_id=customer_id, leaf_ids=list(leaf_ids)
    )
    return frozenset(row["leaf_id"] for row in rows)


def entry_of(leaf: StoredLeaf) -> bytes:
    """Return what stands in the log for a leaf."""
    return entry(LeafType(leaf.leaf_type), leaf.commitment)


def entry_of_staged(row: Any) -> bytes:
    """Return what will stand in the log for a staged leaf."""
    return entry(LeafType(row["leaf_type"]), row["commitment"])


async def staged_by_commitment(connection: Connection, committed: Sequence[bytes]) -> list[Any]:
    """Return staged leaves with some commitments, as `read_staged` does."""
    return await QUERIES.staged_by_commitment.fetch(connection, commitments=list(committed))


async def leaves_above(connection: Connection, size: int) -> list[StoredLeaf]:
    """Return the leaves with numbers from a size on."""
    rows: list[Any] = await QUERIES.leaves_above.fetch(connection, size=size)
    return [StoredLeaf(*row) for row in rows]


async def drop_above(connection: Connection, size: int) -> None:
    """Take back numbers that no signed head covers, with tiles and roots over them."""
    await QUERIES.begin_refilling.fetchval(connection)
    await QUERIES.drop_leaves_above.execute(connection, size=size)
    await QUERIES.drop_tiles_above.execute(connection, size=size)
    await QUERIES.drop_checkpoints_above.execute(connection, size=size)


async def thin_heads(connection: Connection, after: int, *, before: int) -> None:
    """Forget the roots between two sizes that were signed one after the other."""
    async with connection.transaction():
        await QUERIES.begin_thinning.fetchval(connection)
        await QUERIES.thin_checkpoints.execute(connection, after=after, before=before)


async def clear_stops(connection: Connection, *, at: datetime) -> None:
    """Mark every alarm that stops the log as dealt with; the next start looks again."""
    await QUERIES.clear_stops.execute(connection, cleared_at=at)


async def count_beyond(connection: Connection, size: int) -> int:
    """Return how many leaves have numbers from a size on."""
    return int(await QUERIES.count_beyond.fetchval(connection, size=size))


async def heads_between(connection: Connection, start: int, *, stop: int) -> list[KeptHead]:
    """Return the heads beyond one size and up to another."""
    rows: list[Any] = await QUERIES.heads_between.fetch(connection, start=start, stop=stop)
    return [KeptHead(*row) for row in rows]


async def read_full_tiles(
    connection: Connection, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], FullTile]:
    """Return full tiles with their roots by level and number."""
    rows: list[Any] = await QUERIES.full_tiles.fetch(
        connection,
        levels=[level for level, _ in places],
        numbers=[number for _, number in places],
    )
    return {(row["level"], row["n"]): FullTile(*row) for row in rows}


async def recent_notes(connection: Connection) -> list[bytes]:
    """Return the latest witnessed notes."""
    rows = await QUERIES.recent_notes.fetch(connection, page=RECENT_NOTES)
    return [row["note"].encode() for row in rows]
