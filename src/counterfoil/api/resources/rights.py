"""Requests of persons about their own data: the customer asks, and reads what became of it.

Staff answer in the console or at the command line. The export carries personal data and is recorded
as a look, so that it takes no idempotency key: every request is a look of its own.
"""

from datetime import date, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import CUSTOMER_EXAMPLE, TAG, actor_of, answer_of
from counterfoil.api.shapes import Body, CustomerId, FreeText, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.guarding import rights as journey
from counterfoil.journeys.guarding.rights import RightsWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer
from counterfoil.privacy.rights import Right, RightsRequest

router = APIRouter()
_PATH: Final = {"request_id": ids.RIGHTS_REQUEST}

_Text = StringConstraints(max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
Said = Annotated[str, _Text, FreeText, Field(description="In the customer's own words.")]
Subject = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.]*$"),
    Field(description="A fact to correct, an application to explain; empty where it is about all."),
]
Method = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[a-z0-9_]*$"),
    Field(description="How you know that it is the customer; empty where a person has to check."),
]


class RightsBody(Body):
    """What a customer asks about their own data."""

    customer_id: CustomerId
    kind: Annotated[Right, Field(strict=False)]
    about: Subject = ""
    said: Said = ""
    identified_by: Method = ""


class RightsCustomerBody(Body):
    """Whose request it is."""

    customer_id: CustomerId


class RightsView(View):
    """A request as it stands."""

    id: str
    customer_id: str
    kind: str
    about: str
    said: str
    #: `waiting`, `identified`, `answered`, `refused` or `withdrawn`.
    status: str
    received_at: datetime
    #: The last day for an answer.
    due_on: date
    concluded_at: datetime | None
    #: Why it was answered so; None while it is open.
    reason: str | None
    #: What was done, and for deletion what law keeps, by which rule and until when.
    done: dict[str, Any]


class RightsList(PageView):
    """What one customer asked, newest first."""

    items: list[RightsView]


class PersonExportView(View):
    """Everything about a customer, for programs and to read."""

    customer_id: str
    sha256: str
    document: dict[str, Any]
    html: str


async def carry_request(call: Call, body: RightsBody) -> Answer | Refused:
    """Ask."""
    wish = RightsWish(
        customer_id=body.customer_id,
        kind=body.kind,
        about=body.about,
        said=body.said,
        method=body.identified_by,
        by=call.author,
    )

    async def work() -> str | Refused:
        return _text(await journey.ask_right(call.house, wish))

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="ask_right",
        request=body.model_dump(mode="json"),
        work=work,
    )


async def carry_withdrawal(call: Call, body: RightsCustomerBody) -> Answer | Refused:
    """Withdraw."""
    request_id = call.path["request_id"]

    async def work() -> str | Refused:
        return _text(
            await journey.withdraw(
                call.house, customer_id=body.customer_id, request_id=request_id, by=call.author
            )
        )

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="withdraw_right",
        request={"request_id": request_id},
        work=work,
    )


async def carry_export(call: Call, body: RightsCustomerBody) -> Answer | Refused:
    """Hand everything over; the answer is kept nowhere."""
    actor = actor_of(call, Scope.PERSONAL_REVEAL)
    made = await journey.export(
        call.house, actor, customer_id=body.customer_id, request_id=call.path["request_id"]
    )
    if isinstance(made, Refused):
        return made
    view = {
        "customer_id": ids.to_text(ids.CUSTOMER, made.customer_id),
        "sha256": made.sha256,
        "document": made.document,
        "html": made.html,
    }
    return answer_of(view)


def _text(outcome: RightsRequest | Refused) -> str | Refused:
    return outcome if isinstance(outcome, Refused) else rights_view(outcome).model_dump_json()


def rights_view(item: RightsRequest) -> RightsView:
    """Return what an answer says of a request."""
    ended = item.conclusion
    return RightsView(
        id=ids.to_text(ids.RIGHTS_REQUEST, item.request_id),
        customer_id=ids.to_text(ids.CUSTOMER, item.customer_id),
        kind=item.kind.value,
        about=item.about,
        said=item.said,
        status=item.state.value,
        received_at=item.received_at,
        due_on=item.due_on,
        concluded_at=ended and ended.at,
        reason=ended and ended.reason,
        done=orjson.loads(ended.detail) if ended else {},
    )


ASK = Write(
    name="ask_right",
    tag=TAG,
    path="/v1/rights-requests",
    scope=Scope.APPLICANTS_WRITE,
    body=RightsBody,
    answer=RightsView,
    carry=carry_request,
    status=201,
    summary="Ask to see, copy, correct, delete, restrict, explain or object",
    description="Answered by a person by the day in `due_on`; the same while it is open is one.",
    example={"customer_id": CUSTOMER_EXAMPLE, "kind": "copy", "identified_by": "one_time_code"},
)
WITHDRAW = Write(
    name="withdraw_right",
    tag=TAG,
    path="/v1/rights-requests/{request_id}/withdrawal",
    scope=Scope.APPLICANTS_WRITE,
    body=RightsCustomerBody,
    answer=RightsView,
    carry=carry_withdrawal,
    summary="Withdraw a request",
    example={"customer_id": CUSTOMER_EXAMPLE},
    path_ids=_PATH,
)
EXPORT = Write(
    name="export_person",
    tag=TAG,
    path="/v1/rights-requests/{request_id}/export",
    scope=Scope.PERSONAL_REVEAL,
    body=RightsCustomerBody,
    answer=PersonExportView,
    carry=carry_export,
    needs_key=False,
    summary="Hand a customer everything that is kept of them",
    description="For a request whose person is identified; recorded as a look at personal data.",
    example={"customer_id": CUSTOMER_EXAMPLE},
    path_ids=_PATH,
)
WRITES = (ASK, WITHDRAW, EXPORT)


@router.get(
    "/v1/applicants/{customer_id}/rights-requests",
    **reads(Scope.APPLICANTS_READ, TAG, "Read what a customer asked about their data"),
)
async def list_rights(house: HouseOf, customer_id: CustomerId, turn: Paging) -> RightsList:
    """Return requests and what became of them, newest first."""
    found = await journey.requests_of(
        house, customer_id, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, item.request_id))
    return RightsList(items=[rights_view(item) for item in page.items], **page.cursors)
