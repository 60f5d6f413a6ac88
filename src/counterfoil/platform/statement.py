"""One statement out of many named ones, so that a batch is written in a single round trip.

Each part becomes a data-modifying CTE; parts do not see each other's rows, and all of them are
done or none. A part that returns rows may be counted, so that a statement which touched another
number of rows than was decided raises instead of committing.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from counterfoil.platform.queries import Query

#: Raises where a part returned another number of rows than was decided on.
_COUNT = "platform.expect_rows(${number}::bigint, (SELECT count(*) FROM {name}))"
_NUMBER = re.compile(r"\$(\d+)")


class Write(NamedTuple):
    """One part of a statement."""

    query: Query
    arguments: tuple[object, ...]
    #: Rows the part has to return, None where nobody counts.
    expected: int | None = None


class Composer:
    """Composes statements and remembers their text by the names of their parts."""

    def __init__(self) -> None:
        """Start with no text remembered."""
        self._texts: dict[tuple[object, ...], str] = {}

    def compose(self, parts: Sequence[Write], check: Query) -> str:
        """Return the text of the statement: the parts as CTEs, then the check as last word."""
        key = (check.name, *((part.query.name, part.expected is None) for part in parts))
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _text(parts, check)
        return text


def arguments(parts: Sequence[Write], check_arguments: Sequence[object]) -> list[object]:
    """Return the arguments of a composed statement in the driver's order."""
    values: list[object] = []
    for part in parts:
        values.extend(part.arguments)
        if part.expected is not None:
            values.append(part.expected)
    values.extend(check_arguments)
    return values


def _text(parts: Sequence[Write], check: Query) -> str:
    tables, counts, offset = [], [], 0
    for number, part in enumerate(parts):
        name = f"part_{number}"
        tables.append(f"{name} AS (\n{_shift(part.query.sql, offset)}\n)")
        offset += len(part.query.parameters)
        if part.expected is not None:
            offset += 1
            counts.append(_COUNT.format(number=offset, name=name))
    last = _shift(check.sql, offset)
    for count in counts:
        last += f",\n{count}"
    if not tables:
        return last  # what was decided changed nothing
    return "WITH " + ", ".join(tables) + "\n" + last


def _shift(sql: str, by: int) -> str:
    return _NUMBER.sub(lambda match: f"${int(match[1]) + by}", sql)
