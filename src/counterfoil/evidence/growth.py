"""How the tree grows: leaf hashes go in at the right edge, full tiles come out.

Invariant   Level l holds floor(size / 256^l) mod 256 hashes that are not yet in a full tile. Each
            hash of a level above the first is the root over one full tile of the level below, so
            the whole state is fewer than 256 hashes a level.
Follows     RFC 6962 section 2.1 (hashes), C2SP tlog-tiles v0.1.0 (tiles of height 8).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from counterfoil.evidence.formats.merkle import EMPTY_ROOT, root_of
from counterfoil.evidence.formats.tile import WIDTH


class FullTile(NamedTuple):
    """A tile that will never change again."""

    level: int
    n: int
    #: 256 hashes of 32 bytes.
    hashes: bytes
    #: The root over them, a hash of the level above.
    root: bytes


class Growth:
    """The right edge of a tree; two of the same size and root go on alike."""

    def __init__(self, size: int = 0, edge: Iterable[Iterable[bytes]] = ()) -> None:
        """Take a size and, level by level, the hashes that are not yet in a full tile."""
        self.size = size
        self._levels = [list(hashes) for hashes in edge]
        for level, hashes in enumerate(self._levels):
            assert len(hashes) == width_at(size, level), "the edge is not of this size"

    def copy(self) -> "Growth":
        """Return one that grows on its own, for a batch that may yet fail."""
        return Growth(self.size, self._levels)

    def append(self, leaf_hashes: Sequence[bytes]) -> list[FullTile]:
        """Add leaves; return the tiles that they filled, the lower ones first."""
        self.size += len(leaf_hashes)
        filled: list[FullTile] = []
        self._extend(0, list(leaf_hashes), filled)
        return filled

    def root(self) -> bytes:
        """Return the root of the tree."""
        remainder: list[bytes] = []
        for hashes in self._levels:
            nodes = hashes + remainder
            remainder = [root_of(nodes)] if nodes else []
        return remainder[0] if remainder else EMPTY_ROOT

    def _extend(self, level: int, hashes: list[bytes], filled: list[FullTile]) -> None:
        if level == len(self._levels):
            self._levels.append([])
        waiting = self._levels[level] + hashes
        full = len(waiting) // WIDTH
        first = (self.size >> (8 * (level + 1))) - full
        roots = []
        for number in range(full):
            tile = waiting[number * WIDTH : (number + 1) * WIDTH]
            root = root_of(tile)
            roots.append(root)
            filled.append(FullTile(level, first + number, b"".join(tile), root))
        self._levels[level] = waiting[full * WIDTH :]
        if roots:
            self._extend(level + 1, roots, filled)


def width_at(size: int, level: int) -> int:
    """Return how many hashes of a level are not in a full tile."""
    return (size >> (8 * level)) % WIDTH


def levels_of(size: int) -> int:
    """Return how many levels a tree of this size has."""
    return max(1, (max(size, 1).bit_length() + 7) // 8)
