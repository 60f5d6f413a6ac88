"""Requests for a call: customers ask to be called back, a person calls by a day."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import StringConstraints

from counterfoil.api.reads import (
    PAGE_DEFAULT,
    After,
    HouseOf,
    Limit,
    no_more,
    read_cursor,
    reads,
    write_cursor,
)
from counterfoil.api.remembered import once, text_of
from counterfoil.api.shapes import Body, Code, CustomerId, View
from counterfoil.api.writes import Call, Write
from counterfoil.customers import call_store as store
from counterfoil.customers.call_back import SAID_LENGTH_MAX, About, Attempt, CallRequest, Slot
from counterfoil.journeys import call_back as journey
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
    str, StringConstraints(max_length=SAID_LENGTH_MAX, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
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


class CallRequests(View):
    """A page of requests."""

    items: list[CallRequestView]
    next: str | None


async def carry_request(call: Call, body: CallRequestBody) -> Answer | Refused:
    """Ask for a call."""

    async def work() -> str | Refused:
        wish = journey.CallWish(
            customer_id=body.customer_id,
            about=About(body.about),
            slot=Slot(body.slot),
            said=body.said,
            by=call.author,
        )
        return _text(await journey.ask_call(call.house, wish))

    asked: dict[str, object] = {"about": body.about, "slot": body.slot, "said": body.said}
    return await once(call, body.customer_id, "ask_call", asked, work)


async def carry_attempt(call: Call, body: CallAttemptBody) -> Answer | Refused:
    """Note a call."""
    call_id = call.path["call_request_id"]
    actor = Actor(
        name=f"{call.author}:{body.called_by}", role=Scope.OPERATIONS_WRITE.value, source="api"
    )

    async def work() -> str | Refused:
        noted = await journey.note_call(
            call.house,
            actor,
            customer_id=body.customer_id,
            call_id=call_id,
            attempt=Attempt(body.outcome),
            said=body.note,
        )
        return _text(noted)

    asked: dict[str, object] = {"call_id": call_id, **body.model_dump(mode="json")}
    return await once(call, body.customer_id, "note_call", asked, work)


async def carry_withdrawal(call: Call, body: CallWithdrawalBody) -> Answer | Refused:
    """Withdraw a request."""
    call_id = call.path["call_request_id"]

    async def work() -> str | Refused:
        ended = await journey.withdraw_call(
            call.house, customer_id=body.customer_id, call_id=call_id, by=call.author
        )
        return _text(ended)

    return await once(call, body.customer_id, "withdraw_call", {"call_id": call_id}, work)


def _text(outcome: CallRequest | Refused) -> str | Refused:
    return outcome if isinstance(outcome, Refused) else text_of(journey.call_document(outcome))


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
async def list_calls(
    house: HouseOf, after: After = None, limit: Limit = PAGE_DEFAULT
) -> CallRequests:
    """Return whoever waits for a call, the nearest deadline first."""
    start = store.FIRST
    if after is not None:
        day, number = read_cursor(after)
        start = (date.fromordinal(min(max(day, 1), date.max.toordinal())), number)
    async with house.database.connection() as connection:
        found = await store.calls_open(connection, page=limit + 1, after=start)
    last = None if no_more(len(found), limit) else found[limit - 1]
    return CallRequests(
        items=_views(found[:limit]),
        next=None if last is None else write_cursor((last.due_on.toordinal(), last.call_id)),
    )


@router.get(
    "/v1/applicants/{customer_id}/call-requests",
    **reads(Scope.APPLICATIONS_READ, TAG, "List the requests of a customer"),
)
async def list_calls_of(house: HouseOf, customer_id: CustomerId) -> CallRequests:
    """Return the latest 200 requests of one customer, newest first."""
    async with house.database.connection() as connection:
        found = await store.calls_of(connection, customer_id)
    return CallRequests(items=_views(found), next=None)


def _views(found: list[CallRequest]) -> list[CallRequestView]:
    return [CallRequestView.model_validate(journey.call_document(item)) for item in found]
