"""The starter path of a line: where the customer stands, and three short lessons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.customers.lesson_store import Lesson
from counterfoil.journeys.applying.starter_path import StarterPath, note_lesson, read_starter_path
from counterfoil.kernel import ids
from counterfoil.kernel.money import E8
from counterfoil.lending import store
from counterfoil.lending.line import Line
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit

#: Principal of the example of what lateness costs, minor units.
_EXAMPLE_MINOR: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonRow:
    """One lesson."""

    code: str
    title: str
    text: str
    is_read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterView:
    """The path of one line."""

    #: What is reached, and what comes next: text, and whether it is done.
    steps: Sequence[tuple[str, bool]]
    lessons: Sequence[LessonRow]
    form: Form
    line_href: str
    done: str


async def show(visit: Visit) -> Response:
    """Show the path of a line."""
    line = await _line(visit)
    path = None if line is None else await read_starter_path(visit.house, line)
    if line is None or path is None:
        return errors.not_found(visit)
    record = ids.to_text(ids.LINE, line.line_id)
    view = StarterView(
        steps=_steps(visit, line, path),
        lessons=[
            LessonRow(
                code=one.value,
                title=visit.word("lesson", one.value),
                text=_text(visit, line, one),
                is_read=one in path.lessons_read,
            )
            for one in Lesson
        ],
        form=visit.form(f"/starter/{record}"),
        line_href=f"/portal/limits/{record}",
        done=visit.done("lesson_read"),
    )
    return visit.page("limits/starter.html", visit.t("starter.title"), view)


async def note_read(visit: Visit) -> Response:
    """Keep that a lesson was read."""
    line = await _line(visit)
    if line is None:
        return errors.not_found(visit)
    lesson = FormReader(visit.values).choice("lesson", [one.value for one in Lesson])
    if lesson is None:
        return await show(visit)
    await note_lesson(visit.house, visit.customer_id, Lesson(lesson))
    return visit.go(f"/starter/{ids.to_text(ids.LINE, line.line_id)}?done=lesson_read")


def _steps(visit: Visit, line: Line, path: StarterPath) -> list[tuple[str, bool]]:
    f, t = visit.formats, visit.t
    read = len(path.lessons_read)
    grown = f.money(path.limit_minor, line.currency)
    return [
        (t("starter.small", limit=f.money(path.first_minor, line.currency)), True),
        (t("starter.lessons", read=read, count=len(Lesson)), read == len(Lesson)),
        (t("starter.streak", count=path.streak), path.streak > 0),
        (
            t("starter.grown", limit=grown) if path.has_graduated else t("starter.grows"),
            path.has_graduated,
        ),
    ]


def _text(visit: Visit, line: Line, lesson: Lesson) -> str:
    if lesson is not Lesson.LATENESS:
        return visit.t(f"starter.lesson_{lesson.value}")
    f, terms = visit.formats, visit.desk.terms(line.product_code, line.product_version)
    surcharge = terms.penalty_daily_e8(line.rate_daily_e8)
    # Thirty days late on the example, in whole minor units, rounded up: never made to look cheaper.
    cost_minor = -(-_EXAMPLE_MINOR * (line.rate_daily_e8 + surcharge) * 30 // E8)
    return visit.t(
        "starter.lesson_lateness",
        amount=f.money(_EXAMPLE_MINOR, line.currency),
        cost=f.money(cost_minor, line.currency),
        grace=terms.grace_days,
    )


async def _line(visit: Visit) -> Line | None:
    number = visit.number(ids.LINE)
    if number is None:
        return None
    async with visit.reading() as connection:
        return await store.read_line(connection, visit.customer_id, number)


PAGES: Final = (Page(path="/starter/{record}", show=show, submit=note_read),)
