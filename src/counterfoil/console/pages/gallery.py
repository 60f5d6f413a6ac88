"""Every component in every state: the page that accessibility checks and pictures look at.

Its figures are invented and say so; nothing is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.visit import Visit
from counterfoil.platform.web import charts as draw
from counterfoil.platform.web.lists import Key, ListShape, ListState, make_page, read_list_state
from counterfoil.platform.web.parts import RISE, Change, Chart, Event, Form, Status, Tile

_BUCKETS: Final = ("C", "M1", "M2", "M3", "M4+")
_ROLLS: Final = (
    (97.9, 2.1, 0.0, 0.0, 0.0),
    (71.2, 16.9, 11.9, 0.0, 0.0),
    (14.3, 9.8, 21.4, 54.5, None),
    (4.1, 2.2, 5.6, 16.8, 71.3),
    (1.2, 38.4, 45.0, 64.0, 95.8),
)
_SHAPE: Final = ListShape(
    path=f"{BASE}/_gallery",
    filters={"status": ("open", "closed")},
    sorts=("number", "amount"),
    default_sort="number",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryView:
    """One of everything."""

    tiles: Sequence[Tile]
    charts: Sequence[Chart]
    statuses: Sequence[Status]
    badges: Sequence[tuple[str, str]]
    events: Sequence[Event]
    changes: Sequence[Change]
    form: Form
    form_with_errors: Form
    state: ListState
    rows: Sequence[tuple[str, str, str]]
    next_href: str


async def show(visit: Visit) -> Response:
    """Show the components."""
    state = read_list_state(_SHAPE, {"sort": "amount"})
    rows = [(f"lo_{number:013d}", f"{number * 1_250:,}.00", "—") for number in range(1, 5)]
    page = make_page(state, rows, [Key(0, number) for number in range(4)])
    view = GalleryView(
        tiles=_tiles(visit),
        charts=_charts(visit),
        statuses=[
            Status(label=visit.catalogue.label("tone", tone), tone=tone)
            for tone in ("good", "warn", "bad", "live", "none")
        ],
        badges=[(visit.catalogue.label("tone", tone), tone) for tone in ("good", "warn", "bad")],
        events=[
            Event(at="2026-09-21 09:30", at_machine="2026-09-21T09:30:00+08:00",
                  text=visit.t("gallery.event"), note=visit.t("gallery.invented"), href="#main"),
            Event(at="2026-09-20 18:00", at_machine="2026-09-20T18:00:00+08:00",
                  text=visit.t("gallery.event")),
        ],
        changes=[
            Change(label=visit.t("line.limit"), before="10,000.00", after="12,000.00"),
            Change(label=visit.t("line.used"), before="4,000.00", after="4,000.00"),
        ],
        form=visit.form("#main", amount="1,200.00"),
        form_with_errors=Form(
            action="#main",
            token=visit.token(),
            values={"wrong": "abc"},
            errors={"wrong": visit.t("form.not_an_amount")},
        ),
        state=state,
        rows=page.rows,
        next_href=state.href_after(Key(5_000, 4)),
    )  # fmt: skip
    return visit.page("gallery/gallery.html", visit.t("gallery.title"), view)


def _tiles(visit: Visit) -> list[Tile]:
    invented = visit.t("gallery.invented")
    large = visit.formats.compact(128_400_000_000, "CNY")
    none = visit.formats.compact(0, "CNY")
    return [
        Tile(name="full", label=visit.t("tile.balance"), number=large.number, unit=large.unit,
             exact=large.exact, definition=invented, href="#main", change="+3.2%",
             change_basis=visit.t("tile.change_basis", count=30), arrow=RISE, tone="good",
             spark=draw.spark([3, 4, 4, 5, 6, 6, 7])),
        Tile(name="bare", label=visit.t("tile.late"), number="—", unit="", definition=invented),
        Tile(name="one", label=visit.t("tile.drawn"), number=none.number, unit=none.unit,
             definition=invented, spark=draw.spark([0])),
    ]  # fmt: skip


def _charts(visit: Visit) -> list[Chart]:
    empty = visit.t("chart.no_figures")

    def shown(name: str, picture: Markup, rows: Sequence[Sequence[str]]) -> Chart:
        return Chart(
            name=name,
            title=visit.t(f"gallery.{name}"),
            note=visit.t("gallery.invented"),
            picture=picture,
            columns=[visit.t("chart.month"), "%"],
            rows=rows,
            empty=empty,
        )

    title, text = visit.t("gallery.title"), visit.t("gallery.invented")
    cohorts = {f"2025Q{number}": _curve(number) for number in range(1, 5)}
    cohorts |= {f"2026Q{number}": _curve(number + 4) for number in range(1, 3)}
    some = [["2026-08", "1.86"]]
    heat = draw.heat_map(
        "heat", _BUCKETS, _ROLLS, title=title, description=text, x_label="↓", y_label="→"
    )
    signed: dict[str, list[float | None]] = {"+": [4, 7, None, 5], "−": [-2, 1, 3, -1]}
    bars = draw.bars(
        "bars", ["1", "2", "3", "4"], signed, title=title, description=text, x_label="t"
    )
    limits = [("1", 5), ("2", 5), ("3", 8), ("4", 6)]
    stages = [("A", 120, None), ("B", 74, "#main"), ("C", 0, None)]
    bridge = [("A", 9), ("B", 4), ("C", -5)]
    return [
        shown(
            "lines",
            draw.line_chart("lines", cohorts, title=title, description=text, x_label="MOB"),
            some,
        ),
        shown("heat", heat, some),
        shown("bars", bars, some),
        shown(
            "steps",
            draw.steps("steps", limits, title=title, description=text, x_label="t"),
            some,
        ),
        shown(
            "waterfall",
            draw.waterfall("waterfall", bridge, title=title, description=text, total_label="Σ"),
            some,
        ),
        shown("funnel", draw.funnel("funnel", stages, title=title, description=text), some),
        shown("nothing", Markup(""), []),
    ]


def _curve(age: int) -> list[float | None]:
    return [round((1 - 0.8**month) * (3.6 - 0.25 * age), 2) for month in range(20 - 2 * age)]


PAGES: Final = (Page(path="/_gallery", show=show, permission=Permission.DEVELOP),)
