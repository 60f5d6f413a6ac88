"""Files that are there whole, after a crash too, or not at all.

Invariant   A reader sees the old content or the new one, never a mixture. When a function returns,
            the content and its name have been flushed: a power failure does not take them back.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Of directories: others may not even see which logs are witnessed.
OWNER_ONLY: Final = 0o700
_FILE_MODE: Final = 0o600


def make_directory(path: Path) -> None:
    """Make a directory and those above it, for its owner alone, and flush their names."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=OWNER_ONLY, exist_ok=True)
        flush_directory(folder.parent)


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of the one of that name, if there is one.

    Two at once leave one of the two contents; who has to be sure of more holds a lock.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.draft")
    _write(draft, content)
    draft.replace(path)
    flush_directory(path.parent)


def create(path: Path, content: bytes) -> bool:
    """Write a file unless there is one of that name already; return whether it was written."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.draft")
    _write(draft, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    flush_directory(path.parent)
    return True


def flush_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    descriptor = os.open(path, flags, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
