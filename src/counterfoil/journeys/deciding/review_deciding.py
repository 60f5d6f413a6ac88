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
from counterfoil.decisioning import limit_request_store
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.redecision import Correction
from counterfoil.decisioning.refusals import (
    APPLICATION_ALREADY_OPEN,
    LIMIT_REQUEST_ALREADY_OPEN,
)
from counterfoil.decisioning.replay import StoredDecision, record_of
from counterfoil.decisioning.review import About, Review
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.applying.apply import lock_application
from counterfoil.journeys.deciding.decide import decision_leaf
from counterfoil.journeys.deciding.decide_again import (
    decide_application_again,
    decide_request_again,
)
from counterfoil.journeys.deciding.review import act_of, concluded, read_case, refuse_role
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import raise_limit
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


async def _overturn_application(
    house: House, connection: Connection, actor: Actor, review: Review, wish: Overturning
) -> None:
    application = _or_raise(
        await lock_application(connection, review.customer_id, review.subject_id)
    )
    decision = _or_raise(
        await decide_application_again(
            house,
            connection,
            (review.customer_id, review.subject_id),
            await _contested(connection, review),
            wish.correction,
            by_person=True,
        )
    )
    decided = _or_raise(
        applications.overturn(
            application, decision, by=actor.name, reason=wish.reason, at=house.clock.now()
        )
    )
    record = record_of(decision)
    await decisions.redecide_application(connection, decided, record)
    model = (await decisions.models_of(connection, [record.policy_hash]))[record.policy_hash]
    leaf = decision_leaf(
        house,
        decided,
        record,
        model=model,
        leaf_id=house.ids.next(),
        by_person=Outcome.APPROVED,
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


async def _overturn_request(
    house: House, connection: Connection, actor: Actor, review: Review, wish: Overturning
) -> None:
    request = _or_raise(await raise_limit.lock(connection, review.customer_id, review.subject_id))
    contested = await _contested(connection, review)
    decision = _or_raise(
        await decide_request_again(house, connection, request, contested, wish.correction)
    )
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
    model = (await decisions.models_of(connection, [record.policy_hash]))[record.policy_hash]
    leaf = raise_limit.decision_leaf(
        house,
        decided,
        record,
        model=model,
        leaf_id=house.ids.next(),
        by_person=Outcome.APPROVED,
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


async def _contested(connection: Connection, review: Review) -> StoredDecision:
    case = _or_raise(
        await read_case(connection, review.customer_id, review.about, review.subject_id)
    )
    return next(item.stored for item in case.taken if item.decision_no == review.decision_no)


def _or_raise(given: T | Refused) -> T:
    if isinstance(given, Refused):
        raise RefusedError(given)
    return given
