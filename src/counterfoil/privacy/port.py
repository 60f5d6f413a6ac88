"""The way to whoever keeps the key-encryption keys and the secrets of the blind index.

Files for development (`file_key.py`), HashiCorp Vault's transit engine (`transit_key.py`); a
certified cipher machine plugs in here as well. Only small batches of keys, never records, go to
it: content is encrypted in this process under data keys.
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

    async def rewrap(self, keys: Sequence[WrappedKey]) -> list[WrappedKey]:
        """Wrap the same data keys under the current key-encryption key."""
        ...

    async def current(self) -> str:
        """Return the name of the key-encryption key that wraps now, as `wrapped_by` has it."""
        ...

    async def rotate(self) -> str:
        """Make the next key-encryption key current and return its name; older ones unwrap."""
        ...

    async def retire(self, name: str) -> None:
        """End a key-encryption key that wraps nothing any more."""
        ...


class IndexSecret(Protocol):
    """Keeps the secrets that blind indexes are derived from, by generation."""

    async def read(self) -> dict[int, bytes]:
        """Return the secrets, 32 bytes each; two of them only while the index is rotated."""
        ...

    async def add(self) -> int:
        """Make the next secret, unless there are two already; return its generation."""
        ...

    async def retire(self, generation: int) -> None:
        """End a secret from which no digest is derived any more."""
        ...
