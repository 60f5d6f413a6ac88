"""The tiles of the overview: each figure with its trend, its change and its definition."""

from datetime import timedelta
from typing import Final

from counterfoil.console.figures import Book, Figures
from counterfoil.console.frame import BASE
from counterfoil.console.visit import Visit
from counterfoil.console.words import BUCKET_30_PLUS, BUCKETS
from counterfoil.platform.web import charts
from counterfoil.platform.web.format import MINUS
from counterfoil.platform.web.parts import FALL, RISE, Tile

#: Days of a trend line, and between the two figures of a change.
TREND_DAYS: Final = 30
#: Less than this rounds to nothing in a figure with two digits after the point.
_POINTS_SHOWN_LEAST: Final = 0.005
#: The buckets beyond 30 days past due.
_LATE_BUCKETS: Final = range(BUCKET_30_PLUS, len(BUCKETS))


def tiles(visit: Visit, figures: Figures) -> list[Tile]:
    """Return the tiles in their order."""
    return [
        _balance(visit, figures),
        _open_loans(visit, figures),
        _drawn(visit, figures),
        _approval(visit, figures),
        _late(visit, figures),
        _available(visit, figures),
    ]


def _balance(visit: Visit, figures: Figures) -> Tile:
    recent = _recent(figures)
    now = recent[-1].principal_minor if recent else 0
    shown = visit.formats.compact(now, figures.currency)
    text, arrow = _change(visit, [book.principal_minor for book in recent])
    return Tile(
        name="balance",
        label=visit.t("tile.balance"),
        number=shown.number,
        unit=shown.unit,
        exact=shown.exact,
        spark=charts.spark([book.principal_minor for book in recent]),
        href=f"{BASE}/loans?status=open&sort=balance&order=desc",
        change=text,
        arrow=arrow,
        change_basis=_basis(visit, text),
        definition=visit.t("tile.balance_definition"),
    )


def _open_loans(visit: Visit, figures: Figures) -> Tile:
    recent = _recent(figures)
    text, arrow = _change(visit, [book.loans for book in recent])
    return Tile(
        name="open-loans",
        label=visit.t("tile.open_loans"),
        number=visit.formats.count(recent[-1].loans if recent else 0),
        unit=visit.t("tile.loans_unit"),
        spark=charts.spark([book.loans for book in recent]),
        href=f"{BASE}/loans?status=open",
        change=text,
        arrow=arrow,
        change_basis=_basis(visit, text),
        definition=visit.t("tile.open_loans_definition"),
    )


def _drawn(visit: Visit, figures: Figures) -> Tile:
    month_start = figures.today.replace(day=1)
    today = sum(row["out_minor"] for row in figures.cash if row["book_date"] == figures.today)
    month = sum(row["out_minor"] for row in figures.cash if row["book_date"] >= month_start)
    shown = visit.formats.compact(month, figures.currency)
    return Tile(
        name="drawn",
        label=visit.t("tile.drawn"),
        number=shown.number,
        unit=shown.unit,
        exact=visit.t("tile.today", amount=visit.formats.money(today, figures.currency)),
        spark=charts.spark([row["out_minor"] for row in figures.cash]),
        href=f"{BASE}/payments?direction=out",
        definition=visit.t("tile.drawn_definition"),
    )


def _approval(visit: Visit, figures: Figures) -> Tile:
    decided = sum(row["decided"] for row in figures.approvals)
    approved = sum(row["approved"] for row in figures.approvals)
    rate = visit.formats.percent(approved, decided, digits=1)
    return Tile(
        name="approval",
        label=visit.t("tile.approval"),
        number=rate.removesuffix("%"),
        unit="%" if decided else "",
        exact=visit.t(
            "tile.approval_of",
            approved=visit.formats.count(approved),
            decided=visit.formats.count(decided),
        ),
        spark=charts.spark([100 * row["approved"] / row["decided"] for row in figures.approvals]),
        href=f"{BASE}/applications",
        definition=visit.t("tile.approval_definition", days=figures.period),
    )


def _late(visit: Visit, figures: Figures) -> Tile:
    recent = _recent(figures)
    shares = [book.share(_LATE_BUCKETS) for book in recent]
    late = recent[-1].late_30_minor if recent else 0
    whole = recent[-1].principal_minor if recent else 0
    rate = visit.formats.percent(late, whole)
    text, arrow, tone = _points(shares)
    return Tile(
        name="late",
        label=visit.t("tile.late"),
        number=rate.removesuffix("%"),
        unit="%" if whole else "",
        exact=visit.formats.money(late, figures.currency),
        spark=charts.spark(shares),
        href=f"{BASE}/loans?status=open&days=31&sort=days_past_due&order=desc",
        change=text,
        arrow=arrow,
        tone=tone,
        change_basis=_basis(visit, text),
        definition=visit.t("tile.late_definition"),
    )


def _available(visit: Visit, figures: Figures) -> Tile:
    recent = [book for book in _recent(figures) if book.available_minor is not None]
    amounts = [book.available_minor or 0 for book in recent]
    shown = visit.formats.compact(amounts[-1] if amounts else 0, figures.currency)
    lines = visit.formats.count(recent[-1].drawable or 0 if recent else 0)
    text, arrow = _change(visit, amounts)
    return Tile(
        name="available",
        label=visit.t("tile.available"),
        number=shown.number,
        unit=shown.unit,
        exact=visit.t("tile.on_lines", lines=lines),
        spark=charts.spark(amounts),
        href=f"{BASE}/lines?status=active&sort=available&order=desc",
        change=text,
        arrow=arrow,
        change_basis=_basis(visit, text),
        definition=visit.t("tile.available_definition"),
    )


def _recent(figures: Figures) -> list[Book]:
    since = figures.today - timedelta(days=TREND_DAYS)
    return [book for book in figures.books if book.day >= since]


def _basis(visit: Visit, change: str) -> str:
    return visit.t("tile.change_basis", count=TREND_DAYS) if change else ""


def _change(visit: Visit, values: list[int]) -> tuple[str, str]:
    """Return the change from the first to the last value in percent, with its arrow."""
    if not values or not values[0] or len(values) == 1:
        return "", ""
    change = values[-1] - values[0]
    text = visit.formats.percent(change, values[0], digits=1)
    return (text, FALL) if change < 0 else (f"+{text}", RISE)


def _points(shares: list[float | None]) -> tuple[str, str, str]:
    """Return the change of a share of late loans in points; here a fall is good."""
    known = [share for share in shares if share is not None]
    if not known or len(known) == 1:
        return "", "", ""
    change = known[-1] - known[0]
    if abs(change) < _POINTS_SHOWN_LEAST:
        return "±0.00 pp", "", ""
    if change < 0:
        return f"{MINUS}{-change:.2f} pp", FALL, "good"
    return f"+{change:.2f} pp", RISE, "bad"
