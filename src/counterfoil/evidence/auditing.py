"""The whole log of a database computed again: numbers, entries, tiles, every root, every note.

Follows     RFC 6962 section 2.1; the tiles are compared byte for byte.
Bounds      Memory for one page of leaves, whatever the size of the log.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from counterfoil.evidence import log_store as store
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import RightEdge, leaf_hash
from counterfoil.evidence.formats.note import parse_note
from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.evidence.growth import FullTile, Growth
from counterfoil.evidence.log_store import Connection

#: Leaves of one page: some megabytes, and a whole number of tiles.
PAGE_LEAVES: Final = 65_536


@dataclass(slots=True)
class Audit:
    """What an audit goes by."""

    connection: Connection
    edge: RightEdge = field(default_factory=RightEdge)
    growth: Growth = field(default_factory=Growth)
    #: Leaves, tiles, roots and notes that were compared.
    examined: int = 0

    async def faults(self) -> AsyncIterator[str]:
        """Yield what is wrong with the log; nothing where all of it holds."""
        head = await store.last_head(self.connection)
        size = 0 if head is None else head.size
        for start in range(0, size, PAGE_LEAVES):
            stop = min(size, start + PAGE_LEAVES)
            entries = await store.read_entries(self.connection, start, stop=stop)
            if len(entries) != stop - start:
                yield f"of the numbers {start} to {stop - 1} there are {len(entries)}"
                return
            hashes = [leaf_hash(text) for text in entries]
            async for fault in self._page(start, hashes):
                yield fault
        beyond = await store.count_beyond(self.connection, size)
        if beyond:
            yield f"{beyond} leaves have numbers beyond the last root of size {size}"

    async def _page(self, start: int, hashes: list[bytes]) -> AsyncIterator[str]:
        stop = start + len(hashes)
        for head in await store.heads_between(self.connection, start, stop=stop):
            self.edge.append(hashes[self.edge.size - start : head.size - start])
            self.examined += 1
            if self.edge.root() != head.root:
                yield f"the leaves make another root of size {head.size} than the one kept"
            elif head.note is not None and not _is_of(head.note, head.size, head.root):
                yield f"the note of size {head.size} does not say its root"
        self.edge.append(hashes[self.edge.size - start :])
        self.examined += len(hashes)
        tiles = self.growth.append(hashes)
        kept = await store.read_full_tiles(self.connection, [(t.level, t.n) for t in tiles])
        for tile in tiles:
            self.examined += 1
            if kept.get((tile.level, tile.n)) != tile:
                yield _named(tile)


def _is_of(note: str, size: int, root: bytes) -> bool:
    try:
        checkpoint = Checkpoint.parse(parse_note(note.encode()).text)
    except RejectedError:
        return False
    return (checkpoint.size, checkpoint.root) == (size, root)


def _named(tile: FullTile) -> str:
    return f"the tile {tile.n} of level {tile.level} is not what the leaves make it"
