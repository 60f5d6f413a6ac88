"""Small files with secrets: written once, complete and durable, readable by their owner only."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_once(path: Path, text: str) -> None:
    """Write a new file completely and durably, then give it its name unless that is taken."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first, and its key counts
    finally:
        Path(draft).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def put_away(path: Path) -> None:
    """Move a file to `retired/` beside it; one that is not there any more was moved before."""
    shelf = path.parent / "retired"
    shelf.mkdir(exist_ok=True, mode=0o700)
    with suppress(FileNotFoundError):
        path.rename(shelf / path.name)
