"""The day's close: the business date, each closed day with its steps, and closing the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.loans import done_notice
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.journeys.books.close_day import (
    ACCRUAL,
    CUT_OFF,
    EVENTS,
    FINISHED,
    LEDGER,
    OFFERS,
    REVIEWS,
    close_day,
)
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status

DAYS_SHOWN: Final = 30

_SECOND_MS: Final = 1000

#: The steps of a close in their order.
STEPS: Final = (CUT_OFF, OFFERS, EVENTS, REVIEWS, ACCRUAL, LEDGER, FINISHED)
#: Installations in which a person may move the business date from a page.
SANDBOXES: Final = frozenset({"sandbox", "demo", "test", "development"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One closed day."""

    day: str
    href: str
    started_at: str
    duration: str
    steps: str
    examined: str
    touched: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysView:
    """Closed days, and the form that closes the next."""

    business_date: str
    business_date_prose: str
    next_date: str
    form: Form
    why_not: str
    rows: Sequence[DayRow]
    older_href: str
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step of a close."""

    name: str
    started_at: str
    duration: str
    examined: str
    touched: str
    detail: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """One closed day."""

    day: str
    steps: Sequence[StepRow]
    total: str


async def show(visit: Visit) -> Response:
    """Show the closed days."""
    return await _show(visit, FormReader(visit.values) if visit.is_stale else None)


async def submit(visit: Visit) -> Response:
    """Close the present day and move the business date on by one."""
    reader = FormReader(visit.values)
    async with visit.reading():
        expected = visit.business_date
    asked = reader.day("business_date")
    if asked is not None and asked != expected:
        # Somebody else has closed it since the page was shown: nothing is done twice.
        reader.refuse("business_date", "day.already_closed")
    why_not = _why_not(visit)
    if why_not:
        return await errors.forbidden(visit)
    if not reader.is_valid or expected is None:
        return await _show(visit, reader)
    await close_day(visit.desk.house, to=expected + timedelta(days=1))
    return visit.go(f"{BASE}/days?done=day_closed")


async def show_day(visit: Visit) -> Response:
    """Show the steps of one close."""
    try:
        day = date.fromisoformat(visit.request.path_params["day"])
    except ValueError:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        steps = await READING.close_steps.fetch(connection, business_date=day)
    if not steps:
        return await errors.not_found(visit)
    view = DayView(
        day=visit.formats.day(day),
        steps=[_step(visit, step) for step in sorted(steps, key=_place)],
        total=_duration(
            min(step["started_at"] for step in steps),
            max((step["finished_at"] for step in steps if step["finished_at"]), default=None),
        ),
    )
    return visit.page(
        "days/day.html",
        visit.t("day.title", day=view.day),
        view,
        journey="console.reading.close_steps",
    )


async def _show(visit: Visit, reader: FormReader | None) -> Response:
    before = _before(visit)
    async with visit.reading() as connection:
        rows = await READING.close_days.fetch(connection, before=before, page=DAYS_SHOWN + 1)
    today = visit.business_date
    next_date = today + timedelta(days=1) if today else None
    form = visit.form(f"{BASE}/days", reader)
    older = rows[DAYS_SHOWN - 1]["business_date"] if len(rows) > DAYS_SHOWN else None
    view = DaysView(
        business_date=visit.formats.day(today),
        business_date_prose=visit.formats.day_prose(today),
        next_date=visit.formats.day(next_date),
        form=form,
        why_not=_why_not(visit),
        rows=[_row(visit, row) for row in rows[:DAYS_SHOWN]],
        older_href=f"{BASE}/days?before={older}" if older else "",
        done=done_notice(visit),
    )
    return visit.page(
        "days/list.html",
        visit.t("nav.days"),
        view,
        status=422 if form.errors else 200,
        journey="journeys.books.close_day.close_day",
        cli_call=f"counterfoil close-day --to {next_date}" if next_date else "",
    )


def _before(visit: Visit) -> date:
    try:
        return date.fromisoformat(visit.request.query_params.get("before", ""))
    except ValueError:
        return date.max


def _why_not(visit: Visit) -> str:
    if not visit.may(Permission.CLOSE_DAY):
        return visit.t("access.role_may_not")
    if visit.desk.house.settings.environment not in SANDBOXES:
        return visit.t("day.not_a_sandbox")
    return ""


def _row(visit: Visit, row: Row) -> DayRow:
    f = visit.formats
    is_finished = row["steps"] == row["finished_steps"]
    return DayRow(
        day=f.day(row["business_date"]),
        href=f"{BASE}/days/{row['business_date']}",
        started_at=f.instant(row["started_at"], seconds=True),
        duration=_duration(row["started_at"], row["finished_at"]),
        steps=f"{row['finished_steps']}/{row['steps']}",
        examined=f.count(row["examined"]),
        touched=f.count(row["touched"]),
        status=_finished(visit, is_finished=is_finished),
    )


def _step(visit: Visit, row: Row) -> StepRow:
    f = visit.formats
    return StepRow(
        name=words.code_label(visit, "close_step", row["step"]),
        started_at=f.instant(row["started_at"], seconds=True),
        duration=_duration(row["started_at"], row["finished_at"]),
        examined=f.count(row["examined"]),
        touched=f.count(row["touched"]),
        detail=row["detail"] or "—",
        status=_finished(visit, is_finished=row["finished_at"] is not None),
    )


def _place(row: Row) -> tuple[int, str]:
    """Return a step's place in the order of a close; a step of a newer release comes last."""
    name = row["step"]
    return (STEPS.index(name) if name in STEPS else len(STEPS), name)


def _finished(visit: Visit, *, is_finished: bool) -> Status:
    code = "finished" if is_finished else "running"
    return visit.status("close_status", code, {"finished": "good", "running": "live"})


def _duration(started_at: datetime, finished_at: datetime | None) -> str:
    if finished_at is None:
        return "—"
    milliseconds = (finished_at - started_at) // timedelta(milliseconds=1)
    if milliseconds < _SECOND_MS:
        return f"{milliseconds} ms"
    return f"{milliseconds // _SECOND_MS}.{milliseconds % _SECOND_MS // 100} s"


PAGES: Final = (
    Page(path="/days", show=show, submit=submit),
    Page(path="/days/{day}", show=show_day),
)
