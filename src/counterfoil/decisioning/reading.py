"""Reads one table of a document strictly: known keys, known types, and the place of a fault."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

_MISSING: Final = object()

#: Longest text of a document, rules aside: what customers and staff can be asked to read.
TEXT_LENGTH_MAX: Final = 500
#: What nobody sees, or what turns the order of what they see; line breaks and tabs are seen.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


class InvalidPolicyError(ValueError):
    """The document is not a policy; the message says where and why."""

    def __init__(self, place: str, reason: str) -> None:
        """Name the place in the document and the reason."""
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class Table:
    """One table of the document; every key has to be read, and only keys that are known."""

    def __init__(
        self, place: str, content: object, counts_max: Mapping[str, int] | None = None
    ) -> None:
        """Take what stands at a place, a table, and how long lists by their key may be."""
        if not isinstance(content, dict):
            raise InvalidPolicyError(place, "is not a table")
        self.place = place
        self._counts_max = counts_max or {}
        self._left: dict[str, object] = dict(content)
        self._known: set[str] = set()

    def fault(self, key: str, reason: str) -> InvalidPolicyError:
        """Return the error for one key."""
        return InvalidPolicyError(f"{self.place}.{key}", reason)

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self._take(key, _MISSING if default is None else default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.fault(key, "is not a text")
        if len(value) > TEXT_LENGTH_MAX:
            raise self.fault(key, f"is longer than {TEXT_LENGTH_MAX} characters")
        return self._seen(key, value)

    def integer(self, key: str) -> int:
        """Return an integer."""
        return self._integer(key, self._take(key, _MISSING))

    def integer_or_none(self, key: str) -> int | None:
        """Return an integer, or None where the key is absent."""
        value = self._take(key, None)
        return None if value is None else self._integer(key, value)

    def boolean(self, key: str) -> bool:
        """Return true or false."""
        value = self._take(key, _MISSING)
        if not isinstance(value, bool):
            raise self.fault(key, "is neither true nor false")
        return value

    def anything(self, key: str) -> object:
        """Return what stands at a key, or None where it is absent."""
        return self._take(key, None)

    def something(self, key: str) -> object:
        """Return what stands at a key."""
        return self._take(key, _MISSING)

    def integers(self, key: str) -> tuple[int, ...]:
        """Return a list of integers."""
        return tuple(self._integer(key, item) for item in self._list(key, _MISSING))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the key is absent."""
        items = self._list(key, [])
        if not all(isinstance(item, str) and item for item in items):
            raise self.fault(key, "holds something that is not a text")
        return tuple(self._seen(key, str(item)) for item in items)

    def table(self, key: str) -> "Table":
        """Return the table at a key."""
        return Table(f"{self.place}.{key}", self._take(key, _MISSING), self._counts_max)

    def table_if_any(self, key: str) -> "Table | None":
        """Return the table at a key, None where there is none."""
        return self.table(key) if key in self._left else None

    def tables_if_any(self, key: str) -> list["Table"]:
        """Return the list of tables at a key, empty where there is none."""
        return self.tables(key) if key in self._left else []

    def tables(self, key: str) -> list["Table"]:
        """Return the list of tables at a key; each place names its code or name if it has one."""
        tables = []
        for number, item in enumerate(self._list(key, _MISSING)):
            name: object = number
            if isinstance(item, dict):
                name = item.get("code", item.get("name", item.get("feature", number)))
            tables.append(Table(f"{self.place}.{key}[{name}]", item, self._counts_max))
        if not tables:
            raise self.fault(key, "is empty")
        return tables

    def integers_by_key(self, key: str) -> dict[str, int]:
        """Return a table of integers."""
        content = self._mapping(key)
        return {name: self._integer(f"{key}.{name}", item) for name, item in content.items()}

    def integers_by_key_if_any(self, key: str) -> dict[str, int]:
        """Return a table of integers, empty where there is none."""
        return self.integers_by_key(key) if key in self._left else {}

    def texts_by_key_if_any(self, key: str) -> dict[str, str]:
        """Return a table of texts, empty where there is none."""
        return self.texts_by_key(key) if key in self._left else {}

    def texts_by_key(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        content = self._mapping(key)
        for name, item in content.items():
            if not isinstance(item, str) or not item or len(item) > TEXT_LENGTH_MAX:
                raise self.fault(f"{key}.{name}", "is not a text, or too long a one")
        return {name: self._seen(f"{key}.{name}", str(item)) for name, item in content.items()}

    def booleans_by_key(self, key: str) -> dict[str, bool]:
        """Return a table of booleans."""
        content = self._mapping(key)
        for name, item in content.items():
            if type(item) is not bool:
                raise self.fault(f"{key}.{name}", "is neither true nor false")
        return {name: item is True for name, item in content.items()}

    def finish(self) -> None:
        """Refuse keys that nobody has read."""
        if self._left:
            allowed = ", ".join(sorted(self._known))
            raise self.fault(min(self._left), f"is not a key of this table; it has {allowed}")

    def _seen(self, key: str, text: str) -> str:
        if (found := _UNSEEN.search(text)) is not None:
            raise self.fault(key, f"has a character that nobody sees: U+{ord(found[0]):04X}")
        return text

    def _mapping(self, key: str) -> Mapping[str, object]:
        value = self._take(key, _MISSING)
        if not isinstance(value, dict) or not value:
            raise self.fault(key, "is not a table")
        return value

    def _list(self, key: str, default: object) -> list[object]:
        value = self._take(key, default)
        if not isinstance(value, list):
            raise self.fault(key, "is not a list")
        most = self._counts_max.get(key)
        if most is not None and len(value) > most:
            raise self.fault(key, f"has {len(value):,} entries; {most:,} are allowed")
        return value

    def _integer(self, key: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fault(key, "is not an integer")
        return value

    def _take(self, key: str, default: object) -> object:
        self._known.add(key)
        value = self._left.pop(key, default)
        if value is _MISSING:
            meant = get_close_matches(key, self._left, n=1)
            raise self.fault(key, f"is missing; there is {meant[0]}" if meant else "is missing")
        return value
