"""A log's files in a directory: `checkpoint`, `tile/…` and `tile/entries/…`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from counterfoil.evidence.formats.tile import Tile

CHECKPOINT: Final = "checkpoint"
TILES: Final = "tile"


class TileDirectory:
    """Reads what a log published."""

    def __init__(self, directory: Path) -> None:
        """Read below a directory."""
        self._directory = directory

    def checkpoint(self) -> bytes:
        """Return the log's head."""
        return (self._directory / CHECKPOINT).read_bytes()

    def read(self, tile: Tile) -> bytes | None:
        """Return the bytes of a tile or bundle, nothing if there is none."""
        try:
            return (self._directory / tile.path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def paths(self) -> Iterator[str]:
        """Return the paths of all files below `tile/`, sorted."""
        root = self._directory / TILES
        files = (path for path in root.rglob("*") if not path.is_dir())
        yield from sorted(path.relative_to(self._directory).as_posix() for path in files)
