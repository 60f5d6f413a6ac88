"""A log's files in a directory: `checkpoint`, `tile/…` and `tile/entries/…`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from counterfoil.evidence.formats.lines import HASH_BYTES
from counterfoil.evidence.formats.reasons import Reason, RejectedError
from counterfoil.evidence.formats.tile import Tile, TileHashes

CHECKPOINT: Final = "checkpoint"
TILES: Final = "tile"
#: Nothing of that name, or no file.
_NO_FILE: Final = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class TileDirectory:
    """Reads what a log published."""

    def __init__(self, directory: Path) -> None:
        """Read below a directory."""
        self._directory = directory

    def checkpoint(self) -> bytes:
        """Return the log's head."""
        try:
            return (self._directory / CHECKPOINT).read_bytes()
        except _NO_FILE as failure:
            raise RejectedError(Reason.FILE_MISSING, CHECKPOINT) from failure

    def read(self, tile: Tile) -> bytes | None:
        """Return the bytes of a tile or bundle, nothing if there is none."""
        try:
            return (self._directory / tile.path).read_bytes()
        except _NO_FILE:
            return None

    def hashes(self, size: int) -> TileHashes:
        """Return the hashes of a tree of some size, to make proofs from."""

        def read(tile: Tile) -> bytes:
            data = self.read(tile)
            if data is None and (full := self.read(tile.full)) is not None:
                # A log may drop a partial tile once it has the full one.
                data = full[: tile.width * HASH_BYTES]
            if data is None:
                raise RejectedError(Reason.FILE_MISSING, tile.path)
            return data

        return TileHashes(read, size)

    def paths(self) -> Iterator[str]:
        """Return the paths of all files below `tile/`, sorted."""
        root = self._directory / TILES
        files = (path for path in root.rglob("*") if not path.is_dir())
        yield from sorted(path.relative_to(self._directory).as_posix() for path in files)
