"""Messages to customers: what was told, by which channel, and what nobody could deliver."""

from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query

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
from counterfoil.api.shapes import Body, CustomerId, View
from counterfoil.api.writes import Call, Write
from counterfoil.customers import message_store
from counterfoil.journeys.deliver_messages import send_again
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


class Messages(View):
    """A customer's messages, newest first."""

    items: list[MessageView]
    #: Hand it in as `after` for the next page; None at the end.
    next: str | None


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


class Undeliverables(View):
    """Messages that nobody could deliver, the oldest first."""

    items: list[UndeliverableView]
    next: str | None


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
async def list_messages(
    house: HouseOf, customer_id: Owner, after: After = None, limit: Limit = PAGE_DEFAULT
) -> Messages:
    """Return a customer's messages, newest first; without name, address or rendered text."""
    before = _NEWEST if after is None else read_cursor(after)[1]
    async with house.database.connection() as connection:
        found = await message_store.read_messages(
            connection, customer_id, before=before, page=limit + 1
        )
    shown = found[:limit]
    last = None if no_more(len(found), limit) else shown[-1]
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
            for row in shown
        ],
        next=None if last is None else write_cursor((0, last["message_id"])),
    )


@router.get(
    "/v1/undeliverable-messages",
    **reads(Scope.OPERATIONS_READ, TAG, "List what nobody could deliver"),
)
async def list_undeliverable(
    house: HouseOf, after: After = None, limit: Limit = PAGE_DEFAULT
) -> Undeliverables:
    """Return the messages of all customers that lie before staff, the oldest first."""
    since = 0 if after is None else read_cursor(after)[1]
    async with house.database.connection() as connection:
        found = await message_store.read_undeliverable(connection, after=since, page=limit + 1)
    shown = found[:limit]
    last = None if no_more(len(found), limit) else shown[-1]
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
            for row in shown
        ],
        next=None if last is None else write_cursor((0, last["message_id"])),
    )
