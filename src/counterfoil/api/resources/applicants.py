"""Applicants: persons who register; from then on the house knows a number."""

from datetime import datetime
from typing import Annotated

import orjson
from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Body, CustomerId, View
from counterfoil.api.writes import Call, Write
from counterfoil.customers import store
from counterfoil.customers.customer import Customer
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.journeys.applying import register as journey
from counterfoil.journeys.knowing.link_records import links_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Applicants"
router = APIRouter()

_Particular = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class ApplicantBody(Body):
    """A person's particulars; they go into the vault and are never given out here."""

    name: _Particular = Field(description="As on the identity card.")
    id_number: _Particular = Field(description="18 characters of the resident identity card.")
    phone: _Particular = Field(description="A mobile number.")
    #: The language in which the customer is written to.
    language: Language = Language.CHINESE


class ApplicantAnswer(View):
    """A person who is registered."""

    customer_id: str


class ApplicantView(View):
    """A customer, without anything personal."""

    customer_id: str
    status: str
    language: str
    created_at: datetime


class Applicants(PageView):
    """A page of customers, newest first."""

    items: list[ApplicantView]


class RecordLinkStep(View):
    """What happened to a link between two records of one person."""

    link_id: str
    #: `merge_proposed`, `merged`, `split_proposed` or `split`.
    step: str
    #: The record that gives way.
    customer_id: str
    #: The record that goes on.
    surviving_id: str
    approval_id: str
    done_at: datetime


class RecordLinks(PageView):
    """The links of a record, newest step first."""

    items: list[RecordLinkStep]


async def carry_registration(call: Call, body: ApplicantBody) -> Answer | Refused:
    """Register."""
    registered = await journey.register_applicant(
        call.house,
        name=body.name,
        id_number=body.id_number,
        phone=body.phone,
        language=body.language,
        # Nobody's customer yet: the key is kept apart from those of other clients.
        idempotency_key=f"{call.key.client}:{call.idempotency_key}",
    )
    if isinstance(registered, Refused):
        return registered
    text = orjson.dumps({"customer_id": ids.to_text(ids.CUSTOMER, registered.customer_id)})
    return Answer(text.decode(), registered.is_replay)


REGISTER = Write(
    name="register_applicant",
    tag=TAG,
    path="/v1/applicants",
    scope=Scope.APPLICANTS_WRITE,
    body=ApplicantBody,
    answer=ApplicantAnswer,
    carry=carry_registration,
    status=201,
    summary="Register a person",
    description="The particulars are checked, sealed, and found again by a blind index only.",
    example={
        "name": "张三",
        "id_number": "11010519491231002X",
        "phone": "13800138000",
        "language": "zh",
    },
)
WRITES = (REGISTER,)


@router.get("/v1/applicants", **reads(Scope.APPLICANTS_READ, TAG, "List applicants"))
async def list_applicants(house: HouseOf, turn: Paging) -> Applicants:
    """Return customers, newest first."""
    before = turn.number(store.NEWEST)
    async with house.database.connection() as connection:
        found = await store.read_customers(
            connection, page=turn.page, is_back=turn.is_back, before=before
        )
    page = page_of(found, turn, lambda item: (0, item.customer_id))
    return Applicants(
        items=[applicant_view(customer) for customer in page.items],
        **page.cursors,
    )


@router.get(
    "/v1/applicants/{customer_id}", **reads(Scope.APPLICANTS_READ, TAG, "Read an applicant")
)
async def get_applicant(house: HouseOf, customer_id: CustomerId) -> ApplicantView:
    """Return a customer's state and language; nothing personal."""
    async with house.database.connection() as connection:
        customer = await store.read_customer(connection, customer_id)
    if customer is None:
        raise RefusedError(refuse(CUSTOMER_NOT_FOUND))
    return applicant_view(customer)


@router.get(
    "/v1/applicants/{customer_id}/links",
    **reads(Scope.APPLICANTS_READ, TAG, "List links with other records of the same person"),
)
async def list_links(house: HouseOf, customer_id: CustomerId, turn: Paging) -> RecordLinks:
    """Return how a record was merged with others and split again, newest first."""
    found = await links_of(
        house, customer_id, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    page = page_of(found, turn, lambda step: (0, step.step_id))
    return RecordLinks(
        items=[
            RecordLinkStep(
                link_id=ids.to_text(ids.RECORD_LINK, step.link_id),
                step=step.step.value,
                customer_id=ids.to_text(ids.CUSTOMER, step.customer_id),
                surviving_id=ids.to_text(ids.CUSTOMER, step.surviving_id),
                approval_id=ids.to_text(ids.APPROVAL, step.approval_id),
                done_at=step.done_at,
            )
            for step in page.items
        ],
        **page.cursors,
    )


def applicant_view(customer: Customer) -> ApplicantView:
    """Return what an answer says of a customer."""
    return ApplicantView(
        customer_id=ids.to_text(ids.CUSTOMER, customer.customer_id),
        status=customer.status.value,
        language=customer.language.value,
        created_at=customer.created_at,
    )
