"""Pages of lists: one envelope, a cursor to each side, the same order whatever is added meanwhile.

Envelope    `items`, `next` and `prev`. `next` continues behind the last item, `prev` leads back to
            what stands before the first; null where the list ends or begins there.
Cursor      The key of an item, never a number of items: what is added or falls away elsewhere
            neither repeats an item nor passes one over.
Way back    A list read to its end and back by `prev` is the same list, item by item.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Generic, NamedTuple, TypeVar

from fastapi import Depends, Query
from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from counterfoil.api import refusals
from counterfoil.api.shapes import View
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError, refuse

T = TypeVar("T")

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 200
#: Letters of an identifier's text after its prefix.
_BODY_LENGTH: Final = 13
_PREFIX: Final = "cu"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: An object's key in a list: customer and number, or day and number; 0 and number where the
#: number alone is the order.
Key = tuple[int, int]
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
#: Where a list in the order of its keys begins.
BEGINNING: Final[Key] = (0, 0)


def microseconds_of(at: datetime) -> int:
    """Return an instant as the microseconds since 1970, for a list that is ordered by it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def write_cursor(key: Key) -> str:
    """Return the cursor that stands for an item."""
    return "".join(ids.to_text(_PREFIX, number)[-_BODY_LENGTH:] for number in key)


def read_cursor(cursor: str) -> Key:
    """Return the key of the item that a cursor stands for."""
    first, second = cursor[:_BODY_LENGTH], cursor[_BODY_LENGTH:]
    return (
        ids.from_text(_PREFIX, f"{_PREFIX}_{first}"),
        ids.from_text(_PREFIX, f"{_PREFIX}_{second}"),
    )


def _check_cursor(value: object) -> str:
    text = str(value)
    try:
        read_cursor(text)
    except ids.InvalidIdError:
        raise PydanticCustomError("cursor_malformed", "not a cursor") from None
    return text


_SCHEMA: Final = {"type": "string", "pattern": "^([0-7][0-9a-hjkmnp-tv-z]{12}){2}$"}
Cursor = Annotated[str, PlainValidator(_check_cursor), WithJsonSchema(_SCHEMA)]
_After = Annotated[
    Cursor | None, Query(description="The `next` of a page, to continue behind its last item.")
]
_Before = Annotated[
    Cursor | None, Query(description="The `prev` of a page, to go back before its first item.")
]
Limit = Annotated[
    int, Query(ge=1, le=PAGE_MAX, description="Most items on the page; 50 where it is left out.")
]


class PageView(View):
    """A page of a list with the cursors of its neighbours."""

    next: str | None = Field(description="Cursor of what follows; null where the list ends.")
    prev: str | None = Field(description="Cursor of what precedes; null where the list begins.")


class Turn(NamedTuple):
    """Which page of a list is wanted."""

    #: The item beside which the page lies; None for the first page.
    key: Key | None
    #: The page before that item, not behind it.
    is_back: bool
    #: Most items of the page.
    limit: int

    @property
    def page(self) -> int:
        """Return how many rows to read: one more tells whether the list goes on."""
        return self.limit + 1

    def number(self, start: int = NEWEST) -> int:
        """Return the number beside which the page lies, or where a list of numbers starts."""
        return start if self.key is None else self.key[1]

    def pair(self, start: Key = BEGINNING) -> Key:
        """Return the key beside which the page lies, or where the list starts."""
        return start if self.key is None else self.key

    def day(self, start: tuple[date, int]) -> tuple[date, int]:
        """Return day and number beside which the page lies; any cursor is of some day."""
        if self.key is None:
            return start
        day, number = self.key
        return date.fromordinal(min(max(day, 1), date.max.toordinal())), number


def _turn_of(after: _After = None, before: _Before = None, limit: Limit = PAGE_DEFAULT) -> Turn:
    check_one_side(after, before)
    cursor = before if after is None else after
    return Turn(None if cursor is None else read_cursor(cursor), before is not None, limit)


def check_one_side(after: object, before: object) -> None:
    """Refuse a page that would lie behind one item and before another."""
    if after is not None and before is not None:
        raise RefusedError(refuse(refusals.CURSORS_BOTH))


Paging = Annotated[Turn, Depends(_turn_of)]


class Shown(NamedTuple, Generic[T]):
    """The items of a page, and the keys of the items beside which its neighbours lie."""

    items: list[T]
    next: Key | None
    prev: Key | None

    @property
    def cursors(self) -> dict[str, str | None]:
        """Return both cursors as they stand in the envelope."""
        return {
            name: None if key is None else write_cursor(key)
            for name, key in (("next", self.next), ("prev", self.prev))
        }


def page_of(found: Sequence[T], turn: Turn, key_of: Callable[[T], Key]) -> Shown[T]:
    """Return the page of what was read, in the order of the list, with one row too many or not."""
    items, goes_on = cut(found, turn.limit, is_back=turn.is_back)
    if not items:
        # What stood there is gone: back to where the reader came from.
        return Shown([], turn.key if turn.is_back else None, None if turn.is_back else turn.key)
    has_next = goes_on or turn.is_back
    has_prev = goes_on if turn.is_back else turn.key is not None
    return Shown(
        items,
        key_of(items[-1]) if has_next else None,
        key_of(items[0]) if has_prev else None,
    )


def page_of_whole(
    every: Sequence[T], turn: Turn, key_of: Callable[[T], Key], *, is_falling: bool = False
) -> Shown[T]:
    """Return the page of a list that was read whole, its keys rising or falling."""
    if turn.key is None:
        return page_of(every[: turn.page], turn, key_of)
    if turn.is_back is not is_falling:
        found = [item for item in every if key_of(item) < turn.key]
    else:
        found = [item for item in every if key_of(item) > turn.key]
    return page_of(found[-turn.page :] if turn.is_back else found[: turn.page], turn, key_of)


def cut(found: Sequence[T], limit: int, *, is_back: bool) -> tuple[list[T], bool]:
    """Return a page without the row that was read to see whether the list goes on, and if so."""
    goes_on = len(found) > limit
    items = list(found[-limit:] if is_back else found[:limit])
    return items, goes_on
