"""Looks at versions that persons overturned too often, each ended by a person with a reason."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints

from counterfoil.api.paging import Key, PageView, Paging, microseconds_of, page_of_whole
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.reviews import TAG, PolicyReviewView
from counterfoil.api.shapes import Body, Code, Reason
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning import review_store as store
from counterfoil.decisioning.review_store import PolicyReview
from counterfoil.journeys.deciding.review_figures import Conclusion, conclude_look
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer

router = APIRouter()

Hash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class ConclusionBody(Body):
    """How a person ends the look at a version."""

    policy_hash: Hash
    #: The version stays, or another one takes its place.
    conclusion: Conclusion
    reason: Reason
    #: The person who says so, as your system knows them; not one who wrote the version.
    decided_by: Code


class PolicyReviews(PageView):
    """Versions that are, or were, looked at again; open ones among them."""

    items: list[PolicyReviewView]


async def carry_conclusion(call: Call, body: ConclusionBody) -> Answer | Refused:
    """End a look."""
    actor = Actor(
        name=f"{call.author}:{body.decided_by}", role=Scope.OPERATIONS_WRITE.value, source="api"
    )
    act = partial(
        conclude_look,
        call.house,
        actor,
        body.policy_hash,
        conclusion=body.conclusion,
        reason=body.reason,
    )
    return await once(call, CONCLUDE, body, act, _view)


CONCLUDE = Write(
    name="conclude_policy_review",
    tag=TAG,
    path="/v1/policy-review-conclusions",
    scope=Scope.OPERATIONS_WRITE,
    body=ConclusionBody,
    answer=PolicyReviewView,
    carry=carry_conclusion,
    status=201,
    summary="End the look at a version that was overturned too often",
    description=(
        "A person who did not write the version says, with a reason, whether it is kept or changed."
    ),
    example={
        "policy_hash": "0" * 64,
        "conclusion": "kept",
        "reason": "three cases of one employer",
        "decided_by": "wang-min",
    },
)
WRITES = (CONCLUDE,)


@router.get(
    "/v1/policy-reviews",
    **reads(Scope.OPERATIONS_READ, TAG, "List versions that were overturned too often"),
)
async def list_policy_reviews(house: HouseOf, turn: Paging) -> PolicyReviews:
    """Return every version that was, or is, looked at, newest first, with how each look ended."""
    async with house.database.connection() as connection:
        found = await store.read_policy_reviews(connection)
    page = page_of_whole(found, turn, _order_of, is_falling=True)
    return PolicyReviews(items=[_view(item) for item in page.items], **page.cursors)


def _order_of(item: PolicyReview) -> Key:
    """Return when a version was first looked at, in microseconds, and 60 bits of its hash."""
    return microseconds_of(item.opened_at), int(item.policy_hash[:15], 16)


def _view(item: PolicyReview) -> PolicyReviewView:
    return PolicyReviewView.model_validate(item._asdict())
