"""Messages to customers: what was told, by which channel, and what nobody could deliver."""

from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Body, CustomerId, View
from counterfoil.api.writes import Call, Write
from counterfoil.customers import message_store
from counterfoil.journeys.serving.deliver_messages import send_again
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Messages to customers"
router = APIRouter()
_NEWEST: Final = 2**63 - 1

Owner = Annotated[CustomerId, Query(description="Whom they tell.")]


class MessageView(View):
    """Something that a customer was told, or is to be told."""

    id: str
    kind: str
    #: What it tells of.
    cause: str
    #: Figures of the text; name and address are nowhere but in the vault.
    fields: dict[str, Any]
    #: `queued`; `sent`, as long as nobody says that it arrived; `delivered`; `undeliverable`.
    status: str
    #: The channel that took it over last: `sms`, `email`, `app` or `letter`.
    sent_by: str | None
    #: Every attempt, in their order: channel and how it went, such as `sms failed, email sent`.
    tried: str | None
    created_at: datetime
    ended_at: datetime | None


class Messages(PageView):
    """A customer's messages, newest first."""

    items: list[MessageView]
    #: Hand it in as `after` for the next page; None at the end.


class UndeliverableView(View):
    """A message that nobody could deliver."""

    id: str
    customer_id: str
    kind: str
    cause: str
    #: A notice that the law asks for: somebody has to find another way.
    is_legal: bool
    #: Channels and how they went.
    tried: str | None
    created_at: datetime
    ended_at: datetime | None


class Undeliverables(PageView):
    """Messages that nobody could deliver, the oldest first."""

    items: list[UndeliverableView]


class ResendBody(Body):
    """A message is sent again."""

    customer_id: CustomerId


class ResendAnswer(View):
    """A message that waits to be sent again."""

    id: str
    customer_id: str
    status: str


async def carry_resend(call: Call, body: ResendBody) -> Answer | Refused:
    """Send an undeliverable message again."""
    return await send_again(
        call.house,
        customer_id=body.customer_id,
        message_id=call.path["message_id"],
        idempotency_key=call.idempotency_key,
        by=call.author,
    )


RESEND = Write(
    name="resend_message",
    tag=TAG,
    path="/v1/messages/{message_id}/resend",
    path_ids={"message_id": ids.MESSAGE},
    scope=Scope.LINES_WRITE,
    body=ResendBody,
    answer=ResendAnswer,
    carry=carry_resend,
    summary="Send an undeliverable message again",
    description="From the beginning: by every channel that the customer takes now.",
    example={"customer_id": "cu_01hv4zq3k2f00"},
)
WRITES = (RESEND,)


@router.get("/v1/messages", **reads(Scope.LINES_READ, TAG, "List what a customer was told"))
async def list_messages(house: HouseOf, customer_id: Owner, turn: Paging) -> Messages:
    """Return a customer's messages, newest first; without name, address or rendered text."""
    before = turn.number(_NEWEST)
    async with house.database.connection() as connection:
        found = await message_store.read_messages(
            connection, customer_id, before=before, page=turn.page, is_back=turn.is_back
        )
    page = page_of(found, turn, lambda item: (0, item["message_id"]))
    return Messages(
        items=[
            MessageView(
                id=ids.to_text(ids.MESSAGE, row["message_id"]),
                kind=row["kind"],
                cause=row["cause"],
                fields=orjson.loads(row["fields"]),
                status=row["status"],
                sent_by=row["sent_by"],
                tried=row["tried"],
                created_at=row["created_at"],
                ended_at=row["ended_at"],
            )
            for row in page.items
        ],
        **page.cursors,
    )


@router.get(
    "/v1/undeliverable-messages",
    **reads(Scope.OPERATIONS_READ, TAG, "List what nobody could deliver"),
)
async def list_undeliverable(house: HouseOf, turn: Paging) -> Undeliverables:
    """Return the messages of all customers that lie before staff, the oldest first."""
    since = turn.number(0)
    async with house.database.connection() as connection:
        found = await message_store.read_undeliverable(
            connection, after=since, page=turn.page, is_back=turn.is_back
        )
    page = page_of(found, turn, lambda item: (0, item["message_id"]))
    return Undeliverables(
        items=[
            UndeliverableView(
                id=ids.to_text(ids.MESSAGE, row["message_id"]),
                customer_id=ids.to_text(ids.CUSTOMER, row["customer_id"]),
                kind=row["kind"],
                cause=row["cause"],
                is_legal=row["is_legal"],
                tried=row["tried"],
                created_at=row["created_at"],
                ended_at=row["ended_at"],
            )
            for row in page.items
        ],
        **page.cursors,
    )
