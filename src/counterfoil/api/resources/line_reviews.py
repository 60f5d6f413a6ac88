"""Reviews of lines, and the offers that follow from them."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once, text_of
from counterfoil.api.resources.limit_requests import LimitRequestView, ReasonView
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import (
    Body,
    Code,
    ConsentId,
    CustomerId,
    Fact,
    LineId,
    ReportId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.line_review import store
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.journeys.lines import line_offers, line_reviewing
from counterfoil.journeys.lines.ask_review import ASKED_FOR
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Line reviews"
router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"
_FACTS_MAX = 100
#: Whose line it is, as lists of a line ask.
Owner = Annotated[CustomerId, Query(description="Whose line it is.")]


class ReviewBody(Body):
    """A review that somebody asks for."""

    customer_id: CustomerId
    #: A report that is there, under a consent for reviews; None where none is to be read.
    report_id: ReportId | None = None


class OfferDeclinedBody(Body):
    """The customer does not want what a review offers."""

    customer_id: CustomerId


class OfferTakenBody(Body):
    """The customer takes up what a review offers."""

    customer_id: CustomerId
    #: The consent under which the bureau may be asked.
    consent_id: ConsentId | None = None
    facts: dict[Code, bool | Fact | Code | None] = Field(default={}, max_length=_FACTS_MAX)


class ReviewView(View):
    """A review of a line."""

    id: str
    customer_id: str
    line_id: str
    #: `periodic`, or the event that it was made on.
    cause: str
    business_date: date
    #: `unchanged`, `offered`, `lowered`, `frozen`, `suspended`, `reinstated` or `referred`.
    outcome: str
    #: Why something is done or, where nothing is offered, what stands in the way.
    reasons: list[ReasonView]
    #: What a person is asked to decide: `close`, `look`.
    proposals: list[str]
    from_minor: int
    #: The limit that is offered or that follows; None where it stays.
    to_minor: int | None
    #: Until when an offer can be taken up.
    valid_until: date | None
    policy_version: str
    #: The rule pack, with the beginning of its hash; None where the record is older than that.
    rule_pack: str | None
    #: SHA-256 of the registry of features; None where the record is older than that.
    feature_registry: str | None
    decided_at: datetime


class Reviews(PageView):
    """Reviews of one line, newest first."""

    items: list[ReviewView]


async def carry_review(call: Call, body: ReviewBody) -> Answer | Refused:
    """Review."""

    async def act() -> tuple[ReviewPolicy, StoredReview] | Refused:
        made = await line_reviewing.review_line(
            call.house,
            customer_id=body.customer_id,
            line_id=call.path["line_id"],
            cause=ASKED_FOR,
            report_id=body.report_id,
        )
        if isinstance(made, Refused):
            return made
        async with call.house.database.connection() as connection:
            policy = await line_offers.policy_of_review(connection, made)
        return policy, made

    def tell(made: tuple[ReviewPolicy, StoredReview]) -> dict[str, object]:
        return line_offers.review_document(*made)

    return await once(call, REVIEW, body, act, tell, scope_id=body.customer_id)


async def carry_offer(call: Call, body: OfferTakenBody) -> Answer | Refused:
    """Take up an offer."""
    return await line_offers.take_up(
        call.house,
        line_offers.OfferTaken(
            customer_id=body.customer_id,
            review_id=call.path["line_review_id"],
            idempotency_key=call.idempotency_key,
            consent_id=body.consent_id,
            facts=body.facts,
        ),
    )


async def carry_decline(call: Call, body: OfferDeclinedBody) -> Answer | Refused:
    """Decline an offer."""
    found = await line_offers.decline(
        call.house,
        customer_id=body.customer_id,
        review_id=call.path["line_review_id"],
        channel=call.author,
    )
    if isinstance(found, Refused):
        return found
    async with call.house.database.connection() as connection:
        policy = await line_offers.policy_of_review(connection, found)
    return Answer(text_of(line_offers.review_document(policy, found)), is_replay=False)


REVIEW = Write(
    name="review_line",
    tag=TAG,
    path="/v1/lines/{line_id}/reviews",
    path_ids={"line_id": ids.LINE},
    scope=Scope.OPERATIONS_WRITE,
    body=ReviewBody,
    answer=ReviewView,
    carry=carry_review,
    status=201,
    summary="Review a line now",
    description=(
        "Once a day at most. A report that is named is read; without one the policy in force says"
        " whether one is fetched."
    ),
    example={"customer_id": _CUSTOMER, "report_id": None},
)
TAKE_UP = Write(
    name="take_up_review_offer",
    tag=TAG,
    path="/v1/line-reviews/{line_review_id}/limit-request",
    path_ids={"line_review_id": ids.LINE_REVIEW},
    scope=Scope.APPLICATIONS_WRITE,
    body=OfferTakenBody,
    answer=LimitRequestView,
    carry=carry_offer,
    status=201,
    summary="Take up the offer of a review",
    description=(
        "Becomes the customer's request for exactly this limit: the policy for raises decides, and"
        " nothing is raised before the customer agrees to the amendment."
    ),
    example={"customer_id": _CUSTOMER, "facts": {}},
)
DECLINE = Write(
    name="decline_review_offer",
    tag=TAG,
    path="/v1/line-reviews/{line_review_id}/decline",
    path_ids={"line_review_id": ids.LINE_REVIEW},
    scope=Scope.APPLICATIONS_WRITE,
    body=OfferDeclinedBody,
    answer=ReviewView,
    carry=carry_decline,
    summary="Decline the offer of a review",
    description="The line stays as it is; the offer cannot be taken up any more.",
    example={"customer_id": _CUSTOMER},
)
WRITES = (REVIEW, TAKE_UP, DECLINE)


@router.get(
    "/v1/lines/{line_id}/reviews", **reads(Scope.LINES_READ, TAG, "List the reviews of a line")
)
async def list_line_reviews(
    house: HouseOf, line_id: LineId, customer_id: Owner, turn: Paging
) -> Reviews:
    """Return the reviews, newest first, also those that changed nothing."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await store.reviews_of_line(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            page=turn.page,
            before=turn.number(),
            is_back=turn.is_back,
        )
        page = page_of(found, turn, lambda item: (0, item.review_id))
        policies = {
            item.policy_hash: await line_offers.policy_of_review(connection, item)
            for item in {item.policy_hash: item for item in page.items}.values()
        }
    return Reviews(
        items=[
            ReviewView.model_validate(line_offers.review_document(policies[item.policy_hash], item))
            for item in page.items
        ],
        **page.cursors,
    )
