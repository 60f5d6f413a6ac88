"""Key-encryption keys in HashiCorp Vault's transit engine, over HTTP; they never leave it.

Key         Made by an operator: `type=aes256-gcm96 derived=true`. With derivation the context of a
            data key becomes part of the key that wraps it, so that Vault itself refuses a wrapped
            key that was moved; unlike associated data it also holds when Vault rewraps.
Calls       encrypt, decrypt, rewrap in batches, and keys/rotate, keys, keys/config. A small client
            of our own: `hvac` blocks the event loop and knows a hundred endpoints more.
Token       Read from its file for every call: an agent beside us renews it.
Failures    No answer in time, sealed, standby, refused, no such key: unavailable, and the next
            call tries again. Only what Vault says of one ciphertext counts as a rejected key.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx

from counterfoil.privacy import envelope
from counterfoil.privacy.file_key import FileIndexSecret
from counterfoil.privacy.key_file import put_away, write_once
from counterfoil.privacy.port import (
    KeyRejectedError,
    KeyServiceUnavailableError,
    PlainKey,
    WrappedKey,
)

#: Keys in one request; Vault answers a batch of this size in a few milliseconds.
BATCH: Final = 500
#: Longest wait for Vault, in seconds.
TIMEOUT_SECONDS: Final = 2.0
_VERSION: Final = re.compile(r"vault:v([0-9]{1,9}):")
_INDEX_FILE: Final = re.compile(r"blind-index-([0-9]{4})\.transit")
#: Binds the index secret; no data key has a context like it.
_INDEX_CONTEXT: Final = b"counterfoil.privacy\0blind-index"


class TransitClient:
    """One transit key of a Vault."""

    def __init__(
        self,
        url: str,
        key: str,
        token_file: Path,
        *,
        mount: str = "transit",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Take Vault's address, the key's name and where the token lies; nothing is asked yet."""
        self.key: Final = key
        self._token_file = token_file
        self._base = f"{url.rstrip('/')}/v1/{mount}"
        self._timeout = timeout_seconds
        # Loading the trusted authorities takes longer than the call itself.
        self._verify = httpx.create_ssl_context() if url.startswith("https:") else False

    async def call(
        self, method: str, operation: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the data of an answer; raise KeyServiceUnavailableError where there is none."""
        headers = {"X-Vault-Token": self._token(), "X-Vault-Request": "true"}
        address = f"{self._base}/{operation}"
        try:
            async with httpx.AsyncClient(timeout=self._timeout, verify=self._verify) as client:
                answer = await client.request(method, address, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise KeyServiceUnavailableError(type(error).__name__) from error
        has_items = answer.status_code == HTTPStatus.BAD_REQUEST and b"batch_results" in (
            answer.content
        )
        if not (answer.is_success or has_items):
            raise KeyServiceUnavailableError(f"the key service answered {answer.status_code}")
        if not answer.content:
            return {}
        try:
            data = answer.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise KeyServiceUnavailableError("the key service answered in no known form") from error
        return dict(data or {})

    async def batch(
        self, operation: str, member: str, items: Sequence[Mapping[str, str]]
    ) -> list[str]:
        """Return one member of each item's answer; raise KeyRejectedError for a rejected item."""
        found: list[str] = []
        for part in _parts(items):
            body = {"batch_input": list(part)}
            data = await self.call("POST", f"{operation}/{self.key}", body)
            results = data.get("batch_results", [])
            if any(item.get("error") for item in results):
                raise KeyRejectedError("the key service refused a wrapped key")
            if len(results) != len(part) or not all(item.get(member) for item in results):
                raise KeyServiceUnavailableError("the key service left answers out")
            found += [item[member] for item in results]
        return found

    def _token(self) -> str:
        try:
            return self._token_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise KeyServiceUnavailableError("the token of the key service is missing") from error


class TransitKeyWrapper:
    """Wraps data keys under the newest version of a transit key."""

    def __init__(self, client: TransitClient) -> None:
        """Take the way to Vault."""
        self._client = client

    async def wrap(self, keys: Sequence[PlainKey]) -> list[WrappedKey]:
        """Wrap data keys under the newest version."""
        items = [{"plaintext": _text(key.key), "context": _text(key.context)} for key in keys]
        made = await self._client.batch("encrypt", "ciphertext", items)
        return [self._wrapped(text, key.context) for text, key in zip(made, keys, strict=True)]

    async def unwrap(self, keys: Sequence[WrappedKey]) -> list[bytes]:
        """Return the data keys."""
        texts = await self._client.batch("decrypt", "plaintext", self._items(keys))
        try:
            found = [base64.b64decode(text, validate=True) for text in texts]
        except binascii.Error as error:
            raise KeyServiceUnavailableError("the key service sent no key") from error
        if any(len(key) != envelope.KEY_LENGTH for key in found):
            raise KeyRejectedError("a wrapped key has another length")
        return found

    async def rewrap(self, keys: Sequence[WrappedKey]) -> list[WrappedKey]:
        """Let Vault wrap the same keys under the newest version; they stay inside it."""
        made = await self._client.batch("rewrap", "ciphertext", self._items(keys))
        return [self._wrapped(text, key.context) for text, key in zip(made, keys, strict=True)]

    async def current(self) -> str:
        """Return the name of the newest version."""
        data = await self._client.call("GET", f"keys/{self._client.key}")
        return self._name(int(data["latest_version"]))

    async def rotate(self) -> str:
        """Make the next version."""
        await self._client.call("POST", f"keys/{self._client.key}/rotate", {})
        return await self.current()

    async def retire(self, name: str) -> None:
        """Refuse everything that this version and older ones wrapped; Vault keeps them archived."""
        version = int(name.rpartition(":v")[2])
        body = {"min_decryption_version": version + 1}
        await self._client.call("POST", f"keys/{self._client.key}/config", body)

    def _items(self, keys: Sequence[WrappedKey]) -> list[dict[str, str]]:
        return [
            {"ciphertext": key.blob.decode("ascii", "replace"), "context": _text(key.context)}
            for key in keys
        ]

    def _wrapped(self, text: str, context: bytes) -> WrappedKey:
        match = _VERSION.match(text)
        if match is None:
            raise KeyServiceUnavailableError("the key service answered in no known form")
        return WrappedKey(self._name(int(match[1])), text.encode("ascii"), context)

    def _name(self, version: int) -> str:
        return f"transit:{self._client.key}:v{version}"


class TransitIndexSecret:
    """Index secrets, each wrapped by a transit key of its own and kept as a file.

    The file without Vault is worth nothing, and Vault without the file neither.
    """

    def __init__(
        self, client: TransitClient, directory: Path, older: FileIndexSecret | None = None
    ) -> None:
        """Take the way to a transit key apart from the one that wraps data keys.

        `older` are secrets in files from before the move to Vault; they stay until retired.
        """
        self._client = client
        self._directory = directory
        self._older = older

    async def read(self) -> dict[int, bytes]:
        """Return the secrets by generation; the first is made where there is none at all."""
        found = await self._older.read() if self._older and self._older.is_there() else {}
        if not found and not self._files():
            await self._make(1)
        files = self._files()
        context = _text(_INDEX_CONTEXT)
        items = [
            {"ciphertext": path.read_text("ascii").strip(), "context": context}
            for path in files.values()
        ]
        try:
            texts = await self._client.batch("decrypt", "plaintext", items)
        except KeyRejectedError as error:
            raise KeyServiceUnavailableError("the secret of the index does not open") from error
        return found | dict(zip(files, (base64.b64decode(text) for text in texts), strict=True))

    async def add(self) -> int:
        """Make the next secret, unless there are two already."""
        numbers = sorted(await self.read())
        if len(numbers) > 1:
            return numbers[-1]
        await self._make(numbers[0] + 1)
        return numbers[0] + 1

    async def retire(self, generation: int) -> None:
        """Put a secret where no reader looks; the newest stays."""
        assert generation != max(await self.read()), "the secret that is used is not retired"
        files = self._files()
        if generation in files:
            put_away(files[generation])
        elif self._older is not None:
            self._older.put_away(generation)

    def _files(self) -> dict[int, Path]:
        if not self._directory.is_dir():
            return {}
        found = ((_INDEX_FILE.fullmatch(path.name), path) for path in self._directory.iterdir())
        return dict(sorted((int(match[1]), path) for match, path in found if match))

    async def _make(self, generation: int) -> None:
        item = {"plaintext": _text(envelope.new_key()), "context": _text(_INDEX_CONTEXT)}
        [text] = await self._client.batch("encrypt", "ciphertext", [item])
        write_once(self._directory / f"blind-index-{generation:04d}.transit", text)


def _parts(items: Sequence[Mapping[str, str]]) -> Iterator[Sequence[Mapping[str, str]]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
