"""Cases of customers whom no channel reaches: the queue, one with its messages, what was done."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.shapes import Body, Code, CustomerId, FreeText, View, read_id
from counterfoil.api.writes import Call, Write
from counterfoil.customers import contact_case_store as store
from counterfoil.customers.contact_case import NOTE_LENGTH_MAX, ContactStep
from counterfoil.customers.refusals import CONTACT_CASE_NOT_FOUND
from counterfoil.journeys.serving import reach_customers as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer

TAG: Final = "Messages"
router = APIRouter()
_CUSTOMER: Final = "cu_01hv4zq3k2f00"
_PATH: Final = {"contact_case_id": ids.CONTACT_CASE}
Note = Annotated[
    str,
    StringConstraints(max_length=NOTE_LENGTH_MAX, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
    FreeText,
]


class ContactAssignmentBody(Body):
    """Whose task a case is."""

    customer_id: CustomerId
    #: The person, as your system knows them; they go on with it until they give it back.
    assignee: Code
    #: Put it back into the queue instead.
    gives_back: bool = False


class ContactStepBody(Body):
    """What was done to reach the customer."""

    customer_id: CustomerId
    #: `missed` waits for the next attempt; everything else ends the case.
    step: Literal["missed", "told", "send_again", "unreachable"]
    #: How; identity and phone numbers are hidden before it is kept. `told` needs it.
    note: Note = ""
    #: The person who acted, as your system knows them.
    done_by: Code


class ContactCaseView(View):
    """A case as it stands."""

    id: str
    customer_id: str
    opened_at: datetime
    #: The working day by which somebody reaches the customer.
    due_on: date
    #: A notice that the law asks for is among the messages.
    is_legal: bool
    #: `open`, `taken`, `told`, `sent_again` or `unreachable`.
    status: str
    taken_by: str | None
    #: Attempts that met nobody.
    attempts: int
    attempted_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    note: str | None


class ContactCases(PageView):
    """A page of cases."""

    items: list[ContactCaseView]


class UntoldView(View):
    """What the customer of a case was to be told; without name, address or rendered text."""

    id: str
    kind: str
    cause: str
    is_legal: bool
    #: Figures of the text.
    fields: dict[str, object]
    #: `undeliverable`, or how it went when it was sent again.
    status: str
    #: Each attempt: channel and outcome.
    tried: str | None
    created_at: datetime


class ContactCaseDetail(ContactCaseView):
    """A case with what the customer was to be told."""

    messages: list[UntoldView]


async def carry_assignment(call: Call, body: ContactAssignmentBody) -> Answer | Refused:
    """Take a case, or give it back."""
    act = partial(
        journey.take_contact_case,
        call.house,
        _actor(call, body.assignee),
        customer_id=body.customer_id,
        case_id=call.path["contact_case_id"],
        gives_back=body.gives_back,
    )
    return await once(call, ASSIGN, body, act, journey.contact_document, scope_id=body.customer_id)


async def carry_step(call: Call, body: ContactStepBody) -> Answer | Refused:
    """Note what was done."""
    act = partial(
        journey.note_contact,
        call.house,
        _actor(call, body.done_by),
        customer_id=body.customer_id,
        case_id=call.path["contact_case_id"],
        step=ContactStep(body.step),
        said=body.note,
    )
    return await once(call, STEP, body, act, journey.contact_document, scope_id=body.customer_id)


def _actor(call: Call, person: str) -> Actor:
    """Return who acts: the person whom a program names, by the right of its key."""
    return Actor(name=f"{call.author}:{person}", role=Scope.OPERATIONS_WRITE.value, source="api")


ASSIGN = Write(
    name="assign_contact_case",
    tag=TAG,
    path="/v1/contact-cases/{contact_case_id}/assignment",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=ContactAssignmentBody,
    answer=ContactCaseView,
    carry=carry_assignment,
    summary="Take a contact case, or give it back",
    example={"customer_id": _CUSTOMER, "assignee": "li-wei"},
)
STEP = Write(
    name="note_contact",
    tag=TAG,
    path="/v1/contact-cases/{contact_case_id}/steps",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=ContactStepBody,
    answer=ContactCaseView,
    carry=carry_step,
    summary="Note what was done to reach a customer",
    description=(
        "`send_again` queues every undeliverable message of the case by the channels of today;"
        " after three attempts that met nobody a person may end the case as `unreachable`."
    ),
    example={
        "customer_id": _CUSTOMER,
        "step": "told",
        "note": "told in the branch on 3 March",
        "done_by": "li-wei",
    },
)
WRITES = (ASSIGN, STEP)


@router.get(
    "/v1/contact-cases",
    **reads(Scope.OPERATIONS_READ, TAG, "List customers whom no channel reaches"),
)
async def list_contact_cases(house: HouseOf, turn: Paging) -> ContactCases:
    """Return the cases that are open, the nearest deadline first."""
    async with house.database.connection() as connection:
        found = await store.cases_open(
            connection, page=turn.page, is_back=turn.is_back, after=turn.day(store.FIRST)
        )
    page = page_of(found, turn, lambda item: (item.due_on.toordinal(), item.case_id))
    return ContactCases(
        items=[
            ContactCaseView.model_validate(journey.contact_document(item)) for item in page.items
        ],
        **page.cursors,
    )


@router.get(
    "/v1/contact-cases/{contact_case_id}",
    **reads(Scope.OPERATIONS_READ, TAG, "Read a contact case"),
)
async def get_contact_case(
    house: HouseOf,
    contact_case_id: Annotated[str, Path(description="The case.", max_length=40)],
    customer_id: Annotated[CustomerId, Query(description="Whose case it is.")],
) -> ContactCaseDetail:
    """Return a case with everything that the customer was to be told."""
    number = read_id(ids.CONTACT_CASE, contact_case_id)
    if number is None:
        raise RefusedError(refuse(CONTACT_CASE_NOT_FOUND))
    found = await journey.see_contact_case(house, customer_id=customer_id, case_id=number)
    if isinstance(found, Refused):
        raise RefusedError(found)
    case, messages = found
    return ContactCaseDetail.model_validate(
        journey.contact_document(case)
        | {
            "messages": [
                UntoldView(
                    id=ids.to_text(ids.MESSAGE, row["message_id"]),
                    kind=row["kind"],
                    cause=row["cause"],
                    is_legal=row["is_legal"],
                    fields=orjson.loads(row["fields"]),
                    status=row["status"],
                    tried=row["tried"],
                    created_at=row["created_at"],
                )
                for row in messages
            ]
        }
    )
