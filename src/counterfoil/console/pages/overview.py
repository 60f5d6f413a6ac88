"""The overview of the book, and its quality by month of lending.

Every figure says as of when and what it counts, and leads to the rows behind it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from starlette.responses import Response

from counterfoil.console import charts_of_book, tiles_of_book
from counterfoil.console.desk import LENDER_ZONE
from counterfoil.console.figures import Figures, books
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.loans import LoanRow, loan_row
from counterfoil.console.reading import READING
from counterfoil.console.record_list import one_currency
from counterfoil.console.visit import Visit
from counterfoil.ledger.chart import BANK
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Chart, Tile

#: Long enough for six month-ends.
BOOK_DAYS: Final = 215
CASH_DAYS: Final = 31
#: Days of applications that funnel and approval rate look back on; chosen in the address.
PERIODS: Final = (30, 90, 365)
DEFAULT_PERIOD: Final = 365
VINTAGE_MONTHS: Final = 12
NEWEST_LOANS: Final = 8

_NUMBER_MAX: Final = 2**63 - 1
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """The page."""

    as_of: str
    last_closed: str
    last_closed_href: str
    tiles: Sequence[Tile]
    charts: Sequence[Chart]
    loans: Sequence[LoanRow]
    currency: str
    period: int
    periods: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """Quality by month of lending."""

    as_of: str
    charts: Sequence[Chart]


async def show(visit: Visit) -> Response:
    """Show the book as of the last closed day."""
    figures = await _read(visit)
    as_of = figures.books[-1].day if figures.books else None
    last = visit.formats.day(figures.last_closed)
    view = OverviewView(
        as_of=visit.formats.day(as_of),
        last_closed=last,
        last_closed_href=f"/console/days/{last}" if figures.last_closed else "",
        tiles=tiles_of_book.tiles(visit, figures),
        charts=charts_of_book.charts(visit, figures),
        loans=[loan_row(visit, row) for row in figures.newest],
        currency=one_currency(visit, figures.newest),
        period=figures.period,
        periods=PERIODS,
    )
    return visit.page(
        "overview/overview.html",
        visit.t("nav.overview"),
        view,
        journey="console.reading.book_by_day",
    )


async def show_quality(visit: Visit) -> Response:
    """Show vintages."""
    view = QualityView(
        as_of=visit.formats.day(visit.business_date),
        charts=[await _vintages(visit)],
    )
    return visit.page(
        "overview/quality.html",
        visit.t("nav.quality"),
        view,
        journey="console.reading.vintages",
    )


async def download(visit: Visit) -> Response:
    """Return a chart's figures as a file; who took it and when stands in its first row."""
    name = visit.request.path_params["chart"]
    if name == "vintages":
        found = [await _vintages(visit)]
    else:
        figures = await _read(visit)
        found = [c for c in charts_of_book.charts(visit, figures) if c.name == name]
    if not found:
        return await errors.not_found(visit)
    taken_at = visit.formats.instant(visit.desk.wall.now(), seconds=True)
    mark = f"{found[0].title} · {found[0].note} · {visit.operator} · {taken_at}"
    return Response(
        csv_text(mark, found[0]),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.csv"'},
    )


def csv_text(mark: str, chart: Chart) -> str:
    """Return the rows of a chart as a spreadsheet reads them, with no cell that it would run."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([_inert(mark)])
    writer.writerow([_inert(cell) for cell in chart.columns])
    writer.writerows([[_inert(cell) for cell in row] for row in chart.rows])
    return "\ufeff" + file.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


async def _read(visit: Visit) -> Figures:
    async with visit.reading() as connection:
        today = visit.business_date or date.min
        period = _period(visit)
        since = _start_of(today, period)
        book_since = _back(today, BOOK_DAYS)
        loans = await READING.book_by_day.fetch(connection, since=book_since)
        lines = await READING.lines_by_day.fetch(connection, since=book_since)
        currency = next((row["currency"] for row in (*lines, *loans)), "CNY")
        return Figures(
            today=today,
            period=period,
            currency=currency,
            books=books(loans, lines, currency),
            cash=[
                row
                for row in await READING.cash_by_day.fetch(
                    connection, account=BANK, since=_back(today, CASH_DAYS)
                )
                if row["currency"] == currency
            ],
            funnel=await _one(READING.application_funnel.fetchrow(connection, since=since)),
            approvals=await READING.approvals_by_day.fetch(
                connection, since=since, zone=str(LENDER_ZONE)
            ),
            last_closed=await READING.last_closed_day.fetchval(connection),
            newest=await READING.loans.fetch(
                connection,
                status=None,
                product=None,
                bucket=None,
                days_least=None,
                after_number=_NUMBER_MAX,
                page=NEWEST_LOANS,
            ),
        )


async def _one(row: object) -> Row:
    found = await row  # type: ignore[misc]
    assert found is not None, "an aggregate has one row"
    return found  # type: ignore[no-any-return]


async def _vintages(visit: Visit) -> Chart:
    async with visit.reading() as connection:
        today = visit.business_date or date.min
        since = _months_back(today, VINTAGE_MONTHS)
        rows = await READING.vintages.fetch(connection, since=since)
    return charts_of_book.vintages(visit, rows, today)


def _period(visit: Visit) -> int:
    asked = visit.request.query_params.get("period", "")
    return next((days for days in PERIODS if str(days) == asked), DEFAULT_PERIOD)


def _back(today: date, days: int) -> date:
    return today - timedelta(days=days) if today != date.min else today


def _start_of(today: date, days: int) -> datetime:
    return datetime.combine(_back(today, days), time(), LENDER_ZONE)


def _months_back(today: date, months: int) -> date:
    if today == date.min:
        return today
    index = today.year * 12 + today.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


PAGES: Final = (
    Page(path="/", show=show),
    Page(path="/quality", show=show_quality),
    Page(path="/figures/{chart}.csv", show=download),
)
