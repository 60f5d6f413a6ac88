"""A customer asks for a person's look at what a machine decided; the queue of those who look.

The story   One act of the customer opens a review of the last decision on an application or on a
            request for a higher limit. It waits in a queue with a deadline; a person takes it,
            sees everything that the machine saw, and upholds the decision with a reason or
            overturns it (`review_deciding.py`). The customer is told of both through the outbox.
Invariant   One decision, one review, however often it is asked for, until it is taken back. Only
            decisions by machine are reviewed here. Who wrote the version that decided, or decided
            before, does not review.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import orjson

from counterfoil.decisioning import limit_request_store, review_store
from counterfoil.decisioning import review as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.refusals import (
    APPLICATION_NOT_FOUND,
    LIMIT_REQUEST_NOT_FOUND,
    REVIEW_BY_PERSON,
    REVIEW_NOT_FOUND,
    REVIEW_NOTHING_DECIDED,
    REVIEWER_NOT_ALLOWED,
)
from counterfoil.decisioning.review import About, Barred, Review
from counterfoil.decisioning.taken import Taken
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_working_days
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text
from counterfoil.rules.shelf import working_days

#: What the access matrix calls the right to conclude reviews.
REVIEW: Final = "review"
#: Longest that a customer's own words are kept.
SAID_LENGTH_MAX: Final = 500
#: States in which nothing is left that a review could change.
OVER: Final = frozenset({"withdrawn", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewWish:
    """A customer's request for review."""

    customer_id: int
    about: About
    subject_id: int
    #: In the customer's words; may be empty.
    said: str
    #: Through whom it came.
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a review is about, as it stands, with every decision on it."""

    status: str
    taken: tuple[Taken, ...]


async def ask_review(house: House, wish: ReviewWish) -> Review | Refused:
    """Open the review of the last decision; asked for again it is the same review."""
    now, on = house.clock.now(), await house.business_date()
    async with house.database.transaction() as connection:
        case = await read_case(connection, wish.customer_id, wish.about, wish.subject_id)
        if isinstance(case, Refused):
            return case
        contested = _contested(case)
        if isinstance(contested, Refused):
            return contested
        review = Review(
            customer_id=wish.customer_id,
            review_id=house.ids.next(),
            about=wish.about,
            subject_id=wish.subject_id,
            decision_no=contested.decision_no,
            outcome=contested.outcome.value,
            policy_hash=contested.stored.policy_hash,
            policy_version=orjson.loads(contested.stored.result)["policy_version"],
            said=mask_free_text(wish.said)[:SAID_LENGTH_MAX],
            requested_at=now,
            requested_by=wish.by,
            due_on=add_working_days(on, house.settings.review_working_days, days=working_days()),
        )
        if await review_store.add_review(connection, review):
            await tell(house, connection, review, "review_requested", at=now)
            return review
        found = await review_store.review_of(
            connection,
            customer_id=wish.customer_id,
            about=wish.about,
            subject_id=wish.subject_id,
            decision_no=contested.decision_no,
        )
    assert found is not None, "what stood in the way is there"
    return found


async def assign_review(
    house: House, actor: Actor, *, customer_id: int, review_id: int, to: str
) -> Review | Refused:
    """Make a review somebody's task, or give it back to the queue where nobody is named."""
    act = act_of("review_assigned" if to else "review_released", customer_id, review_id)
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    now = house.clock.now()
    async with house.database.transaction() as connection:
        review = await lock(connection, customer_id, review_id)
        if isinstance(review, Refused):
            return review
        if to:
            barred = await barred_from(connection, review)
            after = transitions.assign(review, to=to, barred=barred, at=now)
        else:
            after = transitions.release(review, by=actor.name, reason="", at=now)
        if isinstance(after, Refused) or after == review:
            return after
        await review_store.add_last_event(connection, after)
        await note(house, connection, actor, act)
    return after


async def uphold(
    house: House, actor: Actor, *, customer_id: int, review_id: int, reason: str
) -> Review | Refused:
    """Leave the decision as it is, with a person's reason."""
    act = act_of("review_upheld", customer_id, review_id, reason)
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    try:
        async with house.database.transaction() as connection:
            review = await concluded(
                house, connection, actor, (customer_id, review_id), reason, is_upheld=True
            )
            await note(house, connection, actor, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    return review


async def withdraw_review(
    house: House, *, customer_id: int, review_id: int, by: str
) -> Review | Refused:
    """End a review at the customer's wish."""
    async with house.database.transaction() as connection:
        review = await lock(connection, customer_id, review_id)
        if isinstance(review, Refused):
            return review
        after = transitions.withdraw(review, by=by, at=house.clock.now())
        if not isinstance(after, Refused) and after != review:
            await review_store.add_last_event(connection, after)
    return after


async def withdraw_at_wish(
    house: House, actor: Actor, *, customer_id: int, review_id: int, reason: str
) -> Review | Refused:
    """End a review at a wish that the customer told a member of staff, with what was said.

    The customer is told, so that nobody's request ends unnoticed, and may ask again. Who may not
    conclude it does not end it this way either.
    """
    act = act_of("review_withdrawn", customer_id, review_id, reason)
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    now = house.clock.now()
    async with house.database.transaction() as connection:
        review = await lock(connection, customer_id, review_id)
        if isinstance(review, Refused):
            return review
        barred = await barred_from(connection, review)
        after = barred.refuse(actor.name) or transitions.withdraw(review, by=actor.name, at=now)
        if not isinstance(after, Refused) and after != review:
            await review_store.add_last_event(connection, after)
            await tell(house, connection, after, "review_withdrawn", at=now)
            await note(house, connection, actor, act)
    if isinstance(after, Refused):
        return await note_refusal(house, actor, act, after)
    return after


async def read_review(house: House, *, customer_id: int, review_id: int) -> Review | Refused:
    """Return a review."""
    async with house.database.connection() as connection:
        found = await review_store.read_review(connection, customer_id, review_id)
    return found or refuse(REVIEW_NOT_FOUND)


async def read_case(
    connection: Connection, customer_id: int, about: About, subject_id: int
) -> Case | Refused:
    """Return what a review would be about."""
    if about is About.APPLICATION:
        found = await decisions.read_application(
            connection, customer_id=customer_id, application_id=subject_id
        )
        if found is None:
            return refuse(APPLICATION_NOT_FOUND)
        taken = await decisions.read_decisions_of(
            connection, customer_id=customer_id, application_id=subject_id
        )
        return Case(status=found.status.value, taken=tuple(taken))
    request = await limit_request_store.read_request(
        connection, customer_id=customer_id, request_id=subject_id
    )
    if request is None:
        return refuse(LIMIT_REQUEST_NOT_FOUND)
    taken = await limit_request_store.read_decisions_of(
        connection, customer_id=customer_id, request_id=subject_id
    )
    return Case(status=request.status.value, taken=tuple(taken))


async def concluded(
    house: House,
    connection: Connection,
    actor: Actor,
    key: tuple[int, int],
    reason: str,
    *,
    is_upheld: bool,
) -> Review:
    """End a review in the transaction at hand; raise RefusedError where that person may not."""
    now = house.clock.now()
    review = await lock(connection, *key)
    if isinstance(review, Refused):
        raise RefusedError(review)
    barred = await barred_from(connection, review)
    after = transitions.conclude(
        review,
        by=actor.name,
        is_upheld=is_upheld,
        reason=mask_free_text(reason),
        barred=barred,
        at=now,
    )
    if isinstance(after, Refused):
        raise RefusedError(after)
    await review_store.add_last_event(connection, after)
    await tell(house, connection, after, "review_concluded", at=now)
    return after


async def barred_from(connection: Connection, review: Review) -> Barred:
    """Return who may not review: the version's authors, and whoever decided on the case."""
    case = await read_case(connection, review.customer_id, review.about, review.subject_id)
    assert not isinstance(case, Refused), "what is reviewed is there"
    return Barred(
        authors=await review_store.authors_of(connection, review.policy_hash),
        deciders=frozenset(item.decided_by for item in case.taken if not item.is_by_policy),
    )


async def lock(connection: Connection, customer_id: int, review_id: int) -> Review | Refused:
    """Return a review, locked for the rest of the transaction."""
    found = await review_store.lock_review(connection, customer_id, review_id)
    return found or refuse(REVIEW_NOT_FOUND)


async def tell(
    house: House, connection: Connection, review: Review, kind: str, *, at: datetime
) -> None:
    """Let the customer be told, through the outbox."""
    event = (house.ids.next(), review.customer_id, kind, review.review_id, "{}", at)
    await PLATFORM.add_events.execute(connection, rows=[event])


def refuse_role(actor: Actor) -> Refused | None:
    """Refuse a role that does not review decisions."""
    if REVIEW in load_matrix().rights_for(actor).permissions:
        return None
    return refuse(REVIEWER_NOT_ALLOWED)


def act_of(name: str, customer_id: int, review_id: int, reason: str = "") -> Act:
    """Return the line of the trail about a review."""
    subject = ids.to_text(ids.REVIEW, review_id)
    return Act(name=name, customer_ids=[customer_id], subject=subject, reason=reason)


def person_by(house: House, application: Application) -> date:
    """Return the date by which a person decides an application that was referred."""
    assert application.decided_at is not None, "who is referred was decided by the policy"
    days = house.settings.review_working_days
    return add_working_days(application.decided_at.date(), days, days=working_days())


def _contested(case: Case) -> Taken | Refused:
    """Return the decision by machine that a review would be of."""
    last = case.taken[-1] if case.taken else None
    if last is None or last.outcome is Outcome.REFERRED or case.status in OVER:
        return refuse(REVIEW_NOTHING_DECIDED, status=case.status)
    return last if last.is_by_policy else refuse(REVIEW_BY_PERSON)
