"""Addresses for e-mail and letters: named, proven by a code, shown masked, taken out again."""

from datetime import datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.contracts import OneTimeCode
from counterfoil.api.shapes import Body, CustomerId, View
from counterfoil.api.writes import Call, Write
from counterfoil.customers.setting import Channel
from counterfoil.journeys.serving import change_address as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer

TAG: Final = "Settings"
router = APIRouter()
_CUSTOMER: Final = "cu_01hv4zq3k2f00"
_MAIL: Final = "lin@example.org"

Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=400),
    Field(description="An e-mail address, or a postal address on one line.", examples=[_MAIL]),
]


class AddressBody(Body):
    """An address that the customer names."""

    customer_id: CustomerId
    #: `email` or `letter`.
    channel: Channel
    address: Address


class ProofBody(Body):
    """The same address again, with the code that came for it."""

    customer_id: CustomerId
    address: Address
    code: OneTimeCode


class RemovalBody(Body):
    """An address that is to be forgotten."""

    customer_id: CustomerId
    channel: Channel


class AddressAnswer(View):
    """An address on its way; itself it is never in an answer."""

    #: None where an address was taken out.
    id: str | None
    customer_id: str
    channel: str
    #: `asked`, `kept` or `removed`.
    status: str
    #: Enough of it to recognise one's own; None before it is kept.
    masked: str | None
    #: The one-time code, where a sandbox shows it instead of sending it.
    code: str | None


class AddressView(View):
    """An address that is known."""

    channel: str
    masked: str


class Addresses(View):
    """A customer's addresses, the phone included."""

    items: list[AddressView]
    read_at: datetime


async def carry_address(call: Call, body: AddressBody) -> Answer | Refused:
    """Take an address down and send its code."""
    asked = await journey.name_address(
        call.house,
        customer_id=body.customer_id,
        channel=body.channel,
        address=body.address,
        by=call.author,
        idempotency_key=call.idempotency_key,
    )
    if isinstance(asked, Refused):
        return asked
    document = orjson.loads(asked.answer.text) | {"code": asked.code}
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    return Answer(text, is_replay=asked.answer.is_replay)


async def carry_proof(call: Call, body: ProofBody) -> Answer | Refused:
    """Keep an address by its code."""
    return await journey.prove_address(
        call.house,
        customer_id=body.customer_id,
        request_id=call.path["address_request_id"],
        address=body.address,
        code=body.code,
        idempotency_key=call.idempotency_key,
    )


async def carry_removal(call: Call, body: RemovalBody) -> Answer | Refused:
    """Take an address out."""
    return await journey.remove_address(
        call.house,
        customer_id=body.customer_id,
        channel=body.channel,
        by=call.author,
        idempotency_key=call.idempotency_key,
    )


NAME = Write(
    name="name_address",
    tag=TAG,
    path="/v1/addresses",
    scope=Scope.LINES_WRITE,
    body=AddressBody,
    answer=AddressAnswer,
    carry=carry_address,
    status=201,
    summary="Name an address for e-mail or letters",
    description="A code goes to the e-mail address itself; for a postal address it goes to the"
    " phone. Nothing is kept of the address before it is proven.",
    example={"customer_id": _CUSTOMER, "channel": "email", "address": _MAIL},
)
PROVE = Write(
    name="prove_address",
    tag=TAG,
    path="/v1/addresses/{address_request_id}/confirmation",
    path_ids={"address_request_id": ids.ADDRESS_REQUEST},
    scope=Scope.LINES_WRITE,
    body=ProofBody,
    answer=AddressAnswer,
    carry=carry_proof,
    summary="Prove an address by its code",
    description="From then on the customer may choose it as a channel or for statements.",
    example={"customer_id": _CUSTOMER, "address": _MAIL, "code": "123456"},
)
REMOVE = Write(
    name="remove_address",
    tag=TAG,
    path="/v1/addresses/removal",
    scope=Scope.LINES_WRITE,
    body=RemovalBody,
    answer=AddressAnswer,
    carry=carry_removal,
    summary="Forget an address",
    description="Where messages or statements go to it, other channels are chosen first.",
    example={"customer_id": _CUSTOMER, "channel": "letter"},
)
WRITES = (NAME, PROVE, REMOVE)


@router.get("/v1/addresses", **reads(Scope.LINES_READ, TAG, "List a customer's addresses"))
async def list_addresses(
    house: HouseOf, customer_id: Annotated[CustomerId, Query(description="Whose they are.")]
) -> Addresses:
    """Return by which addresses a customer is reached, masked.

    The list is whole: one address a channel.
    """
    found = await journey.read_addresses(
        house, customer_id=customer_id, reading=reading("own_addresses")
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    items = [AddressView(channel=channel, masked=masked) for channel, masked in found.items()]
    return Addresses(items=items, read_at=house.clock.now())
