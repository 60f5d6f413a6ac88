"""Requests for a call: customers ask to be called back, a person calls by a day."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.shapes import Body, Code, CustomerId, FreeText, View
from counterfoil.api.writes import Call, Write
from counterfoil.customers import call_store as store
from counterfoil.customers.call_back import SAID_LENGTH_MAX, About, Attempt, CallRequest, Slot
from counterfoil.journeys.applying import call_back as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer

TAG: Final = "Calls"
router = APIRouter()
_CUSTOMER: Final = "cu_01hv4zq3k2f00"
_PATH: Final = {"call_request_id": ids.CALL_REQUEST}
Said = Annotated[
    str,
    StringConstraints(max_length=SAID_LENGTH_MAX, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
    FreeText,
]


class CallRequestBody(Body):
    """A customer asks to be called back."""

    customer_id: CustomerId
    about: Literal["application", "offer", "contract", "repayment", "other"] = "other"
    #: When the customer likes to be called.
    slot: Literal["any", "morning", "afternoon", "evening"] = "any"
    #: In the customer's words; identity and phone numbers are hidden before it is kept.
    said: Said = ""


class CallAttemptBody(Body):
    """What came of a call."""

    customer_id: CustomerId
    #: `reached` and `unreached` end the request; a `missed` one waits for the next call.
    outcome: Literal["reached", "missed", "unreached"]
    note: Said = ""
    #: The person who called, as your system knows them.
    called_by: Code


class CallWithdrawalBody(Body):
    """The customer wishes no call any more."""

    customer_id: CustomerId


class CallRequestView(View):
    """A request as it stands."""

    id: str
    customer_id: str
    about: str
    slot: str
    said: str
    requested_at: datetime
    #: The working day by which somebody calls.
    due_on: date
    #: `waiting`, `taken`, `reached`, `unreached` or `withdrawn`.
    status: str
    taken_by: str | None
    #: Calls nobody answered.
    missed: int
    ended_at: datetime | None
    ended_by: str | None
    note: str | None


class CallRequests(PageView):
    """A page of requests."""

    items: list[CallRequestView]


async def carry_request(call: Call, body: CallRequestBody) -> Answer | Refused:
    """Ask for a call."""
    wish = journey.CallWish(
        customer_id=body.customer_id,
        about=About(body.about),
        slot=Slot(body.slot),
        said=body.said,
        by=call.author,
    )
    act = partial(journey.ask_call, call.house, wish)
    return await once(call, REQUEST, body, act, journey.call_document, scope_id=body.customer_id)


async def carry_attempt(call: Call, body: CallAttemptBody) -> Answer | Refused:
    """Note a call."""
    actor = Actor(
        name=f"{call.author}:{body.called_by}", role=Scope.OPERATIONS_WRITE.value, source="api"
    )
    act = partial(
        journey.note_call,
        call.house,
        actor,
        customer_id=body.customer_id,
        call_id=call.path["call_request_id"],
        attempt=Attempt(body.outcome),
        said=body.note,
    )
    return await once(call, ATTEMPT, body, act, journey.call_document, scope_id=body.customer_id)


async def carry_withdrawal(call: Call, body: CallWithdrawalBody) -> Answer | Refused:
    """Withdraw a request."""
    act = partial(
        journey.withdraw_call,
        call.house,
        customer_id=body.customer_id,
        call_id=call.path["call_request_id"],
        by=call.author,
    )
    return await once(call, WITHDRAW, body, act, journey.call_document, scope_id=body.customer_id)


REQUEST = Write(
    name="ask_call",
    tag=TAG,
    path="/v1/call-requests",
    path_ids={},
    scope=Scope.APPLICATIONS_WRITE,
    body=CallRequestBody,
    answer=CallRequestView,
    carry=carry_request,
    status=201,
    summary="Ask to be called back",
    description=(
        "A person calls by the working day in `due_on`. A customer who waits for a call already"
        " gets that request."
    ),
    example={"customer_id": _CUSTOMER, "about": "offer", "slot": "morning"},
)
ATTEMPT = Write(
    name="note_call",
    tag=TAG,
    path="/v1/call-requests/{call_request_id}/attempts",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=CallAttemptBody,
    answer=CallRequestView,
    carry=carry_attempt,
    summary="Note what came of a call",
    description="After three calls nobody answered a person may end the request as unreached.",
    example={"customer_id": _CUSTOMER, "outcome": "reached", "called_by": "li-wei"},
)
WITHDRAW = Write(
    name="withdraw_call",
    tag=TAG,
    path="/v1/call-requests/{call_request_id}/withdrawal",
    path_ids=_PATH,
    scope=Scope.APPLICATIONS_WRITE,
    body=CallWithdrawalBody,
    answer=CallRequestView,
    carry=carry_withdrawal,
    summary="Withdraw a request for a call",
    example={"customer_id": _CUSTOMER},
)
WRITES = (REQUEST, ATTEMPT, WITHDRAW)


@router.get("/v1/call-requests", **reads(Scope.OPERATIONS_READ, TAG, "Read the queue of calls"))
async def list_calls(house: HouseOf, turn: Paging) -> CallRequests:
    """Return whoever waits for a call, the nearest deadline first."""
    async with house.database.connection() as connection:
        found = await store.calls_open(
            connection, page=turn.page, is_back=turn.is_back, after=turn.day(store.FIRST)
        )
    page = page_of(found, turn, lambda item: (item.due_on.toordinal(), item.call_id))
    return CallRequests(
        items=_views(page.items),
        **page.cursors,
    )


@router.get(
    "/v1/applicants/{customer_id}/call-requests",
    **reads(Scope.APPLICATIONS_READ, TAG, "List the requests of a customer"),
)
async def list_calls_of(house: HouseOf, customer_id: CustomerId, turn: Paging) -> CallRequests:
    """Return the requests of one customer, newest first."""
    async with house.database.connection() as connection:
        found = await store.calls_of(
            connection, customer_id, page=turn.page, before=turn.number(), is_back=turn.is_back
        )
    page = page_of(found, turn, lambda item: (0, item.call_id))
    return CallRequests(items=_views(page.items), **page.cursors)


def _views(found: list[CallRequest]) -> list[CallRequestView]:
    return [CallRequestView.model_validate(journey.call_document(item)) for item in found]
