"""Appeals against measures on lines: the queue by deadline, and a person's decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.decisioning.line_review.appeal import AppealStatus, LineAppeal
from counterfoil.journeys.lines import line_appeals
from counterfoil.kernel import ids
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

#: How a person may end an appeal.
_KEY: Final = attrgetter("customer_id", "appeal_id")
OUTCOMES: Final = ("rejected", "lifted", "undone", "withdrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRow:
    """One appeal of the queue."""

    href: str
    record: str
    line_href: str
    line: str
    grounds: str
    received_at: str
    due_on: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealsView:
    """Appeals that wait for a person, the most urgent first."""

    rows: Sequence[AppealRow]
    done: str


async def show_list(visit: Visit) -> Response:
    """List open appeals."""
    house = visit.desk.house
    found = await visit.in_queue(await line_appeals.open_appeals(house), ids.LINE_APPEAL, _KEY)
    on = await house.business_date()
    view = AppealsView(
        rows=[_row(visit, item, is_late=item.due_on < on) for item in found],
        done=visit.done("appeal_decided"),
    )
    return visit.page(
        "lines/appeals.html",
        visit.t("nav.appeals"),
        view,
        journey="journeys.lines.line_appeals.open_appeals",
        api_call="GET /v1/line-appeals",
        cli_call="counterfoil limits appeals",
    )


async def decide(visit: Visit) -> Response:
    """Show one appeal and take the decision."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    if turned_away := await errors.without_reach(visit, Permission.FREEZE, found.customer_id):
        return turned_away

    async def act(reader: FormReader) -> object:
        outcome, reason = reader.choice("outcome", OUTCOMES), flow.reason_of(reader)
        if outcome is None or reason is None:
            return None
        decision = line_appeals.AppealDecision(
            customer_id=found.customer_id,
            appeal_id=found.appeal_id,
            status=AppealStatus(outcome),
            by=visit.operator,
            reason=reason,
        )
        return await line_appeals.decide_appeal(visit.desk.house, decision)

    return await flow.run(visit, _action(visit, found), _fields(visit), act, done="appeal_decided")


async def _found(visit: Visit) -> LineAppeal | None:
    try:
        number = ids.from_text(ids.LINE_APPEAL, visit.request.path_params["appeal"])
    except ids.InvalidIdError:
        return None
    queue = await visit.in_queue(
        await line_appeals.open_appeals(visit.desk.house), ids.LINE_APPEAL, _KEY
    )
    return next((item for item in queue if item.appeal_id == number), None)


def _row(visit: Visit, found: LineAppeal, *, is_late: bool) -> AppealRow:
    f = visit.formats
    record = ids.to_text(ids.LINE_APPEAL, found.appeal_id)
    code = "late" if is_late else "open"
    return AppealRow(
        href=f"{BASE}/appeals/{record}",
        record=record,
        line_href=words.line_href(found.customer_id, found.line_id),
        line=ids.to_text(ids.LINE, found.line_id),
        grounds=found.grounds,
        received_at=f.instant(found.received_at),
        due_on=f.day(found.due_on),
        status=visit.status("appeal_status", code, {"open": "live", "late": "bad"}),
    )


def _action(visit: Visit, found: LineAppeal) -> Action:
    record = ids.to_text(ids.LINE_APPEAL, found.appeal_id)
    return Action(
        name="decide",
        title=visit.t("appeal.title", record=record),
        intro=visit.t(
            "appeal.intro",
            line=ids.to_text(ids.LINE, found.line_id),
            grounds=found.grounds,
            due=visit.formats.day(found.due_on),
        ),
        path=f"{BASE}/appeals/{record}",
        record=Crumb(label=visit.t("nav.appeals"), href=f"{BASE}/appeals"),
        journey="journeys.lines.line_appeals.decide_appeal",
        api_call=f"POST /v1/line-appeals/{record}/decision",
    )


def _fields(visit: Visit) -> list[Field]:
    choices = tuple((code, visit.catalogue.label("appeal_outcome", code)) for code in OUTCOMES)
    t = visit.t
    return [
        Field(name="outcome", label=t("appeal.outcome"), kind="select", choices=choices),
        Field(name="reason", label=t("appeal.reason"), hint=t("appeal.reason_hint")),
    ]


PAGES: Final = (
    Page(path="/appeals", show=show_list),
    Page(path="/appeals/{appeal}", show=decide, submit=decide, permission=Permission.FREEZE),
)
