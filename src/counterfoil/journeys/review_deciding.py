"""A person overturns what a machine decided, or ends a referral with what was put right.

The story   The person corrects facts or sets rules aside; the policy decides again on that. Where
            it has an offer now, the person's decision puts it in the place of the earlier one:
            record, leaf, state and the end of the review in one transaction.
Invariant   Nobody offers what the policy would not, and no rule of law is set aside. What was
            decided before stays recorded; an overturned decision replays to the same answer still.
After       An accepted offer is a running line by then. What was refused at its beginning is made
            good by a request for a higher limit that a person has approved: the line changes only
            with the customer's agreement.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

from counterfoil.decisioning import application as applications
from counterfoil.decisioning import limit_request as requests
from counterfoil.decisioning import limit_request_store, review_store
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.redecision import Correction, check_correction, decide_again
from counterfoil.decisioning.refusals import (
    APPLICATION_ALREADY_OPEN,
    LIMIT_REQUEST_ALREADY_OPEN,
    REVIEW_NOT_FOUND,
)
from counterfoil.decisioning.replay import record_of
from counterfoil.decisioning.review import About, Review
from counterfoil.decisioning.taken import Taken
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys import raise_limit
from counterfoil.journeys.apply import lock_application
from counterfoil.journeys.decide import decision_leaf
from counterfoil.journeys.house import House
from counterfoil.journeys.review import act_of, concluded, read_case, refuse_role
from counterfoil.journeys.trail import note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overturning:
    """A person's wish to overturn."""

    customer_id: int
    review_id: int
    reason: str
    correction: Correction

    @property
    def key(self) -> tuple[int, int]:
        """Return customer and review."""
        return self.customer_id, self.review_id


async def overturn(house: House, actor: Actor, wish: Overturning) -> Review | Refused:
    """Put another decision in the place of the one that is reviewed."""
    act = act_of("review_overturned", wish.customer_id, wish.review_id, wish.reason)
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    done: list[Review] = []

    async def write(connection: Connection) -> None:
        review = await concluded(house, connection, actor, wish.key, wish.reason, is_upheld=False)
        if review.about is About.APPLICATION:
            await _overturn_application(house, connection, actor, review, wish)
        else:
            await _overturn_request(house, connection, actor, review, wish)
        await note(house, connection, actor, act)
        done.append(review)

    try:
        await idempotency.unless_twin(house.database, write)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    except idempotency.TwinError as error:
        twin = _TWINS.get(error.constraint)
        if twin is None:
            raise
        return await note_refusal(house, actor, act, refuse(twin))
    return done[0]


#: A newer open one of the same customer stands in the way of bringing the old one back.
_TWINS: Final = {
    APPLICATION_ALREADY_OPEN.code: APPLICATION_ALREADY_OPEN,
    LIMIT_REQUEST_ALREADY_OPEN.code: LIMIT_REQUEST_ALREADY_OPEN,
}


async def preview(
    house: House, *, customer_id: int, review_id: int, correction: Correction
) -> Decision | Refused:
    """Return what the policy would say with what a person puts right; changes nothing."""
    async with house.database.connection() as connection:
        review = await review_store.read_review(connection, customer_id, review_id)
        if review is None:
            return refuse(REVIEW_NOT_FOUND)
        try:
            return await _again(house, connection, review, correction)
        except RefusedError as error:
            return error.refused


async def _overturn_application(
    house: House, connection: Connection, actor: Actor, review: Review, wish: Overturning
) -> None:
    application = _or_raise(
        await lock_application(connection, review.customer_id, review.subject_id)
    )
    decision = await _again(house, connection, review, wish.correction)
    decided = _or_raise(
        applications.overturn(
            application, decision, by=actor.name, reason=wish.reason, at=house.clock.now()
        )
    )
    record = record_of(decision)
    await decisions.redecide_application(connection, decided, record)
    leaf = decision_leaf(
        house, decided, record, leaf_id=house.ids.next(), by_person=Outcome.APPROVED
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


async def _overturn_request(
    house: House, connection: Connection, actor: Actor, review: Review, wish: Overturning
) -> None:
    request = _or_raise(await raise_limit.lock(connection, review.customer_id, review.subject_id))
    decision = await _again(house, connection, review, wish.correction)
    decided = _or_raise(
        requests.overturn(
            request,
            decision,
            by=actor.name,
            reason=wish.reason,
            amendment_ref=raise_limit.amendment_ref(house, request, await house.business_date()),
            at=house.clock.now(),
        )
    )
    record = record_of(decision)
    await limit_request_store.redecide_request(connection, decided, record)
    leaf = raise_limit.decision_leaf(
        house, decided, record, leaf_id=house.ids.next(), by_person=Outcome.APPROVED
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


async def _again(
    house: House, connection: Connection, review: Review, correction: Correction
) -> Decision:
    """Let the version that decided decide again; raise RefusedError for what may not be put so."""
    policy = await decisions.read_policy_version(connection, review.policy_hash)
    assert policy is not None, "a version that decided is kept"
    case = _or_raise(
        await read_case(connection, review.customer_id, review.about, review.subject_id)
    )
    contested = next(item for item in case.taken if item.decision_no == review.decision_no)
    return _or_raise(await decided_anew(house, policy, contested, correction))


async def decided_anew(
    house: House, policy: Policy, taken: Taken, correction: Correction
) -> Decision | Refused:
    """Return what a version says of a recorded case with what was put right, as of today."""
    refused = check_correction(policy, correction)
    if refused is not None:
        return refused
    on = await house.business_date()
    return decide_again(policy.decide, taken.stored, correction, as_of=on, by_person=True)


def _or_raise(given: T | Refused) -> T:
    if isinstance(given, Refused):
        raise RefusedError(given)
    return given
