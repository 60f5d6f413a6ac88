"""Refilling a database that lost leaves, from a mirror that has their entries.

A database restored from an older backup knows fewer leaves than its witnesses. The log can go on
only from where it was: the mirror gives back every entry, and each is matched with what the
database still has by its commitment. Leaves that were staged in the backup, or numbered anew
before anybody noticed, get their openings back. The openings of all others are lost with the
database; their places in the log are kept, and their receipts, where they were given out, verify.

Invariant   The entries make the root that witnesses signed, and continue the last head that the
            database signed; otherwise nothing is changed. What was numbered anew and is not in
            the mirror comes after it, in its old order.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from counterfoil.evidence import log_store as store
from counterfoil.evidence.formats.merkle import complete_subtrees, fold, leaf_hash
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.tile import ENTRIES, WIDTH, Tile, parse_bundle
from counterfoil.evidence.growth import Growth
from counterfoil.evidence.leaf import ENTRY_BYTES
from counterfoil.evidence.log_files import LogFiles
from counterfoil.evidence.log_store import Connection, Head, StoredLeaf
from counterfoil.evidence.mirror import Held, held_head, held_heads
from counterfoil.evidence.sealing import OpeningKeys, place_of
from counterfoil.kernel.clock import Clock
from counterfoil.privacy.vault import Vault

#: Customer of leaves whose openings, and with them their customers, are lost.
NOBODY: Final = 0


class RefillError(Exception):
    """The mirror cannot give back what is missing."""


class Refilled(NamedTuple):
    """What became of the leaves above the last head that the database had signed."""

    old_size: int
    size: int
    #: Leaves of the mirror whose openings the database still had.
    adopted: int
    #: Leaves of the mirror whose openings are lost.
    lost: int
    #: Leaves that were numbered anew and come after the mirror's now.
    moved: int


async def refill(
    connection: Connection, files: LogFiles, policy: Policy, vault: Vault, clock: Clock
) -> Refilled:
    """Give a database back the leaves that a mirror has; the caller holds both locks."""
    head = held_head(files, policy)
    signed = await store.last_note(connection)
    base = 0 if signed is None else signed.size
    if head is None or head.size <= base:
        raise RefillError(f"the mirror has nothing beyond size {base}")
    async with connection.transaction():
        entries = await asyncio.to_thread(_entries, files, base, head.size)
        growth = await store.read_growth(connection, base)
        await asyncio.to_thread(_check_continues, files, growth, head)
        kept = await _take_out(connection, base)
        found = _Found(kept, await store.staged_by_commitment(connection, _committed(entries)))
        rows = await _matched(connection, found, entries, base, OpeningKeys(vault), vault)
        lost = sum(1 for row in rows if row[1] == NOBODY and row[2] < 0)
        moved = [row._replace(idx=head.size + place) for place, row in enumerate(found.unclaimed())]
        tiles = growth.append(list(map(leaf_hash, entries)))
        if growth.root() != head.root:
            raise RefillError("the mirror's entries do not make the root that was signed")
        await store.add_leaves(connection, [*rows, *moved])
        await store.drop_staged(connection, found.claimed_places)
        await _add_heads(connection, held_heads(files, policy, above=base) or [head], clock)
        tiles += growth.append([leaf_hash(store.entry_of(row)) for row in moved])
        await store.add_tiles(connection, tiles)
        if moved:
            at = clock.now()
            await store.add_head(connection, Head(growth.size, growth.root()), at=at)
        await store.clear_stops(connection, at=clock.now())
    return Refilled(base, head.size, len(rows) - lost, lost, len(moved))


class _Found:
    """What the database still has of leaves, by type and commitment."""

    def __init__(self, kept: Sequence[StoredLeaf], staged: Sequence[Any]) -> None:
        self._kept: defaultdict[bytes, list[StoredLeaf]] = defaultdict(list)
        for leaf in kept:
            self._kept[store.entry_of(leaf)].append(leaf)
        self._staged = {store.entry_of_staged(row): row for row in staged}
        self.claimed_places: list[int] = []

    def claim_kept(self, entry: bytes) -> StoredLeaf | None:
        """Return a leaf that was numbered, once."""
        waiting = self._kept.get(entry)
        return waiting.pop(0) if waiting else None

    def claim_staged(self, entry: bytes) -> Any | None:
        """Return a leaf that is staged, once."""
        row = self._staged.pop(entry, None)
        if row is not None:
            self.claimed_places.append(row[0])
        return row

    def unclaimed(self) -> list[StoredLeaf]:
        """Return the leaves that were numbered and are not in the mirror, in their order."""
        return sorted(leaf for left in self._kept.values() for leaf in left)


def _entries(files: LogFiles, start: int, stop: int) -> list[bytes]:
    entries: list[bytes] = []
    begin = start - start % WIDTH
    for first in range(begin, stop, WIDTH):
        width = min(WIDTH, stop - first)
        tile = Tile(ENTRIES, first // WIDTH, width)
        entries += parse_bundle(files.read_tile(tile), width)
    entries = entries[start - begin :]
    if any(len(entry) != ENTRY_BYTES for entry in entries):
        raise RefillError("the mirror has entries of another kind")
    return entries


def _check_continues(files: LogFiles, growth: Growth, head: Held) -> None:
    hashes = files.hashes(head.size)
    if fold(hashes(complete_subtrees(0, growth.size))) != growth.root():
        raise RefillError(
            f"the mirror does not continue the head of size {growth.size} that is signed here"
        )


async def _take_out(connection: Connection, base: int) -> list[StoredLeaf]:
    """Take out what was numbered above the last signed head; nobody has seen those numbers."""
    kept = await store.leaves_above(connection, base)
    await store.drop_above(connection, base)
    return kept


def _committed(entries: Sequence[bytes]) -> list[bytes]:
    return [entry[2:] for entry in entries]


async def _matched(
    connection: Connection,
    found: _Found,
    entries: Sequence[bytes],
    base: int,
    keys: OpeningKeys,
    vault: Vault,
) -> list[StoredLeaf]:
    """Return a row for each entry of the mirror."""
    rows = []
    for idx, entry in enumerate(entries, base):
        kept = found.claim_kept(entry)
        if kept is not None:
            rows.append(kept._replace(idx=idx))
        elif (row := found.claim_staged(entry)) is not None:
            _, customer_id, leaf_id, kind, subject_id, salt, committed, created, size, key, body = (
                row
            )
            sealed = None
            if salt is not None:
                sealer = (await keys.of(connection, [customer_id]))[customer_id]
                opening = salt + (body or b"")
                sealed = sealer.encrypt(opening, place_of(customer_id, leaf_id), vault.suite)
            rows.append(
                StoredLeaf(
                    idx, customer_id, leaf_id, kind, subject_id, committed, created, size, key,
                    sealed,
                )
            )  # fmt: skip
        else:
            rows.append(StoredLeaf(idx, NOBODY, -1 - idx, entry[1], 0, entry[2:], 0, 0, None, None))
    return rows


async def _add_heads(connection: Connection, heads: Sequence[Held], clock: Clock) -> None:
    """Take over the heads that the mirror has seen: they are signed and witnessed already."""
    at = clock.now()
    for held in heads:
        text = bytes(held.note).decode()
        await store.add_head(connection, Head(held.size, held.root), at=at)
        await store.add_note(connection, held.size, text, at=at)
        await store.add_witnessed(connection, held.size, text, at=at)
