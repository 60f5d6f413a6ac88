"""Lists of records: filters, order and page from the address, rows from a view of the desk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.frame import BASE
from counterfoil.console.reading import read_page
from counterfoil.console.visit import Visit
from counterfoil.platform.queries import Row
from counterfoil.platform.web import lists
from counterfoil.platform.web.lists import ListShape, ListState, read_list_state

#: Of a table without rows.
_CURRENCY: Final = "CNY"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One filter of a list."""

    name: str
    label: str
    #: Codes with their words; where there are none, a whole number is asked for.
    choices: Sequence[tuple[str, str]] = ()
    #: Whether the query takes a number.
    is_number: bool = False
    #: What the query calls it, where that is not its name.
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordList(Generic[T]):
    """One page of a list, with its filters."""

    name: str
    state: ListState
    page: lists.Page[Row]
    rows: Sequence[T]
    currency: str
    filters: Sequence[Filter]


async def read_list(
    visit: Visit,
    name: str,
    row: Callable[[Visit, Row], T],
    *,
    number: str,
    sorts: tuple[str, ...] = ("number",),
    filters: Sequence[Filter],
) -> RecordList[T]:
    """Read what the address asks of the list `name`, whose rows the column `number` numbers."""
    shape = ListShape(
        path=f"{BASE}/{name}",
        filters={one.name: tuple(code for code, _ in one.choices) for one in filters},
        sorts=sorts,
        default_sort="number",
    )
    state = read_list_state(shape, visit.request.query_params)
    chosen = {
        one.query or one.name: (state.number if one.is_number else state.chosen)(one.name)
        for one in filters
    }
    async with visit.reading() as connection:
        page = await read_page(connection, state, name=name, number=number, **chosen)
    return RecordList(
        name=name,
        state=state,
        page=page,
        rows=[row(visit, item) for item in page.rows],
        currency=one_currency(visit, page.rows),
        filters=filters,
    )


def show_records(
    visit: Visit, found: RecordList[T], title: str, template: str, view: object = None
) -> Response:
    """Show a list, or the view that it is part of; what was not understood is a bad request."""
    return visit.page(
        template,
        title,
        view or found,
        status=400 if found.state.problems else 200,
        journey=f"console.reading.{found.name}",
        api_call=f"GET /v1/{found.name}?limit={lists.PAGE_ROWS}",
    )


def status_filter(visit: Visit, family: str, codes: Sequence[str]) -> Filter:
    """Return the filter by state."""
    choices = [(code, visit.catalogue.label(family, code)) for code in codes]
    return Filter(name="status", label=visit.t("loan.status"), choices=choices)


def product_filter(visit: Visit) -> Filter:
    """Return the filter by product."""
    choices = [(code, words.product_name(visit, code)) for code in visit.desk.product_names]
    return Filter(name="product", label=visit.t("loan.product"), choices=choices)


def one_currency(visit: Visit, rows: Sequence[Row]) -> str:
    """Return the currency of the amounts in a table, as its header says it."""
    codes = sorted({row["currency"] for row in rows}) or [_CURRENCY]
    return " / ".join(visit.formats.currency(code) for code in codes)
