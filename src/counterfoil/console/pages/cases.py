"""Where a customer's case is taken: what waits about the customer in one's own queues."""

from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.cases import take_case, tasks_of
from counterfoil.kernel import ids
from counterfoil.platform.web.forms import FormReader


async def take(visit: Visit) -> Response:
    """Show what waits about a customer, and take one of it."""
    try:
        customer_id = ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    house = visit.desk.house
    tasks = await tasks_of(house, visit.actor, visit.reach, customer_id, now=visit.desk.wall.now())

    async def act(reader: FormReader) -> object:
        by_value = {_value(*task): task for task in tasks}
        chosen = reader.choice("task", list(by_value))
        reason = flow.reason_of(reader)
        if chosen is None or reason is None:
            return None
        kind, subject_id = by_value[chosen]
        return await take_case(
            house,
            visit.actor,
            customer_id=customer_id,
            kind=kind,
            subject_id=subject_id,
            reason=reason,
            now=visit.desk.wall.now(),
        )

    action = _action(visit, customer_id, has_tasks=bool(tasks))
    return await flow.run(visit, action, _fields(visit, tasks), act)


def _action(visit: Visit, customer_id: int, *, has_tasks: bool) -> Action:
    record = ids.to_text(ids.CUSTOMER, customer_id)
    return Action(
        name="case",
        title=visit.t("case.title", record=record),
        intro=visit.t("case.intro" if has_tasks else "case.nothing"),
        path=f"{words.customer_href(customer_id)}/case",
        record=Crumb(label=visit.t("nav.customers"), href=f"{BASE}/customers"),
        journey="journeys.cases.take_case",
        then=words.customer_href(customer_id),
    )


def _fields(visit: Visit, tasks: list[tuple[str, int]]) -> list[Field]:
    if not tasks:
        return []
    choices = [(_value(*task), words.code_label(visit, "case_kind", task[0])) for task in tasks]
    return [
        Field(name="task", label=visit.t("case.task"), kind="select", choices=choices),
        Field(name="reason", label=visit.t("case.reason")),
    ]


def _value(kind: str, subject_id: int) -> str:
    return f"{kind}.{ids.to_text(ids.ROW, subject_id)}"


PAGES: Final = (
    Page(path="/customers/{customer}/case", show=take, submit=take, is_way_to_case=True),
)
