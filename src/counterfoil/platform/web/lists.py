"""What a list shows, as a query string: filters, sort and the key of the page.

Invariant   A list's address says everything about it: it can be shared, bookmarked and printed.
            Personal data never stands in it; what finds a person is posted.
Pages       By key, both ways: `after` is the last row of the page before, `before` the first
            row of the page behind. A key is the sort value and the row's own number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

from counterfoil.kernel import ids

PAGE_ROWS: Final = 50

_KEY_DIGITS_MAX: Final = 20
_FILTER_DIGITS_MAX: Final = 6

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShape:
    """What one list offers."""

    path: str
    #: Filter name → values it may take; an empty tuple takes a whole number.
    filters: Mapping[str, tuple[str, ...]]
    sorts: tuple[str, ...]
    default_sort: str
    default_descending: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page begins: the sort value and the number of a row."""

    value: int
    number: int

    def __str__(self) -> str:
        """Return the key as it stands in an address."""
        return f"{self.value}~{ids.to_text(ids.ROW, self.number)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """What one request asked of a list."""

    shape: ListShape
    filters: Mapping[str, str]
    sort: str
    is_descending: bool
    after: Key | None = None
    before: Key | None = None
    #: Names of parameters whose values could not be understood; they are left out.
    problems: tuple[str, ...] = ()

    @property
    def is_filtered(self) -> bool:
        """Return whether any filter is set."""
        return bool(self.filters)

    @property
    def sign(self) -> int:
        """Return -1 where the database has to run from high to low for this page, else 1."""
        downwards = self.is_descending != (self.before is not None)
        return -1 if downwards else 1

    @property
    def key(self) -> Key | None:
        """Return the key to read from, whichever the direction."""
        return self.before or self.after

    def chosen(self, name: str) -> str | None:
        """Return a filter's value, None where it is not set."""
        return self.filters.get(name)

    def number(self, name: str) -> int | None:
        """Return a filter's value as a whole number, None where it is not set."""
        value = self.filters.get(name)
        return None if value is None else int(value)

    def href_sorted(self, sort: str) -> str:
        """Return the address sorted by a column; a second click turns the order."""
        descending = not self.is_descending if sort == self.sort else True
        return self._href(sort=sort, descending=descending)

    def href_after(self, key: Key) -> str:
        """Return the address of the next page."""
        return self._href(sort=self.sort, descending=self.is_descending, after=str(key))

    def href_before(self, key: Key) -> str:
        """Return the address of the previous page."""
        return self._href(sort=self.sort, descending=self.is_descending, before=str(key))

    def hidden_fields(self) -> list[tuple[str, str]]:
        """Return what a filter form must carry along to keep the order."""
        return _order_fields(self.shape, self.sort, descending=self.is_descending)

    def _href(self, *, sort: str, descending: bool, **keys: str) -> str:
        fields = [*self.filters.items(), *_order_fields(self.shape, sort, descending=descending)]
        query = urlencode([*fields, *keys.items()])
        return f"{self.shape.path}?{query}" if query else self.shape.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of rows with the addresses of its neighbours."""

    rows: Sequence[Row]
    next_href: str | None
    previous_href: str | None


@dataclass(slots=True)
class _Reader:
    shape: ListShape
    query: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def filters(self) -> dict[str, str]:
        found = {}
        for name, choices in self.shape.filters.items():
            value = self.query.get(name, "").strip()
            if not value:
                continue
            if value in choices or (not choices and _is_small_number(value)):
                found[name] = value
            else:
                self.problems.append(name)
        return found

    def key(self, name: str) -> Key | None:
        text = self.query.get(name, "")
        if not text:
            return None
        value, _, row = text.partition("~")
        number = ids.read(row)
        if _is_integer(value) and number is not None and number[0] == ids.ROW:
            return Key(int(value), number[1])
        self.problems.append(name)
        return None

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        value = self.query.get(name, "") or default
        if value in choices:
            return value
        self.problems.append(name)
        return default


def read_list_state(shape: ListShape, query: Mapping[str, str]) -> ListState:
    """Return what a query string asks of a list; what it does not understand is named."""
    reader = _Reader(shape, query)
    default_order = "desc" if shape.default_descending else "asc"
    sort = reader.choice("sort", shape.sorts, shape.default_sort)
    order = reader.choice("order", ("asc", "desc"), default_order)
    before = reader.key("before")
    return ListState(
        shape=shape,
        filters=reader.filters(),
        sort=sort,
        is_descending=order == "desc",
        before=before,
        after=None if before else reader.key("after"),
        problems=tuple(reader.problems),
    )


def make_page(state: ListState, rows: Sequence[Row], keys: Sequence[Key]) -> Page[Row]:
    """Return the page of rows that were read one more than `PAGE_ROWS` in `state`'s direction.

    The extra row only tells that there is a further page.
    """
    assert len(rows) == len(keys)
    has_further = len(rows) > PAGE_ROWS
    rows, keys = list(rows[:PAGE_ROWS]), list(keys[:PAGE_ROWS])
    backwards = state.before is not None
    if backwards:
        rows.reverse()
        keys.reverse()
    has_next = bool(rows) and (backwards or has_further)
    has_previous = bool(rows) and (has_further if backwards else state.after is not None)
    return Page(
        rows=rows,
        next_href=state.href_after(keys[-1]) if has_next else None,
        previous_href=state.href_before(keys[0]) if has_previous else None,
    )


def _order_fields(shape: ListShape, sort: str, *, descending: bool) -> list[tuple[str, str]]:
    if sort == shape.default_sort and descending == shape.default_descending:
        return []
    return [("sort", sort), ("order", "desc" if descending else "asc")]


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < _KEY_DIGITS_MAX


def _is_small_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _FILTER_DIGITS_MAX
