"""Reads one table of a document strictly: known keys, known types, and the place of a fault.

The document is a model's file (JSON) or a recipe for one (TOML); the caller says which, by the
error that it wants raised.
"""

from datetime import date
from typing import Final

from counterfoil.models.artefact_parts import Json

#: Longest text of a document: what a person can be asked to read.
TEXT_LENGTH_MAX: Final = 2_000

#: Integers that every reader of JSON keeps.
EXACT_BELOW: Final = 2**53

_MISSING: Final = object()


class FaultError(ValueError):
    """A document is not what it should be; the message says where and why."""

    def __init__(self, place: str, reason: str) -> None:
        """Name the place in the document and the reason."""
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class Table:
    """One table of a document; every key has to be read, and only keys that are known."""

    def __init__(self, place: str, content: object, error: type[FaultError]) -> None:
        """Take what stands at a place, and the error that a fault becomes."""
        self.place = place
        self._error = error
        if not isinstance(content, dict):
            raise error(place or "the document", "is not a table")
        self._left: dict[str, object] = dict(content)

    def fault(self, key: str, reason: str) -> FaultError:
        """Return the error for one key."""
        return self._error(self._at(key), reason)

    def has(self, key: str) -> bool:
        """Return whether a key is there and not yet read."""
        return key in self._left

    def has_value(self, key: str) -> bool:
        """Return whether something other than null stands at a key; a null counts as read."""
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return False
        return True

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self._take(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(key, "is not a text")
        if len(value) > TEXT_LENGTH_MAX:
            raise self.fault(key, f"is longer than {TEXT_LENGTH_MAX:,} characters")
        return value

    def text_if_any(self, key: str) -> str | None:
        """Return a text, None where the key is absent or null."""
        return self.text(key) if self.has_value(key) else None

    def one_of(self, key: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        """Return a text out of a list."""
        value = self.text(key, default=default)
        if value not in allowed:
            raise self.fault(key, f"is {value!r}; allowed are {', '.join(allowed)}")
        return value

    def word(self, key: str, *, default: str | None = None) -> str:
        """Return a text or an integer as the text that stands in data."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise self.fault(key, "is neither a text nor an integer")
        return str(value)

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of texts or integers as the texts that stand in data."""
        items = self._list(key, 1_000)
        inner = Table(
            self._at(key), {str(place): item for place, item in enumerate(items)}, self._error
        )
        return tuple(inner.word(str(place)) for place in range(len(items)))

    def integer(
        self,
        key: str,
        *,
        least: int | None = None,
        most: int | None = None,
        default: int | None = None,
    ) -> int:
        """Return an integer within bounds."""
        return self._integer(key, self._take(key, default), least, most)

    def integer_or_null(self, key: str) -> int | None:
        """Return an integer, or None where null stands; the key has to be there."""
        value = self._take(key, None)
        return None if value is None else self._integer(key, value)

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.fault(key, "is neither true nor false")
        return value

    def integers(self, key: str, *, count_max: int) -> tuple[int, ...]:
        """Return a list of integers."""
        items = self._list(key, count_max)
        return tuple(self._integer(f"{key}[{place}]", item) for place, item in enumerate(items))

    def texts(self, key: str, *, count_max: int) -> tuple[str, ...]:
        """Return a list of texts without doubles, empty where the key is absent."""
        if not self.has(key):
            return ()
        found: dict[str, None] = {}
        for place, item in enumerate(self._list(key, count_max)):
            if not isinstance(item, str) or not item:
                raise self.fault(f"{key}[{place}]", "is not a text")
            if item in found:
                raise self.fault(f"{key}[{place}]", f"names {item!r} twice")
            found[item] = None
        return tuple(found)

    def integers_by_key(self, key: str, *, count_max: int) -> dict[str, int]:
        """Return a table of integers, empty where the key is absent."""
        content = self._left.pop(key, {})
        if not isinstance(content, dict):
            raise self.fault(key, "is not a table")
        if len(content) > count_max:
            raise self.fault(key, f"has {len(content):,} entries; {count_max:,} are allowed")
        return {name: self._integer(f"{key}.{name}", item) for name, item in content.items()}

    def table(self, key: str) -> "Table":
        """Return the table at a key."""
        return Table(self._at(key), self._take(key, None), self._error)

    def table_if_any(self, key: str) -> "Table | None":
        """Return the table at a key, None where it is absent or null."""
        return self.table(key) if self.has_value(key) else None

    def table_or_empty(self, key: str) -> "Table":
        """Return the table at a key, an empty one where there is none."""
        return self.table_if_any(key) or Table(self._at(key), {}, self._error)

    def keys_left(self) -> tuple[str, ...]:
        """Return the keys that nobody has read, in the order of the document."""
        return tuple(self._left)

    def json(self, key: str) -> Json:
        """Return texts, integers, booleans, lists and tables of them."""
        return self._json(key, self._take(key, None))

    def tables(self, key: str, *, count_max: int, name: str) -> list["Table"]:
        """Return the list of tables at a key; each place shows what stands under `name`."""
        found = []
        for number, item in enumerate(self._list(key, count_max)):
            shown = item.get(name, number) if isinstance(item, dict) else number
            found.append(Table(f"{self._at(key)}[{shown}]", item, self._error))
        if not found:
            raise self.fault(key, "is empty")
        return found

    def anything(self, key: str) -> object:
        """Return what stands at a key."""
        return self._take(key, None)

    def finish(self) -> None:
        """Refuse keys that nobody has read."""
        if self._left:
            raise self.fault(min(map(str, self._left)), "is not a key of this table")

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _list(self, key: str, count_max: int) -> list[object]:
        value = self._take(key, None)
        if not isinstance(value, list):
            raise self.fault(key, "is not a list")
        if len(value) > count_max:
            raise self.fault(key, f"has {len(value):,} entries; {count_max:,} are allowed")
        return value

    def _integer(
        self, key: str, value: object, least: int | None = None, most: int | None = None
    ) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fault(key, "is not an integer")
        if least is not None and value < least:
            raise self.fault(key, f"is {value:,}; the least is {least:,}")
        if most is not None and value > most:
            raise self.fault(key, f"is {value:,}; the most is {most:,}")
        return value

    def _json(self, key: str, value: object) -> Json:
        if isinstance(value, list):
            return [self._json(f"{key}[{place}]", item) for place, item in enumerate(value)]
        if isinstance(value, dict):
            return {name: self._json(f"{key}.{name}", item) for name, item in value.items()}
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bool | str):
            return value
        if isinstance(value, int) and abs(value) < EXACT_BELOW:
            return value
        reason = "only texts, booleans, dates and integers below 2^53 can be kept"
        raise self.fault(key, f"is {value}; {reason}")

    def _take(self, key: str, default: object) -> object:
        value = self._left.pop(key, _MISSING if default is None else default)
        if value is _MISSING:
            raise self.fault(key, "is missing")
        return value
