"""The log as static files: what anybody may fetch, and what proofs are computed from.

Invariant   A file is there whole or not at all, and durable before anything that relies on it is
            signed: contents are flushed, names put in their places, then directories flushed.
            A tile or bundle never changes; only `checkpoint` is replaced.
Reading     gives the bytes as they are. Whoever needs the root recomputes it from them.
Follows     C2SP tlog-tiles v0.1.0.
"""

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from counterfoil.evidence.formats.lines import HASH_BYTES
from counterfoil.evidence.formats.merkle import RightEdge, complete_subtrees, leaf_hash
from counterfoil.evidence.formats.tile import (
    ENTRIES,
    WIDTH,
    Tile,
    TileEdge,
    TileHashes,
    TileReader,
    format_bundle,
    new_bundles,
    new_tiles,
    parse_bundle,
)

CHECKPOINT: Final = "checkpoint"
POLICY: Final = "policy"
DRAFTS: Final = ".drafts"


class FilesDifferError(Exception):
    """What is stored is not what was written, or not what was signed."""


class LogFiles:
    """One log's directory."""

    def __init__(self, directory: Path) -> None:
        """Take the directory; it is made when something is written."""
        self.directory = directory

    def read(self, path: str) -> bytes | None:
        """Return a file's content; None where it is not there."""
        try:
            return (self.directory / path).read_bytes()
        except FileNotFoundError:
            return None

    def read_tile(self, tile: Tile) -> bytes:
        """Return the bytes of a tile or bundle; of a partial one also out of the full one."""
        data = self.read(tile.path)
        if data is None and tile.width < WIDTH:
            data = _start_of(self.read(tile.full.path), tile)
        if data is None:
            raise FilesDifferError(f"{tile.path} is not there")
        return data

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files durably, all of them before any directory is flushed."""
        # Beside the tree, so that a crash leaves nothing in it that does not belong there.
        drafts = self.directory / DRAFTS
        drafts.mkdir(parents=True, exist_ok=True)
        folders = set()
        for name, data in files.items():
            path = self.directory / name
            folders |= self._make(path.parent)
            draft = drafts / f"{os.getpid()}-{threading.get_ident()}"
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            folders.add(path.parent)
        for folder in folders:
            flush_directory(folder)

    def hashes(self, size: int) -> TileHashes:
        """Return a reader of the hashes of complete subtrees in the tree of a size."""
        return TileHashes(self.read_tile, size)

    def edge(self, size: int) -> "Edge":
        """Return the right edge of the tree of a size, as the stored tiles have it."""
        return edge_of(self.hashes(size), self.read_tile, size)

    def drop_partials(self, old_size: int, new_size: int) -> None:
        """Remove partial tiles of an older size whose full tile is there now."""
        full = {tile for tile in _new(old_size, new_size) if tile.width == WIDTH}
        for tile in full:
            folder = (self.directory / tile.path).with_name(Path(tile.path).name + ".p")
            if folder.is_dir():
                for left in folder.iterdir():
                    left.unlink()
                folder.rmdir()

    def _make(self, folder: Path) -> set[Path]:
        """Make a directory; return those whose names have to be flushed."""
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            new.mkdir(exist_ok=True)
        return {new.parent for new in missing}


class Edge:
    """The right edge of a tree twice: as tiles to be written, and as subtrees for the root."""

    def __init__(self, tiles: TileEdge, subtrees: RightEdge) -> None:
        """Take both; they are of one size."""
        assert tiles.size == subtrees.size, "one edge"
        self._tiles = tiles
        self._subtrees = subtrees

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self._subtrees.size

    def root(self) -> bytes:
        """Return the root."""
        return self._subtrees.root()

    def append(self, entries: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """Append entries; return the tiles that they complete."""
        hashes = list(map(leaf_hash, entries))
        self._subtrees.append(hashes)
        return self._tiles.append(hashes)

    def partials(self) -> list[tuple[Tile, bytes]]:
        """Return the partial tiles of the present size."""
        return self._tiles.partials()


def edge_of(hashes: TileHashes, read: TileReader, size: int) -> Edge:
    """Return the right edge of the tree of a size from its tiles."""
    levels, level = [], 0
    while size >> 8 * level:
        width = (size >> 8 * level) % WIDTH
        tile = Tile(level, size >> 8 * (level + 1), width)
        data = read(tile) if width else b""
        levels.append([data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)])
        level += 1
    return Edge(TileEdge(size, levels), RightEdge(size, hashes(complete_subtrees(0, size))))


def bundles_between(start: int, entries: Sequence[bytes]) -> Iterable[tuple[Tile, bytes]]:
    """Yield the bundles over entries of which the first begins a bundle."""
    assert start % WIDTH == 0, "a bundle begins there"
    for begin in range(0, len(entries), WIDTH):
        part = entries[begin : begin + WIDTH]
        yield Tile(ENTRIES, (start + begin) // WIDTH, len(part)), format_bundle(part)


def _start_of(full: bytes | None, tile: Tile) -> bytes | None:
    if full is None:
        return None
    if tile.level != ENTRIES:
        return full[: HASH_BYTES * tile.width]
    return format_bundle(parse_bundle(full, WIDTH)[: tile.width])


def _new(old_size: int, new_size: int) -> Iterable[Tile]:
    yield from new_tiles(old_size, new_size)
    yield from new_bundles(old_size, new_size)


def flush_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
