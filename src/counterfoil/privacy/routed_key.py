"""Two key services at once, while an installation moves from one to the other.

The new one wraps; what the old one wrapped is unwrapped by it until the rows are rewrapped, which
is an ordinary rotation.
"""

from collections.abc import Mapping, Sequence

from counterfoil.privacy.port import KeyServiceUnavailableError, KeyWrapper, PlainKey, WrappedKey


class RoutedKeyWrapper:
    """Wraps by the first of several services, unwraps by the one that wrapped."""

    def __init__(self, services: Mapping[str, KeyWrapper]) -> None:
        """Take the services by the word before the colon of their keys' names, new one first."""
        self._services = services
        self._newest = next(iter(services.values()))

    async def wrap(self, keys: Sequence[PlainKey]) -> list[WrappedKey]:
        """Wrap data keys by the new service."""
        return await self._newest.wrap(keys)

    async def unwrap(self, keys: Sequence[WrappedKey]) -> list[bytes]:
        """Return the data keys, each from the service that wrapped it."""
        found: dict[int, bytes] = {}
        for word in {_word(key.wrapped_by) for key in keys}:
            places = [place for place, key in enumerate(keys) if _word(key.wrapped_by) == word]
            clear = await self._service(word).unwrap([keys[place] for place in places])
            found |= dict(zip(places, clear, strict=True))
        return [found[place] for place in range(len(keys))]

    async def rewrap(self, keys: Sequence[WrappedKey]) -> list[WrappedKey]:
        """Wrap the same keys by the new service; they are in clear here if they come from another.

        Whatever the new service wrapped itself it rewraps itself.
        """
        if all(self._service(_word(key.wrapped_by)) is self._newest for key in keys):
            return await self._newest.rewrap(keys)
        clear = await self.unwrap(keys)
        return await self._newest.wrap(
            [PlainKey(key, item.context) for key, item in zip(clear, keys, strict=True)]
        )

    async def current(self) -> str:
        """Return the name of the key that wraps now."""
        return await self._newest.current()

    async def rotate(self) -> str:
        """Make the new service's next key."""
        return await self._newest.rotate()

    async def retire(self, name: str) -> None:
        """End a key of whichever service has it."""
        await self._service(_word(name)).retire(name)

    def _service(self, word: str) -> KeyWrapper:
        service = self._services.get(word)
        if service is None:
            raise KeyServiceUnavailableError("the key was wrapped by another key service")
        return service


def _word(name: str) -> str:
    return name.partition(":")[0]
