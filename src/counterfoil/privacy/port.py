"""The way to whoever keeps the key-encryption keys and the secret of the blind index.

A file for development (`file_key.py`); a key service or a hardware module in production. A
caller never waits for it inside a database transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class KeyServiceUnavailableError(Exception):
    """The key service did not answer, or does not have the key that is needed."""


class KeyRejectedError(Exception):
    """A wrapped key was altered, or was wrapped for another context."""


@dataclass(frozen=True, slots=True, repr=False)
class PlainKey:
    """A data key in the clear and what it is bound to; it never shows itself in a log."""

    key: bytes
    context: bytes


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored: which key-encryption key wrapped it, and the result."""

    wrapped_by: str
    blob: bytes
    context: bytes


class KeyWrapper(Protocol):
    """Wraps and unwraps data keys, many at once."""

    async def wrap(self, keys: Sequence[PlainKey]) -> list[WrappedKey]:
        """Wrap data keys under the current key-encryption key."""
        ...

    async def unwrap(self, keys: Sequence[WrappedKey]) -> list[bytes]:
        """Return the data keys, whichever key-encryption key wrapped them."""
        ...


class IndexSecret(Protocol):
    """Keeps the secret that blind indexes are derived from."""

    async def read(self) -> bytes:
        """Return the secret, 32 bytes."""
        ...
