"""Key-encryption keys and the index secret as files: for development and small installations.

Form        `wrapping-0001.key`, `wrapping-0002.key` …: 32 bytes in hexadecimal, one line, mode
            0600. The highest number wraps; every number still there unwraps. The directory is
            backed up apart from the database: who has both can read, who lost one cannot.
Invariant   A file is written once, complete, and never over another: two processes that start
            together end up with the same key. A key that is missing later is never made anew
            behind an operator's back; the vault is unavailable instead.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from counterfoil.privacy import envelope
from counterfoil.privacy.port import (
    KeyRejectedError,
    KeyServiceUnavailableError,
    PlainKey,
    WrappedKey,
)

_WRAPPING: Final = re.compile(r"wrapping-([0-9]{4})\.key")
_INDEX_FILE: Final = "blind-index.key"
_PREFIX: Final = "file:"
_OWNER_ONLY: Final = 0o700


class FileKeyWrapper:
    """Wraps data keys under the newest key file of a directory."""

    def __init__(self, directory: Path) -> None:
        """Take the directory; `create_keys` has made the first key."""
        self._directory = directory

    async def wrap(self, keys: Sequence[PlainKey]) -> list[WrappedKey]:
        """Wrap data keys under the newest key file."""
        name = _newest(self._directory)
        wrapping = _read(self._directory / name)
        wrapped_by = _PREFIX + name.removesuffix(".key")
        return [
            WrappedKey(wrapped_by, envelope.encrypt(wrapping, item.key, item.context), item.context)
            for item in keys
        ]

    async def unwrap(self, keys: Sequence[WrappedKey]) -> list[bytes]:
        """Return the data keys; each key file that is needed is read once."""
        wrapping = {name: self._key(name) for name in {item.wrapped_by for item in keys}}
        try:
            return [
                envelope.decrypt(wrapping[item.wrapped_by], item.blob, item.context)
                for item in keys
            ]
        except envelope.CiphertextRejectedError as error:
            raise KeyRejectedError("a wrapped key does not open") from error

    def _key(self, wrapped_by: str) -> bytes:
        name = wrapped_by.removeprefix(_PREFIX) + ".key"
        if not _WRAPPING.fullmatch(name):
            raise KeyServiceUnavailableError("the key was wrapped by another key service")
        return _read(self._directory / name)


class FileIndexSecret:
    """Reads the secret of the blind index from its file."""

    def __init__(self, directory: Path) -> None:
        """Take the directory; `create_keys` has made the secret."""
        self._directory = directory

    async def read(self) -> bytes:
        """Return the secret."""
        return _read(self._directory / _INDEX_FILE)


def create_keys(directory: Path) -> None:
    """Make the first key and the index secret where there are none; leave others alone."""
    directory.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
    if not _numbers(directory):
        _write_once(directory / _file_name(1))
    if not (directory / _INDEX_FILE).exists():
        _write_once(directory / _INDEX_FILE)


# house: allow dead-code – an operator's act, for which there is no command yet
def rotate(directory: Path) -> str:
    """Make the next key and return its name; what older keys wrapped stays readable."""
    name = _file_name(max(_numbers(directory), default=0) + 1)
    _write_once(directory / name)
    return name


def _file_name(number: int) -> str:
    return f"wrapping-{number:04d}.key"


def _numbers(directory: Path) -> list[int]:
    if not directory.is_dir():
        return []
    found = (_WRAPPING.fullmatch(path.name) for path in directory.iterdir())
    return [int(match[1]) for match in found if match]


def _newest(directory: Path) -> str:
    numbers = _numbers(directory)
    if not numbers:
        raise KeyServiceUnavailableError("there is no key file")
    return _file_name(max(numbers))


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise KeyServiceUnavailableError(f"the key file {path.name} cannot be read") from error
    if len(key) != envelope.KEY_LENGTH:
        raise KeyServiceUnavailableError(f"the key file {path.name} has the wrong length")
    return key


def _write_once(path: Path) -> None:
    """Write a new key completely and durably, then give it its name unless that is taken."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(envelope.new_key().hex() + "\n")
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
