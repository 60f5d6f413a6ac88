"""What the console reads: named queries over the views that the contexts publish.

Invariant   Only the schemas `desk` and `reporting` are read, and nothing is written or locked. A
            view that `desk` has is read there: it shows what the reader may see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.platform.queries import Queries, Query, Row, Runner
from counterfoil.platform.web.lists import PAGE_ROWS, Key, ListState, Page, make_page

READING: Final = Queries.load("counterfoil.console", "reading.sql")

#: Beyond every identifier: where a list that runs down begins.
_NUMBER_MAX: Final = 2**63 - 1

#: Longest list that a record's own page shows of one kind; the lists hold the rest.
PART_ROWS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQueries:
    """The queries of one list: from the newest down, from the oldest up, and by a figure."""

    down: Query
    up: Query
    #: None where the list runs by number alone.
    by_figure: Query | None = None


LISTS: Final[Mapping[str, ListQueries]] = {
    "applications": ListQueries(
        down=READING.applications,
        up=READING.applications_upwards,
        by_figure=READING.applications_sorted,
    ),
    "lines": ListQueries(
        down=READING.lines, up=READING.lines_upwards, by_figure=READING.lines_sorted
    ),
    "loans": ListQueries(
        down=READING.loans, up=READING.loans_upwards, by_figure=READING.loans_sorted
    ),
    "payments": ListQueries(down=READING.payments, up=READING.payments_upwards),
}


async def read_page(
    connection: Runner, state: ListState, *, name: str, number: str, **filters: object
) -> Page[Row]:
    """Return one page of the list called `name`, whose rows are numbered by the column `number`.

    By number the list runs along an index; by a figure the database sorts what the filters leave.
    """
    queries = LISTS[name]
    if state.sort == "number" or queries.by_figure is None:
        query, values = _by_number(state, queries)
    else:
        query, values = queries.by_figure, _by_figure(state)
    rows: Sequence[Row] = await query.fetch(connection, page=PAGE_ROWS + 1, **values, **filters)
    keys = [Key(row["sort_value"], row[number]) for row in rows]
    return make_page(state, rows, keys)


def _by_number(state: ListState, queries: ListQueries) -> tuple[Query, dict[str, object]]:
    key = state.key
    if state.sign < 0:
        return queries.down, {"after_number": key.number if key else _NUMBER_MAX}
    return queries.up, {"after_number": key.number if key else 0}


def _by_figure(state: ListState) -> dict[str, object]:
    key = state.key or Key(0, 0)
    return {
        "sort": state.sort,
        "sign": state.sign,
        "has_key": state.key is not None,
        # The query compares in its own direction, so the key is turned as the rows are.
        "after_value": state.sign * key.value,
        "after_number": state.sign * key.number,
    }
