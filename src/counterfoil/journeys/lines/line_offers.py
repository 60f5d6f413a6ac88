"""A review's offer of a higher limit: taken up by the customer, decided by the policy for raises.

Invariant   An offer raises nothing. Taking it up is the customer's own request for exactly that
            limit, with the consent under which the bureau may be asked; what follows is the way of
            every request: a decision, an amendment, the customer's agreement. Not taking it up,
            declining it, or being declined then, leaves the line as it is.
Declined    What the customer declined is over; nothing else follows from it, and the next review
            may offer again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.line_review import store
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.decisioning.refusals import LINE_REVIEW_NOT_FOUND, REVIEW_OFFER_OVER
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import raise_limit
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.refusals import LIMIT_CHANGED_MEANWHILE
from counterfoil.lending.store import read_line
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTaken:
    """A customer takes up what a review offers."""

    customer_id: int
    review_id: int
    idempotency_key: str
    consent_id: int | None = None
    #: What the customer says, such as an income.
    facts: Mapping[str, Value | None] = field(default_factory=dict)


async def take_up(house: House, taken: OfferTaken) -> Answer | Refused:
    """Ask for the limit that a review offers, in the customer's name."""
    wish = await wish_of(house, taken)
    return wish if isinstance(wish, Refused) else await raise_limit.request(house, wish)


async def decline(
    house: House, *, customer_id: int, review_id: int, channel: str
) -> StoredReview | Refused:
    """Keep that a customer does not want what a review offers; once is as good as twice."""
    async with house.database.transaction() as connection:
        found = await store.read_review(connection, customer_id=customer_id, review_id=review_id)
        if found is None:
            return refuse(LINE_REVIEW_NOT_FOUND)
        if found.outcome is not ReviewOutcome.OFFERED:
            return refuse(REVIEW_OFFER_OVER)
        await store.add_declined_offer(
            connection,
            customer_id=customer_id,
            review_id=review_id,
            channel=channel,
            at=house.clock.now(),
        )
    return found


async def wish_of(house: House, taken: OfferTaken) -> RaiseWish | Refused:
    """Return the request that an offer leads to; one that is over or overtaken is refused."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        found = await store.read_review(
            connection, customer_id=taken.customer_id, review_id=taken.review_id
        )
        if found is None:
            return refuse(LINE_REVIEW_NOT_FOUND)
        line = await read_line(connection, taken.customer_id, found.line_id)
        declined = await store.declined_offers(connection, taken.customer_id, [taken.review_id])
    if declined or found.outcome is not ReviewOutcome.OFFERED or found.to_minor is None:
        return refuse(REVIEW_OFFER_OVER)
    if found.valid_until is None or on > found.valid_until:
        return refuse(REVIEW_OFFER_OVER)
    if line is None or line.limit_minor != found.from_minor:
        return refuse(LIMIT_CHANGED_MEANWHILE, limit_minor=line.limit_minor if line else 0)
    return RaiseWish(
        customer_id=taken.customer_id,
        line_id=found.line_id,
        requested_minor=found.to_minor,
        idempotency_key=taken.idempotency_key,
        consent_id=taken.consent_id,
        facts=taken.facts,
    )


async def policy_of_review(connection: Connection, found: StoredReview) -> ReviewPolicy:
    """Return the version that made a review."""
    policy = await store.read_review_policy(connection, found.policy_hash)
    assert policy is not None, "a version is kept before it reviews"
    return policy


def review_document(policy: ReviewPolicy, found: StoredReview) -> dict[str, object]:
    """Return what an answer says of a review; customers may read all of it."""
    return {
        "id": ids.to_text(ids.LINE_REVIEW, found.review_id),
        "customer_id": ids.to_text(ids.CUSTOMER, found.customer_id),
        "line_id": ids.to_text(ids.LINE, found.line_id),
        "cause": found.cause,
        "business_date": found.business_date.isoformat(),
        "outcome": found.outcome.value,
        "reasons": policy.told(found.reasons),
        "proposals": list(found.proposals),
        "from_minor": found.from_minor,
        "to_minor": found.to_minor,
        "valid_until": found.valid_until and found.valid_until.isoformat(),
        "policy_version": found.policy_version,
        "rule_pack": found.rule_pack,
        "feature_registry": found.feature_registry,
        "decided_at": found.decided_at.isoformat(),
    }
