"""Customers whom no channel reaches: the queue by deadline, a case with its messages, a step.

Privacy     What was to be told is shown by kind; name and address are in the vault alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.messages import subject_of, tried_words
from counterfoil.console.visit import OF_PERSON, Visit
from counterfoil.customers import contact_case_store as store
from counterfoil.customers.contact_case import NOTE_LENGTH_MAX, ContactCase, ContactStep
from counterfoil.journeys.serving import reach_customers as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

_HOME: Final = f"{BASE}/contact-cases"
_TAKE, _RELEASE = "take", "release"
#: What a person may do with a case, in the order of the form.
STEPS: Final = (_TAKE, *(step.value for step in ContactStep), _RELEASE)
_TONES: Final = {"open": "warn", "taken": "live", "late": "bad", "unreachable": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """One case of the queue."""

    href: str
    record: str
    customer: str
    customer_href: str
    law: str
    due_on: str
    opened_at: str
    attempts: str
    taken_by: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsView:
    """Customers whom nobody has reached, the most urgent first."""

    rows: Sequence[ContactRow]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldRow:
    """Something that the customer was to be told."""

    record: str
    kind: str
    law: str
    tried: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactView:
    """One case."""

    record: str
    status: Status
    #: Label, text, address.
    facts: Sequence[tuple[str, str, str]]
    messages: Sequence[UntoldRow]
    step_href: str
    done: str


async def show_list(visit: Visit) -> Response:
    """List the customers whom nobody has reached yet."""
    async with visit.desk.house.database.connection() as connection:
        found = await store.cases_open(connection)
    queue = await visit.in_queue(found, ids.CUSTOMER, OF_PERSON)
    view = ContactsView(
        rows=[_row(visit, item) for item in queue], done=visit.done("contact_noted")
    )
    return visit.page(
        "messages/cases.html",
        visit.t("nav.contact_cases"),
        view,
        journey="customers.contact_case_store.cases_open",
        api_call="GET /v1/contact-cases",
    )


async def show_one(visit: Visit) -> Response:
    """Show a case with everything that the customer was to be told."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    case, messages = found
    row, t = _row(visit, case), visit.t
    may_go_on = case.is_open and visit.may(Permission.REVIEW)
    view = ContactView(
        record=row.record,
        status=row.status,
        facts=[
            (t("message.customer"), row.customer, row.customer_href),
            (t("contact.opened_at"), row.opened_at, ""),
            (t("contact.due_on"), row.due_on, ""),
            (t("message.law"), row.law, ""),
            (t("contact.attempts"), row.attempts, ""),
            (t("contact.taken_by"), row.taken_by, ""),
            (t("contact.ended_by"), case.ended_by or "—", ""),
            (t("contact.note"), case.note or "—", ""),
        ],
        messages=[_untold(visit, message) for message in messages],
        step_href=f"{row.href}/step" if may_go_on else "",
        done=visit.done("contact_noted"),
    )
    return visit.page(
        "messages/case.html",
        t("contact.title", record=row.record),
        view,
        journey="journeys.serving.reach_customers.see_contact_case",
        api_call=f"GET /v1/contact-cases/{row.record}",
    )


async def go_on(visit: Visit) -> Response:
    """Take a case, give it back, or note what was done."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    case, house = found[0], visit.desk.house

    async def act(reader: FormReader) -> object:
        step = reader.choice("what", STEPS)
        said = reader.text("note", length_max=NOTE_LENGTH_MAX, required=False) or ""
        if step is None or not reader.is_valid:
            return None
        key = {"customer_id": case.customer_id, "case_id": case.case_id}
        if step in (_TAKE, _RELEASE):
            return await journey.take_contact_case(
                house, visit.actor, **key, gives_back=step == _RELEASE
            )
        return await journey.note_contact(
            house, visit.actor, **key, step=ContactStep(step), said=said
        )

    return await flow.run(visit, _action(visit, case), _fields(visit), act, done="contact_noted")


async def _found(visit: Visit) -> tuple[ContactCase, Sequence[Any]] | None:
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        case_id = ids.from_text(ids.CONTACT_CASE, params["case"])
    except ids.InvalidIdError:
        return None
    house = visit.desk.house
    found = await journey.see_contact_case(house, customer_id=customer_id, case_id=case_id)
    return None if isinstance(found, Refused) else found


def _row(visit: Visit, case: ContactCase) -> ContactRow:
    f, t, on = visit.formats, visit.t, visit.business_date
    is_late = on is not None and case.is_overdue(on)
    return ContactRow(
        href=_href(case),
        record=f.record(ids.CONTACT_CASE, case.case_id),
        customer=f.record(ids.CUSTOMER, case.customer_id),
        customer_href=f"{words.customer_href(case.customer_id)}/settings",
        law=t("message.legal") if case.is_legal else t("message.not_legal"),
        due_on=f.day(case.due_on),
        opened_at=f.instant(case.opened_at),
        attempts=f.count(case.attempts),
        taken_by=case.taken_by or "—",
        status=visit.status("contact_status", "late" if is_late else case.status.value, _TONES),
    )


def _untold(visit: Visit, row: Any) -> UntoldRow:
    t = visit.t
    tones = {"undeliverable": "bad", "queued": "live", "sent": "good", "delivered": "good"}
    return UntoldRow(
        record=visit.formats.record(ids.MESSAGE, row["message_id"]),
        kind=subject_of(visit, row),
        law=t("message.legal") if row["is_legal"] else t("message.not_legal"),
        tried=tried_words(visit, row["tried"]),
        status=visit.status("message_status", row["status"], tones),
    )


def _action(visit: Visit, case: ContactCase) -> Action:
    record = ids.to_text(ids.CONTACT_CASE, case.case_id)
    return Action(
        name="contact",
        title=visit.t("contact.go_on", record=record),
        intro=visit.t(
            "contact.intro",
            customer=ids.to_text(ids.CUSTOMER, case.customer_id),
            due=visit.formats.day(case.due_on),
        ),
        path=f"{_href(case)}/step",
        record=Crumb(label=record, href=_href(case)),
        journey="journeys.serving.reach_customers.note_contact",
        api_call=f"POST /v1/contact-cases/{record}/steps",
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    choices = tuple((code, visit.catalogue.label("contact_step", code)) for code in STEPS)
    return [
        Field(name="what", label=t("contact.what"), kind="select", choices=choices),
        Field(name="note", label=t("contact.note"), hint=t("contact.note_hint"), is_required=False),
    ]


def _href(case: ContactCase) -> str:
    customer = ids.to_text(ids.CUSTOMER, case.customer_id)
    return f"{_HOME}/{customer}/{ids.to_text(ids.CONTACT_CASE, case.case_id)}"


PAGES: Final = (
    Page(path="/contact-cases", show=show_list),
    Page(path="/contact-cases/{customer}/{case}", show=show_one),
    Page(
        path="/contact-cases/{customer}/{case}/step",
        show=go_on,
        submit=go_on,
        permission=Permission.REVIEW,
    ),
)
