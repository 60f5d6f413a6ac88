"""Reviews: a customer asks for a person's look at a decision by machine; the person concludes."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api import refusals
from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.funnel import DAYS_MAX
from counterfoil.api.shapes import (
    Body,
    Code,
    CustomerId,
    Day,
    Fact,
    FreeText,
    Reason,
    ReviewId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning import review_store as store
from counterfoil.decisioning.redecision import Correction
from counterfoil.decisioning.review import About, Review
from counterfoil.journeys.deciding import review as journey
from counterfoil.journeys.deciding import review_deciding
from counterfoil.journeys.deciding.review import ReviewWish
from counterfoil.journeys.deciding.review_figures import overturned_ppm, read_figures
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer

TAG = "Reviews"
router = APIRouter()
_PATH: Final = {"review_id": ids.REVIEW}
_CUSTOMER: Final = "cu_01hv4zq3k2f00"
_FACTS_MAX: Final = 100
_RULES_MAX: Final = 50
_PREFIXES: Final = {About.APPLICATION: ids.APPLICATION, About.LIMIT_REQUEST: ids.LIMIT_REQUEST}

RuleCode = Annotated[
    str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_]+$")
]
Said = Annotated[
    str,
    StringConstraints(max_length=journey.SAID_LENGTH_MAX, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
    FreeText,
]
_Work = Callable[[], Awaitable[str | Refused]]


class ReviewRequestBody(Body):
    """The customer asks for a person."""

    customer_id: CustomerId
    #: In the customer's own words; may be left out.
    said: Said = ""


class AssignmentBody(Body):
    """Whose task a review is."""

    customer_id: CustomerId
    #: The person, as your system knows them; None gives the review back to the queue.
    assignee: Code | None


class ReviewDecisionBody(Body):
    """A person concludes a review."""

    customer_id: CustomerId
    outcome: Literal["upheld", "overturned"]
    reason: Reason
    #: The person who decides, as your system knows them.
    decided_by: Code
    #: Values that turned out to be others, to overturn; None where one is not known.
    facts: dict[Code, bool | Fact | Code | None] = Field(default={}, max_length=_FACTS_MAX)
    #: Rules that do not speak against this customer, to overturn; never one of law.
    set_aside: list[RuleCode] = Field(default=[], max_length=_RULES_MAX)


class ReviewWithdrawalBody(Body):
    """The customer wishes no longer."""

    customer_id: CustomerId


class ReviewView(View):
    """A review as it stands."""

    id: str
    customer_id: str
    #: `application` or `limit_request`.
    about: str
    subject_id: str
    #: Of the reviewed decision among those on its subject.
    decision_no: int
    #: How the machine had decided.
    decided: str
    policy_version: str
    said: str
    #: `waiting`, `assigned`, `upheld`, `overturned` or `withdrawn`.
    status: str
    assigned_to: str | None
    requested_at: datetime
    #: The working day by which a person concludes.
    due_on: date
    concluded_at: datetime | None
    concluded_by: str | None
    reason: str | None


class Reviews(PageView):
    """A page of reviews."""

    items: list[ReviewView]


class ReviewCountView(View):
    """What became of the reviews of one version's decisions."""

    policy_version: str
    policy_hash: str
    #: `application`, `limit_request`, or `line_measure` for appeals against what it took.
    about: str
    requested: int
    upheld: int
    overturned: int
    withdrawn: int
    open: int
    overdue: int
    #: Concluded after their deadline.
    late: int
    #: Overturned of those that a person concluded, in ppm; None where none was.
    overturned_ppm: int | None
    median_seconds: int | None
    p95_seconds: int | None


class PolicyReviewView(View):
    """A version whose decisions were overturned too often."""

    policy_version: str
    policy_hash: str
    reviewed: int
    overturned: int
    threshold_ppm: int
    opened_at: datetime
    #: `kept` or `changed` once a person has said so, with the reason; None while it is open.
    conclusion: str | None
    reason: str | None
    ended_by: str | None
    ended_at: datetime | None


class ReviewFigures(View):
    """Reviews asked for in a span of dates, and the versions that are looked at again."""

    first_date: date
    last_date: date
    items: list[ReviewCountView]
    policy_reviews: list[PolicyReviewView]


async def carry_application_review(call: Call, body: ReviewRequestBody) -> Answer | Refused:
    """Ask about an application."""
    return await _ask(call, body, About.APPLICATION, call.path["application_id"])


async def carry_limit_review(call: Call, body: ReviewRequestBody) -> Answer | Refused:
    """Ask about a request for a higher limit."""
    return await _ask(call, body, About.LIMIT_REQUEST, call.path["limit_request_id"])


async def _ask(
    call: Call, body: ReviewRequestBody, about: About, subject_id: int
) -> Answer | Refused:
    wish = ReviewWish(
        customer_id=body.customer_id,
        about=about,
        subject_id=subject_id,
        said=body.said,
        by=call.author,
    )

    async def work() -> str | Refused:
        return _text(await journey.ask_review(call.house, wish))

    request: dict[str, object] = {"about": about.value, "subject_id": subject_id, "said": body.said}
    return await _once(call, body.customer_id, "ask_review", request, work)


async def carry_assignment(call: Call, body: AssignmentBody) -> Answer | Refused:
    """Assign."""
    review_id = call.path["review_id"]

    async def work() -> str | Refused:
        return _text(
            await journey.assign_review(
                call.house,
                _actor(call, body.assignee or ""),
                customer_id=body.customer_id,
                review_id=review_id,
                to=f"{call.author}:{body.assignee}" if body.assignee else "",
            )
        )

    request: dict[str, object] = {"review_id": review_id, "assignee": body.assignee}
    return await _once(call, body.customer_id, "assign_review", request, work)


async def carry_review_decision(call: Call, body: ReviewDecisionBody) -> Answer | Refused:
    """Conclude."""
    review_id, customer_id = call.path["review_id"], body.customer_id
    actor = _actor(call, body.decided_by)

    async def work() -> str | Refused:
        if body.outcome == "upheld":
            done = await journey.uphold(
                call.house,
                actor,
                customer_id=customer_id,
                review_id=review_id,
                reason=body.reason,
            )
        else:
            wish = review_deciding.Overturning(
                customer_id=customer_id,
                review_id=review_id,
                reason=body.reason,
                correction=Correction(facts=body.facts, set_aside=tuple(body.set_aside)),
            )
            done = await review_deciding.overturn(call.house, actor, wish)
        if isinstance(done, Refused):
            found = await journey.read_review(
                call.house, customer_id=customer_id, review_id=review_id
            )
            # A crash may have come between the conclusion and its record.
            if isinstance(found, Refused) or not _is_same(found, actor, body):
                return done
            done = found
        return _text(done)

    request = {
        "review_id": review_id,
        **body.model_dump(include={"outcome", "reason", "decided_by", "facts", "set_aside"}),
    }
    return await _once(call, customer_id, "decide_review", request, work)


async def carry_review_withdrawal(call: Call, body: ReviewWithdrawalBody) -> Answer | Refused:
    """Withdraw."""
    review_id = call.path["review_id"]

    async def work() -> str | Refused:
        return _text(
            await journey.withdraw_review(
                call.house, customer_id=body.customer_id, review_id=review_id, by=call.author
            )
        )

    return await _once(call, body.customer_id, "withdraw_review", {"review_id": review_id}, work)


async def _once(
    call: Call, customer_id: int, kind: str, request: dict[str, object], work: _Work
) -> Answer | Refused:
    return await remembered(
        call.house,
        scope_id=customer_id,
        key=call.idempotency_key,
        kind=kind,
        request=request,
        work=work,
    )


def _actor(call: Call, person: str) -> Actor:
    """Return who acts: the person whom a program names, by the right of its key."""
    return Actor(
        name=f"{call.author}:{person}" if person else call.author,
        role=Scope.OPERATIONS_WRITE.value,
        source="api",
    )


def _is_same(found: Review, actor: Actor, body: ReviewDecisionBody) -> bool:
    return found.state.value == body.outcome and found.events[-1].person == actor.name


def _text(outcome: Review | Refused) -> str | Refused:
    return outcome if isinstance(outcome, Refused) else review_view(outcome).model_dump_json()


def review_view(item: Review) -> ReviewView:
    """Return what an answer says of a review."""
    ended = item.conclusion
    return ReviewView(
        id=ids.to_text(ids.REVIEW, item.review_id),
        customer_id=ids.to_text(ids.CUSTOMER, item.customer_id),
        about=item.about.value,
        subject_id=ids.to_text(_PREFIXES[item.about], item.subject_id),
        decision_no=item.decision_no,
        decided=item.outcome,
        policy_version=item.policy_version,
        said=item.said,
        status=item.state.value,
        assigned_to=item.assigned_to,
        requested_at=item.requested_at,
        due_on=item.due_on,
        concluded_at=ended and ended.at,
        concluded_by=ended and ended.person,
        reason=ended and ended.reason,
    )


_ASK_TEXT: Final = (
    "One act opens the review of the last decision by machine; asked for again it is the same one."
    " A person concludes it by the day in `due_on`."
)
ASK_APPLICATION = Write(
    name="ask_application_review",
    tag=TAG,
    path="/v1/applications/{application_id}/review",
    path_ids={"application_id": ids.APPLICATION},
    scope=Scope.APPLICATIONS_WRITE,
    body=ReviewRequestBody,
    answer=ReviewView,
    carry=carry_application_review,
    status=201,
    summary="Ask for a review of an application's decision",
    description=_ASK_TEXT,
    example={"customer_id": _CUSTOMER, "said": "My income is higher than stated."},
)
ASK_LIMIT = Write(
    name="ask_limit_review",
    tag=TAG,
    path="/v1/limit-requests/{limit_request_id}/review",
    path_ids={"limit_request_id": ids.LIMIT_REQUEST},
    scope=Scope.APPLICATIONS_WRITE,
    body=ReviewRequestBody,
    answer=ReviewView,
    carry=carry_limit_review,
    status=201,
    summary="Ask for a review of the decision on a higher limit",
    description=_ASK_TEXT,
    example={"customer_id": _CUSTOMER},
)
ASSIGN = Write(
    name="assign_review",
    tag=TAG,
    path="/v1/reviews/{review_id}/assignment",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=AssignmentBody,
    answer=ReviewView,
    carry=carry_assignment,
    summary="Assign a review",
    example={"customer_id": _CUSTOMER, "assignee": "li-wei"},
)
DECIDE = Write(
    name="decide_review",
    tag=TAG,
    path="/v1/reviews/{review_id}/decision",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=ReviewDecisionBody,
    answer=ReviewView,
    carry=carry_review_decision,
    summary="Conclude a review",
    description=(
        "A named person upholds the decision, or overturns it: with corrected facts and rules set"
        " aside the policy decides again, and what it offers then takes the place of the earlier"
        " decision."
    ),
    example={
        "customer_id": _CUSTOMER,
        "outcome": "overturned",
        "reason": "income proven by payslips",
        "decided_by": "li-wei",
        "facts": {"income_monthly_minor": 1_200_000},
        "set_aside": [],
    },
)
WITHDRAW = Write(
    name="withdraw_review",
    tag=TAG,
    path="/v1/reviews/{review_id}/withdrawal",
    path_ids=_PATH,
    scope=Scope.APPLICATIONS_WRITE,
    body=ReviewWithdrawalBody,
    answer=ReviewView,
    carry=carry_review_withdrawal,
    summary="Withdraw a review",
    example={"customer_id": _CUSTOMER},
)
WRITES = (ASK_APPLICATION, ASK_LIMIT, ASSIGN, DECIDE, WITHDRAW)


@router.get("/v1/reviews", **reads(Scope.OPERATIONS_READ, TAG, "List reviews"))
async def list_reviews(house: HouseOf, turn: Paging) -> Reviews:
    """Return reviews, concluded ones too, newest first."""
    before = turn.number(store.NEWEST)
    async with house.database.connection() as connection:
        found = await store.reviews_page(
            connection, page=turn.page, is_back=turn.is_back, before=before
        )
    page = page_of(found, turn, lambda item: (0, item.review_id))
    return Reviews(
        items=[review_view(item) for item in page.items],
        **page.cursors,
    )


@router.get("/v1/reviews/queue", **reads(Scope.OPERATIONS_READ, TAG, "Read the queue"))
async def list_queue(house: HouseOf, turn: Paging) -> Reviews:
    """Return what nobody has concluded yet, the nearest deadline first."""
    async with house.database.connection() as connection:
        found = await store.reviews_open(
            connection, page=turn.page, is_back=turn.is_back, after=turn.day(store.FIRST_DUE)
        )
    page = page_of(found, turn, lambda item: (item.due_on.toordinal(), item.review_id))
    return Reviews(
        items=[review_view(item) for item in page.items],
        **page.cursors,
    )


@router.get("/v1/reviews/figures", **reads(Scope.OPERATIONS_READ, TAG, "Count reviews"))
async def get_figures(
    house: HouseOf,
    first_date: Annotated[Day, Query(alias="from")],
    last_date: Annotated[Day, Query(alias="to")],
) -> ReviewFigures:
    """Return requests, times and overturn rates by policy version.

    The list is whole: one row a version.
    """
    if not timedelta(0) <= last_date - first_date < timedelta(days=DAYS_MAX):
        raise RefusedError(refuse(refusals.SPAN_INVALID, days_max=DAYS_MAX))
    found = await read_figures(house, first_date=first_date, last_date=last_date)
    return ReviewFigures(
        first_date=first_date,
        last_date=last_date,
        items=[
            ReviewCountView(**item._asdict(), overturned_ppm=overturned_ppm(item))
            for item in found.counts
        ],
        policy_reviews=[PolicyReviewView(**item._asdict()) for item in found.policy_reviews],
    )


@router.get(
    "/v1/applicants/{customer_id}/reviews",
    **reads(Scope.APPLICATIONS_READ, TAG, "List the reviews of an applicant"),
)
async def list_reviews_of(house: HouseOf, customer_id: CustomerId, turn: Paging) -> Reviews:
    """Return the reviews of one customer, newest first."""
    async with house.database.connection() as connection:
        found = await store.reviews_of_customer(
            connection, customer_id, page=turn.page, before=turn.number(), is_back=turn.is_back
        )
    page = page_of(found, turn, lambda item: (0, item.review_id))
    return Reviews(items=[review_view(item) for item in page.items], **page.cursors)


@router.get("/v1/reviews/{review_id}", **reads(Scope.APPLICATIONS_READ, TAG, "Read a review"))
async def get_review(
    house: HouseOf,
    review_id: ReviewId,
    customer_id: Annotated[CustomerId, Query(description="Whose review it is.")],
) -> ReviewView:
    """Return a review as it stands."""
    found = await journey.read_review(house, customer_id=customer_id, review_id=review_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return review_view(found)
