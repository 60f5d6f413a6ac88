"""Reads one table of a registry file strictly: known keys and types, and where a fault is."""

from typing import Final

_MISSING: Final = object()
#: Longest text: what customers and staff can be asked to read.
TEXT_LENGTH_MAX: Final = 400


class RegistryError(ValueError):
    """The files are no registry; the message says where and why."""

    def __init__(self, place: str, reason: str) -> None:
        """Name the place and the reason."""
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class Table:
    """One table; every key has to be read, and only keys that are known."""

    def __init__(self, place: str, content: object) -> None:
        """Take what stands at a place."""
        if not isinstance(content, dict):
            raise RegistryError(place, "is not a table")
        self.place = place
        self._left: dict[str, object] = dict(content)

    def fault(self, key: str, reason: str) -> RegistryError:
        """Return the error for one key."""
        return RegistryError(f"{self.place}.{key}", reason)

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text that is not empty, or the default."""
        value = self._take(key, _MISSING if default is None else default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.fault(key, "is not a text")
        if len(value) > TEXT_LENGTH_MAX:
            raise self.fault(key, f"is longer than {TEXT_LENGTH_MAX} characters")
        return value

    def integer(self, key: str, *, default: int | None = None) -> int:
        """Return an integer."""
        value = self._take(key, _MISSING if default is None else default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fault(key, "is not an integer")
        return value

    def integer_or_none(self, key: str) -> int | None:
        """Return an integer, None where the key is absent."""
        return self.integer(key) if key in self._left else None

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        value = self._take(key, _MISSING if default is None else default)
        if not isinstance(value, bool):
            raise self.fault(key, "is neither true nor false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the key is absent."""
        items = self._take(key, [])
        if not isinstance(items, list) or not all(isinstance(i, str) and i for i in items):
            raise self.fault(key, "is not a list of texts")
        return tuple(items)

    def scalars(self, key: str) -> tuple[tuple[str, int | str | bool], ...]:
        """Return a table of plain values, empty where the key is absent."""
        items = self._take(key, {})
        if not isinstance(items, dict) or not all(
            isinstance(i, int | str | bool) for i in items.values()
        ):
            raise self.fault(key, "is not a table of plain values")
        return tuple(items.items())

    def table_if_any(self, key: str) -> "Table | None":
        """Return the table at a key, None where there is none."""
        return (
            Table(f"{self.place}.{key}", self._take(key, _MISSING)) if key in self._left else None
        )

    def tables(self, key: str) -> list["Table"]:
        """Return the tables at a key, empty where there are none; each is named if it can be."""
        items = self._take(key, [])
        if not isinstance(items, list):
            raise self.fault(key, "is not a list of tables")
        found = []
        for number, item in enumerate(items):
            names = item if isinstance(item, dict) else {}
            name = names.get("name", names.get("code", number))
            found.append(Table(f"{self.place}.{key}[{name}]", item))
        return found

    def finish(self) -> None:
        """Refuse keys that nobody has read."""
        if self._left:
            raise self.fault(min(self._left), "is not a key of this table")

    def _take(self, key: str, default: object) -> object:
        value = self._left.pop(key, default)
        if value is _MISSING:
            raise self.fault(key, "is missing")
        return value
