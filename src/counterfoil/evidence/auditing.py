"""The whole log of a database computed again: numbers, entries, tiles, every root, every note.

Follows     RFC 6962 section 2.1; the tiles are compared byte for byte.
Cost        Each leaf and each node is hashed once; roots of any size are folded from the nodes, and
            tiles are cut out of them.
Bounds      Memory for one page of leaves and its nodes, whatever the size of the log.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from counterfoil.evidence import log_store as store
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import (
    RightEdge,
    complete_subtrees,
    fold,
    subtrees_over,
)
from counterfoil.evidence.formats.note import parse_note
from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.evidence.formats.tile import WIDTH
from counterfoil.evidence.growth import FullTile, Growth
from counterfoil.evidence.log_store import Connection

#: A tile is the complete subtree of this level, a page that of two tiles one above the other.
_TILE_LEVEL: Final = 8
_PAGE_LEVEL: Final = 16
#: Leaves of one page: some megabytes.
PAGE_LEAVES: Final = 1 << _PAGE_LEVEL


@dataclass(slots=True)
class Audit:
    """What an audit goes by."""

    connection: Connection
    #: The tree over the roots of full pages, to give roots and to fill the upper tiles.
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
            hashes = await store.read_leaf_hashes(self.connection, start, stop=stop)
            if len(hashes) != stop - start:
                yield f"of the numbers {start} to {stop - 1} there are {len(hashes)}"
                return
            levels = subtrees_over(hashes)
            async for fault in self._page(start, levels):
                yield fault
        beyond = await store.count_beyond(self.connection, size)
        if beyond:
            yield f"{beyond} leaves have numbers beyond the last root of size {size}"

    async def _page(self, start: int, levels: list[list[bytes]]) -> AsyncIterator[str]:
        stop = start + len(levels[0])
        for head in await store.heads_between(self.connection, start, stop=stop):
            self.examined += 1
            own = [
                levels[level][number - (start >> level)]
                for level, number in complete_subtrees(start, head.size)
            ]
            if fold([*self.edge.hashes, *own]) != head.root:
                yield f"the leaves make another root of size {head.size} than the one kept"
            elif head.note is not None and not _is_of(head.note, head.size, head.root):
                yield f"the note of size {head.size} does not say its root"
        self.examined += stop - start
        tiles = self._tiles(start, levels)
        kept = await store.read_full_tiles(self.connection, [(t.level, t.n) for t in tiles])
        for tile in tiles:
            self.examined += 1
            if kept.get((tile.level, tile.n)) != tile:
                yield _named(tile)

    def _tiles(self, start: int, levels: list[list[bytes]]) -> list[FullTile]:
        """Return the tiles that a page fills, and put a full page on the edge."""
        roots = levels[_TILE_LEVEL] if len(levels) > _TILE_LEVEL else []
        tiles = [
            FullTile(0, (start >> _TILE_LEVEL) + n, b"".join(_part(levels[0], n)), root)
            for n, root in enumerate(roots)
        ]
        if len(levels) <= _PAGE_LEVEL:
            return tiles
        [root] = levels[_PAGE_LEVEL]
        tiles.append(FullTile(1, start >> _PAGE_LEVEL, b"".join(roots), root))
        self.edge.append([root])
        above = self.growth.append([root])
        return tiles + [tile._replace(level=tile.level + 2) for tile in above]


def _part(hashes: list[bytes], n: int) -> list[bytes]:
    return hashes[n * WIDTH : (n + 1) * WIDTH]


def _is_of(note: str, size: int, root: bytes) -> bool:
    try:
        checkpoint = Checkpoint.parse(parse_note(note.encode()).text)
    except RejectedError:
        return False
    return (checkpoint.size, checkpoint.root) == (size, root)


def _named(tile: FullTile) -> str:
    return f"the tile {tile.n} of level {tile.level} is not what the leaves make it"
