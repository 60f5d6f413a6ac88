"""What persons ask about their own data, with the clocks, and incidents that are open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import OF_PERSON, Visit
from counterfoil.journeys.guarding import rights as journey
from counterfoil.journeys.guarding.incidents import read_incidents
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status
from counterfoil.privacy.incident import Incident
from counterfoil.privacy.rights import RightsRequest

#: What staff may do with a request here.
STEPS: Final = ("identify", "answer", "refuse")
_TONES: Final = {"waiting": "warn", "identified": "live", "answered": "good"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One request of the queue."""

    href: str
    record: str
    customer_href: str
    customer: str
    kind: str
    about: str
    received_at: str
    due_on: str
    #: Days until the clock runs out; negative where it has.
    days_left: int
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """One incident."""

    record: str
    noticed_at: str
    told_by: str
    left: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """What waits for an answer, the nearest deadline first, and incidents."""

    rows: Sequence[RequestRow]
    incidents: Sequence[IncidentRow]
    done: str


async def show_queue(visit: Visit) -> Response:
    """Show requests that are open, and incidents, newest first."""
    house = visit.desk.house
    view = QueueView(
        rows=[
            _row(visit, item)
            for item in await visit.in_queue(
                await journey.open_requests(house), ids.CUSTOMER, OF_PERSON
            )
        ],
        incidents=[_incident(visit, item) for item in await read_incidents(house)],
        done=visit.done("person_right"),
    )
    return visit.page(
        "privacy/requests.html",
        visit.t("nav.person_rights"),
        view,
        journey="journeys.guarding.rights.open_requests",
        api_call="GET /v1/applicants/{customer_id}/rights-requests",
        cli_call="counterfoil privacy rights list",
    )


async def go_on(visit: Visit) -> Response:
    """Show one request, and identify, answer or refuse it."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)

    async def act(reader: FormReader) -> object:
        step, reason = reader.choice("step_taken", STEPS), flow.reason_of(reader)
        if step is None or reason is None:
            return None
        return await _do(visit, found, step, reason)

    return await flow.run(visit, _action(visit, found), _fields(visit), act, done="person_right")


async def _do(
    visit: Visit, found: RightsRequest, step: str, reason: str
) -> RightsRequest | Refused:
    house, key = visit.desk.house, (found.customer_id, found.request_id)
    if step == "identify":
        return await journey.identify(
            house, visit.actor, customer_id=key[0], request_id=key[1], method=reason
        )
    act = journey.answer if step == "answer" else journey.turn_down
    return await act(house, visit.actor, customer_id=key[0], request_id=key[1], reason=reason)


async def _found(visit: Visit) -> RightsRequest | None:
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        request_id = ids.from_text(ids.RIGHTS_REQUEST, params["request"])
    except ids.InvalidIdError:
        return None
    found = await journey.read_request(
        visit.desk.house, customer_id=customer_id, request_id=request_id
    )
    return None if isinstance(found, Refused) else found


def _action(visit: Visit, found: RightsRequest) -> Action:
    t, record = visit.t, ids.to_text(ids.RIGHTS_REQUEST, found.request_id)
    ended = found.conclusion
    done = orjson.loads(ended.detail) if ended else {}
    return Action(
        name="person_right",
        title=t("person_right.title", record=record),
        intro=t(
            "person_right.intro",
            kind=visit.catalogue.label("person_right_kind", found.kind.value),
            about=found.about or "—",
            said=found.said or "—",
            due=visit.formats.day(found.due_on),
            state=visit.catalogue.label("person_right_state", found.state.value),
            done=orjson.dumps(done).decode() if done else "—",
        ),
        path=_href(found),
        record=Crumb(label=t("nav.person_rights"), href=f"{BASE}/person-rights"),
        journey="journeys.guarding.rights.answer",
        api_call="GET /v1/applicants/{customer_id}/rights-requests",
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    choices = tuple((code, visit.catalogue.label("person_right_step", code)) for code in STEPS)
    return [
        Field(name="step_taken", label=t("person_right.step"), kind="select", choices=choices),
        Field(name="reason", label=t("person_right.reason"), hint=t("person_right.reason_hint")),
    ]


def _row(visit: Visit, item: RightsRequest) -> RequestRow:
    f, house = visit.formats, visit.desk.house
    return RequestRow(
        href=_href(item),
        record=ids.to_text(ids.RIGHTS_REQUEST, item.request_id),
        customer_href=words.customer_href(item.customer_id),
        customer=ids.to_text(ids.CUSTOMER, item.customer_id),
        kind=visit.catalogue.label("person_right_kind", item.kind.value),
        about=item.about or "—",
        received_at=f.instant(item.received_at),
        due_on=f.day(item.due_on),
        days_left=item.days_left(journey.today(house)),
        status=visit.status("person_right_state", item.state.value, _TONES),
    )


def _incident(visit: Visit, item: Incident) -> IncidentRow:
    f = visit.formats
    is_late = item.is_late(visit.desk.house.clock.now())
    code = "late" if is_late else ("open" if item.is_open else "closed")
    left = [visit.catalogue.label("incident_left", name) for name in item.missing]
    return IncidentRow(
        record=ids.to_text(ids.INCIDENT, item.incident_id),
        noticed_at=f.instant(item.noticed_at),
        told_by=f.instant(item.authority_by),
        left=", ".join(left) if item.is_open and left else "—",
        status=visit.status("incident_state", code, {"open": "warn", "late": "bad"}),
    )


def _href(item: RightsRequest) -> str:
    customer = ids.to_text(ids.CUSTOMER, item.customer_id)
    return f"{BASE}/person-rights/{customer}/{ids.to_text(ids.RIGHTS_REQUEST, item.request_id)}"


PAGES: Final = (
    Page(path="/person-rights", show=show_queue, permission=Permission.RIGHTS),
    Page(
        path="/person-rights/{customer}/{request}",
        show=go_on,
        submit=go_on,
        permission=Permission.RIGHTS,
    ),
)
