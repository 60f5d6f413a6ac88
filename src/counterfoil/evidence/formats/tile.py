"""Tiles: the tree cut into files of 256 hashes, and the entries into bundles of the same width.

Units       A tile's level counts tiles, eight levels of the tree each; its number counts within
            the level; its width is the number of hashes, 1 to 256, below 256 for a partial tile.
Follows     C2SP tlog-tiles v0.1.0.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.evidence.formats.lines import HASH_BYTES, NUMBER_MAX
from counterfoil.evidence.formats.merkle import Node, root_of
from counterfoil.evidence.formats.reasons import Reason, RejectedError

WIDTH: Final = 256
_HEIGHT: Final = 8
#: In the place of a level: the entries themselves.
ENTRIES: Final = -1
_LENGTH_BYTES: Final = 2
ENTRY_BYTES_MAX: Final = 2 ** (8 * _LENGTH_BYTES) - 1
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9]|[1-5][0-9]|6[0-3])/(?P<number>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class TileRejectedError(RejectedError):
    """A tile or a bundle of entries is not what it should be."""


class Tile(NamedTuple):
    """One file of hashes, or with the level `ENTRIES` one of entries."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return the path below the log's prefix."""
        groups = [f"{self.number % 1000:03}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else self.level
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @property
    def full(self) -> "Tile":
        """Return the full tile in the same place."""
        return self._replace(width=WIDTH)


def parse_tile_path(path: str) -> Tile | None:
    """Return the tile that a path names, nothing for any other path or spelling."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    digits = found["number"].replace("x", "").replace("/", "")
    tile = Tile(level, int(digits), int(found["width"] or WIDTH))
    is_partial = found["width"] is not None
    if tile.width > WIDTH or is_partial == (tile.width == WIDTH) or tile.path != path:
        return None
    return tile


def bundles_of_size(size: int) -> Iterator[Tile]:
    """Return the bundles of entries of a log."""
    return new_bundles(0, size)


def count_at(level: int, size: int) -> int:
    """Return how many hashes a level of tiles has, or how many entries there are."""
    return size if level == ENTRIES else size >> _HEIGHT * level


def new_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """Return the tiles that a tree has and that it had not when it was smaller."""
    assert 0 <= old_size <= new_size <= NUMBER_MAX
    level = 0
    while new_size:
        yield from _new_in_level(level, old_size, new_size)
        old_size >>= _HEIGHT
        new_size >>= _HEIGHT
        level += 1


def new_bundles(old_size: int, new_size: int) -> Iterator[Tile]:
    """Return the bundles that a log has and that it had not when it was smaller."""
    assert 0 <= old_size <= new_size <= NUMBER_MAX
    return _new_in_level(ENTRIES, old_size, new_size)


def _new_in_level(level: int, old_count: int, new_count: int) -> Iterator[Tile]:
    if old_count == new_count:
        return
    full, rest = divmod(new_count, WIDTH)
    for number in range(old_count // WIDTH, full):
        yield Tile(level, number)
    if rest:
        yield Tile(level, full, rest)


def format_bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries one after the other, each behind its length."""
    parts = []
    for entry in entries:
        assert len(entry) <= ENTRY_BYTES_MAX
        parts += [len(entry).to_bytes(_LENGTH_BYTES), entry]
    return b"".join(parts)


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the entries of a bundle of exactly this width."""
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + _LENGTH_BYTES
        end = start + int.from_bytes(data[place:start])
        if not start <= end <= len(data):
            raise TileRejectedError(Reason.BUNDLE_MALFORMED, f"cut off in entry {len(entries)}")
        entries.append(data[start:end])
        place = end
    if len(entries) != width:
        raise TileRejectedError(Reason.BUNDLE_MALFORMED, f"{len(entries)} entries, not {width}")
    return entries


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile of exactly this width."""
    if len(data) != width * HASH_BYTES:
        raise TileRejectedError(Reason.TILE_LENGTH, f"{len(data)} bytes for {width} hashes")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


#: Gives the bytes of a tile.
TileReader = Callable[[Tile], bytes]


def tile_of_node(node: Node, size: int) -> tuple[Tile, int, int]:
    """Return the tile of a tree of some size from which a node follows, and which hashes of it.

    The hashes are those from the first number up to, not including, the second.
    """
    level, below = divmod(node.level, _HEIGHT)
    first = node.number << below
    number, begin = divmod(first, WIDTH)
    width = min(WIDTH, (size >> _HEIGHT * level) - number * WIDTH)
    end = begin + (1 << below)
    assert end <= width
    return Tile(level, number, width), begin, end


class TileHashes:
    """Hashes of complete subtrees out of the tiles of one size; a `merkle.HashReader`."""

    def __init__(self, read: TileReader, size: int) -> None:
        """Read from the tiles of a tree of this size."""
        self._size = size
        self._hashes = lru_cache(maxsize=256)(lambda tile: parse_tile(read(tile), tile.width))
        # Proofs of one tree share most of their upper nodes.
        self._node = lru_cache(maxsize=65_536)(self._read_node)

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hashes of nodes."""
        return [self._node(node) for node in nodes]

    def _read_node(self, node: Node) -> bytes:
        tile, begin, end = tile_of_node(node, self._size)
        return root_of(self._hashes(tile)[begin:end])


class TileEdge:
    """The unfinished tiles at the right edge of a growing tree, one a level.

    Invariant   Level l holds floor(size / 256^l) mod 256 hashes.
    """

    def __init__(self, size: int = 0, hashes: Sequence[Sequence[bytes]] = ()) -> None:
        """Take up the tree from a size and, level by level, the hashes of its partial tiles."""
        self._size = size
        self._levels = [list(level) for level in hashes]
        assert [len(level) for level in self._levels] == [
            size >> _HEIGHT * level & WIDTH - 1 for level in range(len(self._levels))
        ]
        assert size >> _HEIGHT * len(self._levels) == 0

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self._size

    def append(self, leaf_hashes: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """Append leaves and return the tiles that they complete."""
        completed = []
        count, self._size = self._size, self._size + len(leaf_hashes)
        hashes, level = list(leaf_hashes), 0
        while hashes:
            if level == len(self._levels):
                self._levels.append([])
            pending = self._levels[level] + hashes
            number, hashes = count // WIDTH, []
            for begin in range(0, len(pending) - WIDTH + 1, WIDTH):
                tile = pending[begin : begin + WIDTH]
                completed.append((Tile(level, number + len(hashes)), b"".join(tile)))
                hashes.append(root_of(tile))
            self._levels[level] = pending[len(hashes) * WIDTH :]
            count >>= _HEIGHT
            level += 1
        return completed

    def partials(self) -> list[tuple[Tile, bytes]]:
        """Return the partial tiles of the present size."""
        return [
            (Tile(level, self._size >> _HEIGHT * (level + 1), len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._levels)
            if hashes
        ]
