"""Requests for a call: the queue by deadline, and what came of a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import OF_PERSON, Visit
from counterfoil.customers import call_store as store
from counterfoil.customers.call_back import SAID_LENGTH_MAX, Attempt, CallRequest
from counterfoil.journeys.applying import call_back as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

_TAKE, _RELEASE = "take", "release"
#: What a person may do with a request, in the order of the form.
STEPS: Final = (_TAKE, *(item.value for item in Attempt), _RELEASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One request of the queue."""

    href: str
    record: str
    customer: str
    customer_href: str
    about: str
    slot: str
    said: str
    due_on: str
    missed: str
    taken_by: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsView:
    """Whoever waits for a call, the most urgent first."""

    rows: Sequence[CallRow]
    done: str


async def show_list(visit: Visit) -> Response:
    """Show who waits for a call."""
    async with visit.reading() as connection:
        found = await store.calls_open(connection)  # type: ignore[arg-type]
    queue = await visit.in_queue(found, ids.CUSTOMER, OF_PERSON)
    view = CallsView(rows=[_row(visit, item) for item in queue], done=visit.done("call_noted"))
    return visit.page(
        "reviews/calls.html",
        visit.t("nav.calls"),
        view,
        journey="customers.call_store.calls_open",
        api_call="GET /v1/call-requests",
    )


async def go_on(visit: Visit) -> Response:
    """Take a request, give it back, or note what came of the call."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    house, customer_id, call_id = visit.desk.house, found.customer_id, found.call_id

    async def act(reader: FormReader) -> object:
        step = reader.choice("what", STEPS)
        said = reader.text("note", length_max=SAID_LENGTH_MAX, required=False) or ""
        if step is None or not reader.is_valid:
            return None
        if step in (_TAKE, _RELEASE):
            return await journey.take_call(
                house,
                visit.actor,
                customer_id=customer_id,
                call_id=call_id,
                gives_back=step == _RELEASE,
            )
        return await journey.note_call(
            house,
            visit.actor,
            customer_id=customer_id,
            call_id=call_id,
            attempt=Attempt(step),
            said=said,
        )

    return await flow.run(visit, _action(visit, found), _fields(visit), act, done="call_noted")


async def _found(visit: Visit) -> CallRequest | None:
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        call_id = ids.from_text(ids.CALL_REQUEST, params["call"])
    except ids.InvalidIdError:
        return None
    found = await journey.read_call(visit.desk.house, customer_id=customer_id, call_id=call_id)
    return None if isinstance(found, Refused) else found


def _row(visit: Visit, item: CallRequest) -> CallRow:
    f, on = visit.formats, visit.business_date
    is_late = on is not None and item.is_overdue(on)
    code = "late" if is_late else item.status.value
    return CallRow(
        href=_href(item),
        record=ids.to_text(ids.CALL_REQUEST, item.call_id),
        customer=ids.to_text(ids.CUSTOMER, item.customer_id),
        customer_href=words.customer_href(item.customer_id),
        about=visit.catalogue.label("call_about", item.about.value),
        slot=visit.catalogue.label("call_slot", item.slot.value),
        said=item.said or "—",
        due_on=f.day(item.due_on),
        missed=f.count(item.missed),
        taken_by=item.taken_by or "—",
        status=visit.status(
            "call_status", code, {"waiting": "warn", "taken": "live", "late": "bad"}
        ),
    )


def _action(visit: Visit, found: CallRequest) -> Action:
    record = ids.to_text(ids.CALL_REQUEST, found.call_id)
    return Action(
        name="call",
        title=visit.t("call.title", record=record),
        intro=visit.t(
            "call.intro",
            customer=ids.to_text(ids.CUSTOMER, found.customer_id),
            due=visit.formats.day(found.due_on),
        ),
        path=_href(found),
        record=Crumb(label=visit.t("nav.calls"), href=f"{BASE}/calls"),
        journey="journeys.applying.call_back.note_call",
        api_call=f"POST /v1/call-requests/{record}/attempts",
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    choices = tuple((code, visit.catalogue.label("call_step", code)) for code in STEPS)
    return [
        Field(name="what", label=t("call.what"), kind="select", choices=choices),
        Field(name="note", label=t("call.note"), hint=t("call.note_hint"), is_required=False),
    ]


def _href(found: CallRequest) -> str:
    customer = ids.to_text(ids.CUSTOMER, found.customer_id)
    return f"{BASE}/calls/{customer}/{ids.to_text(ids.CALL_REQUEST, found.call_id)}"


PAGES: Final = (
    Page(path="/calls", show=show_list),
    Page(
        path="/calls/{customer}/{call}",
        show=go_on,
        submit=go_on,
        permission=Permission.REVIEW,
    ),
)
