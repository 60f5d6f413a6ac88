"""Key-encryption keys and index secrets as files: for development and small installations.

Form        `wrapping-0001.key`, `wrapping-0002.key` …: 32 bytes in hexadecimal, one line, mode
            0600. The highest number wraps; every number still there unwraps. The index secrets are
            `blind-index.key`, then `blind-index-0002.key` and so on. The directory is backed up
            apart from the database: who has both can read, who lost one cannot.
Retired     keys move to `retired/` beside them, where nobody looks for them: a backup of the
            database from before the rotation needs them. Whoever deletes them there puts every
            such backup, and with it whatever was erased since, out of reach.
Invariant   A file is written once, complete, and never over another: two processes that start
            together end up with the same key. A key that is missing later is never made anew
            behind an operator's back; the vault is unavailable instead.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from counterfoil.privacy import envelope
from counterfoil.privacy.envelope import Sealer, Suite
from counterfoil.privacy.key_file import put_away, write_once
from counterfoil.privacy.port import (
    KeyRejectedError,
    KeyServiceUnavailableError,
    PlainKey,
    WrappedKey,
)

_WRAPPING: Final = re.compile(r"wrapping-([0-9]{4})\.key")
_INDEX: Final = re.compile(r"blind-index(?:-([0-9]{4}))?\.key")
_PREFIX: Final = "file:"
_OWNER_ONLY: Final = 0o700


class FileKeyWrapper:
    """Wraps data keys under the newest key file of a directory."""

    def __init__(self, directory: Path, suite: Suite = Suite.AES_256_GCM) -> None:
        """Take the directory and by what to wrap; `create_keys` has made the first key."""
        self._directory = directory
        self._suite = suite

    async def wrap(self, keys: Sequence[PlainKey]) -> list[WrappedKey]:
        """Wrap data keys under the newest key file."""
        name = _newest(self._directory)
        wrapping = Sealer(_read(self._directory / name))
        wrapped_by = _PREFIX + name.removesuffix(".key")
        return [
            WrappedKey(
                wrapped_by, wrapping.encrypt(item.key, item.context, self._suite), item.context
            )
            for item in keys
        ]

    async def unwrap(self, keys: Sequence[WrappedKey]) -> list[bytes]:
        """Return the data keys; each key file that is needed is read once."""
        names = {item.wrapped_by for item in keys}
        wrapping = {name: Sealer(_read(self._path(name))) for name in names}
        try:
            return [wrapping[item.wrapped_by].decrypt(item.blob, item.context) for item in keys]
        except envelope.CiphertextRejectedError as error:
            raise KeyRejectedError("a wrapped key does not open") from error

    async def rewrap(self, keys: Sequence[WrappedKey]) -> list[WrappedKey]:
        """Wrap the same data keys under the newest key file."""
        clear = await self.unwrap(keys)
        return await self.wrap(
            [PlainKey(key, item.context) for key, item in zip(clear, keys, strict=True)]
        )

    async def current(self) -> str:
        """Return the name of the newest key file, as `wrapped_by` has it."""
        return _PREFIX + _newest(self._directory).removesuffix(".key")

    async def rotate(self) -> str:
        """Make the next key file."""
        number = max(_numbers(self._directory, _WRAPPING), default=0) + 1
        write_once(self._directory / _file_name(number), envelope.new_key().hex())
        return await self.current()

    async def retire(self, name: str) -> None:
        """Put a key file where no reader looks; the newest stays."""
        assert name != await self.current(), "the key that wraps is not retired"
        put_away(self._path(name))

    def _path(self, wrapped_by: str) -> Path:
        name = wrapped_by.removeprefix(_PREFIX) + ".key"
        if not _WRAPPING.fullmatch(name):
            raise KeyServiceUnavailableError("the key was wrapped by another key service")
        return self._directory / name


class FileIndexSecret:
    """Reads the secrets of the blind index from their files."""

    def __init__(self, directory: Path) -> None:
        """Take the directory; `create_keys` has made the first secret."""
        self._directory = directory

    async def read(self) -> dict[int, bytes]:
        """Return the secrets by generation."""
        numbers = _numbers(self._directory, _INDEX)
        if not numbers:
            raise KeyServiceUnavailableError("there is no file with the secret of the index")
        return {number: _read(self._directory / _index_name(number)) for number in sorted(numbers)}

    async def add(self) -> int:
        """Make the next secret, unless there are two already."""
        numbers = sorted((await self.read()).keys())
        if len(numbers) > 1:
            return numbers[-1]
        write_once(self._directory / _index_name(numbers[-1] + 1), envelope.new_key().hex())
        return numbers[-1] + 1

    async def retire(self, generation: int) -> None:
        """Put a secret where no reader looks; the newest stays."""
        assert generation != max(await self.read()), "the secret that is used is not retired"
        self.put_away(generation)

    def is_there(self) -> bool:
        """Return whether there is a file with a secret."""
        return bool(_numbers(self._directory, _INDEX))

    def put_away(self, generation: int) -> None:
        """Move a secret to the retired ones."""
        put_away(self._directory / _index_name(generation))


def create_keys(directory: Path) -> None:
    """Make the first key and the index secret where there are none; leave others alone.

    Where the index secret is there, somebody has worked here before: a key that is missing then was
    lost or moved, and what a new one of its name wraps would be lost as soon as it comes back.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
    if not _numbers(directory, _WRAPPING) and not _numbers(directory, _INDEX):
        write_once(directory / _file_name(1), envelope.new_key().hex())
    if not _numbers(directory, _INDEX):
        write_once(directory / _index_name(1), envelope.new_key().hex())


def _file_name(number: int) -> str:
    return f"wrapping-{number:04d}.key"


def _index_name(generation: int) -> str:
    return "blind-index.key" if generation == 1 else f"blind-index-{generation:04d}.key"


def _numbers(directory: Path, pattern: re.Pattern[str]) -> list[int]:
    if not directory.is_dir():
        return []
    found = (pattern.fullmatch(path.name) for path in directory.iterdir())
    return [int(match[1] or 1) for match in found if match]


def _newest(directory: Path) -> str:
    numbers = _numbers(directory, _WRAPPING)
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
