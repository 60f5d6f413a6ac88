"""The pictures of the overview, each with the table of its figures."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from counterfoil.console import figures as of_book
from counterfoil.console.access import Permission
from counterfoil.console.figures import Figures
from counterfoil.console.frame import BASE
from counterfoil.console.visit import Visit
from counterfoil.console.words import BUCKETS
from counterfoil.platform.queries import Row
from counterfoil.platform.web import charts as draw
from counterfoil.platform.web.format import NONE
from counterfoil.platform.web.parts import Chart

#: Days of the line of late shares; more would be narrower than a pixel each.
LATE_DAYS: Final = 60

_MINOR_TO_MAJOR: Final = 100
_BUCKET_SETS: Final = (("M1", (1,)), ("M2", (2,)), ("M3", (3,)), ("M4+", (4, 5, 6, 7)))


def charts(visit: Visit, figures: Figures) -> list[Chart]:
    """Return the pictures in their order."""
    return [
        _late(visit, figures),
        _rolls(visit, figures),
        _flows(visit, figures),
        _funnel(visit, figures),
    ]


def vintages(visit: Visit, rows: Sequence[Row], today: date) -> Chart:
    """Return the curves of each month of lending by months on book."""
    curves = of_book.vintage_curves(rows, today)
    length = max((len(curve) for curve in curves.values()), default=0)
    picture = draw.line_chart(
        "vintages",
        curves,
        title=visit.t("chart.vintages"),
        description=visit.t("chart.vintages_description"),
        x_label=visit.t("chart.months_on_book"),
    )
    return Chart(
        name="vintages",
        file_href=f"{BASE}/figures/vintages.csv",
        title=visit.t("chart.vintages"),
        note=visit.t("chart.vintages_note"),
        picture=picture,
        columns=[visit.t("chart.month"), *(str(number) for number in range(length))],
        rows=[
            [name, *(_share(value) for value in curve), *([""] * (length - len(curve)))]
            for name, curve in curves.items()
        ],
        empty=visit.t("chart.no_figures"),
    )


def _late(visit: Visit, figures: Figures) -> Chart:
    recent = figures.books[-LATE_DAYS:]
    series = {name: [book.share(buckets) for book in recent] for name, buckets in _BUCKET_SETS}
    days = [visit.formats.day(book.day) for book in recent]
    picture = draw.line_chart(
        "late",
        series,
        title=visit.t("chart.late"),
        description=visit.t("chart.late_description"),
        x_label=visit.t("chart.end_of_day"),
        x_names=[day[5:] for day in days],
    )
    return Chart(
        name="late",
        file_href=f"{BASE}/figures/late.csv",
        title=visit.t("chart.late"),
        note=visit.t("chart.late_note"),
        picture=picture,
        columns=[visit.t("chart.day"), *series],
        rows=[
            [day, *(_share(values[index]) for values in series.values())]
            for index, day in reversed(list(enumerate(days)))
        ],
        empty=visit.t("chart.no_close"),
    )


def _rolls(visit: Visit, figures: Figures) -> Chart:
    months = of_book.roll_rates(figures.books)
    labels = [f"{BUCKETS[start]}→{BUCKETS[to]}" for start, to in of_book.ROLLS]
    names = [f"{day:%Y-%m}" for day, _ in months]
    picture = draw.heat_map(
        "rolls",
        labels,
        [rates for _, rates in months],
        title=visit.t("chart.rolls"),
        description=visit.t("chart.rolls_description"),
        x_label=visit.t("chart.from_to"),
        y_label=visit.t("chart.month"),
        row_labels=names,
    )
    return Chart(
        name="rolls",
        file_href=f"{BASE}/figures/rolls.csv",
        title=visit.t("chart.rolls"),
        note=visit.t("chart.rolls_note"),
        picture=picture,
        columns=[visit.t("chart.month"), *labels],
        rows=[
            [name, *(_share(rate) for rate in rates)]
            for name, (_, rates) in zip(names, months, strict=True)
        ],
        empty=visit.t("chart.no_two_months"),
    )


def _flows(visit: Visit, figures: Figures) -> Chart:
    f, rows = visit.formats, figures.cash
    out, into = visit.t("chart.out"), visit.t("chart.in")
    series: dict[str, list[float | None]] = {
        into: [row["in_minor"] / _MINOR_TO_MAJOR for row in rows],
        out: [row["out_minor"] / _MINOR_TO_MAJOR for row in rows],
    }
    picture = draw.bars(
        "flows",
        [f.day(row["book_date"])[5:] for row in rows],
        series,
        title=visit.t("chart.flows"),
        description=visit.t("chart.flows_description"),
        x_label=visit.t("chart.book_date"),
        tick=_short(visit),
        hrefs=(
            [f"{BASE}/ledger/accounts/1002?day={row['book_date']}" for row in rows]
            if visit.may(Permission.READ_LEDGER)
            else None
        ),
    )
    return Chart(
        name="flows",
        file_href=f"{BASE}/figures/flows.csv",
        title=visit.t("chart.flows"),
        note=visit.t("chart.flows_note", currency=f.currency(figures.currency)),
        picture=picture,
        columns=[visit.t("chart.book_date"), into, out],
        rows=[
            [
                f.day(row["book_date"]),
                f.amount(row["in_minor"], figures.currency),
                f.amount(row["out_minor"], figures.currency),
            ]
            for row in reversed(rows)
        ],
        empty=visit.t("chart.no_figures"),
    )


def _funnel(visit: Visit, figures: Figures) -> Chart:
    row, path = figures.funnel, f"{BASE}/applications"
    stages = [
        (visit.t("funnel.received"), row["received"], path),
        (visit.t("funnel.decided"), row["decided"], path),
        (visit.t("funnel.approved"), row["approved"], f"{path}?status=approved"),
        (visit.t("funnel.accepted"), row["accepted"], f"{path}?status=accepted"),
        (visit.t("funnel.drawn"), row["drawn"], f"{BASE}/loans"),
    ]
    received = row["received"]
    return Chart(
        name="funnel",
        file_href=f"{BASE}/figures/funnel.csv",
        title=visit.t("chart.funnel"),
        note=visit.t("chart.funnel_note", days=figures.period, waiting=row["waiting"]),
        picture=draw.funnel(
            "funnel",
            stages,
            title=visit.t("chart.funnel"),
            description=visit.t("chart.funnel_description", days=figures.period),
        ),
        columns=[visit.t("chart.stage"), visit.t("chart.applications"), visit.t("chart.share")],
        rows=[
            [label, visit.formats.count(count), visit.formats.percent(count, received, digits=1)]
            for label, count, _ in stages
        ]
        if received
        else [],
        empty=visit.t("chart.no_applications", days=figures.period),
    )


def _short(visit: Visit) -> Callable[[float], str]:
    """Return how an axis writes large amounts: in the unit that the language counts by."""
    size, unit = (10_000, "万") if visit.catalogue.language == "zh-CN" else (1_000, "k")

    def tick(value: float) -> str:
        return f"{value / size:,.6g}{unit}" if value >= size else f"{value:,.6g}"

    return tick


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"
