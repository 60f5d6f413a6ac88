"""A decision explained to the customer whom it is about, and the way to a person."""

from dataclasses import dataclass
from datetime import date

import orjson

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.customer_explanation import CustomerExplanation, explain_to_customer
from counterfoil.decisioning.customer_words import REVIEW_WAY, Both
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.refusals import DECISION_NOT_FOUND
from counterfoil.decisioning.review import About, Review, State
from counterfoil.decisioning.review_store import review_of
from counterfoil.decisioning.taken import Taken
from counterfoil.journeys.affording.told_exposure import ToldExposure, told_exposure
from counterfoil.journeys.deciding.review import OVER, Case, read_case
from counterfoil.journeys.house import House
from counterfoil.kernel.calendar import add_working_days
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.database import Connection
from counterfoil.rules.shelf import working_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The latest decision on something, in the customer's words."""

    told: CustomerExplanation
    decision_no: int
    #: Whether the customer can have a person look at it.
    can_ask_review: bool
    way: Both
    #: The review that was asked for, None where none was.
    review: Review | None
    #: The day by which a person decides a referred case.
    person_by: date | None
    #: Where debt held the decision: the figures, and what helps; None where it did not.
    exposure: ToldExposure | None


async def explain_decision(
    house: House, *, about: About, customer_id: int, subject_id: int
) -> Explained | Refused:
    """Explain the latest decision on an application or a request to the customer."""
    async with house.database.connection() as connection:
        case = await read_case(connection, customer_id, about, subject_id)
        if isinstance(case, Refused):
            return case
        if not case.taken:
            return refuse(DECISION_NOT_FOUND)
        last = case.taken[-1]
        told = await tell_customer(connection, last)
        exposure = await told_exposure(connection, customer_id, last.stored.inputs)
        review = await _review(connection, about, customer_id, subject_id, case)
    days = house.settings.review_working_days
    is_referred = case.status == Outcome.REFERRED.value
    is_settled = is_referred or case.status in OVER
    return Explained(
        told=told,
        decision_no=last.decision_no,
        can_ask_review=_may_ask(review) and last.is_by_policy and not is_settled,
        way=Both(REVIEW_WAY.zh.format(days=days), REVIEW_WAY.en.format(days=days)),
        review=review,
        person_by=_person_by(last.decided_at.date(), days) if is_referred else None,
        exposure=exposure,
    )


def _may_ask(review: Review | None) -> bool:
    """Tell whether a look may be asked for: who took a request back may ask again."""
    return review is None or review.state is State.WITHDRAWN


def _person_by(decided_on: date, days: int) -> date:
    return add_working_days(decided_on, days, days=working_days())


async def tell_customer(connection: Connection, taken: Taken) -> CustomerExplanation:
    """Return what a customer is told of one decision."""
    policy = await decisions.read_policy_version(connection, taken.stored.policy_hash)
    assert policy is not None, "a version that decided is kept"
    return explain_to_customer(
        policy,
        orjson.loads(taken.stored.inputs),
        orjson.loads(taken.stored.result),
        outcome=taken.outcome.value,
        by_person=not taken.is_by_policy,
    )


async def _review(
    connection: Connection, about: About, customer_id: int, subject_id: int, case: Case
) -> Review | None:
    """Return the review of the latest decision by machine, None where nobody asked for one."""
    contested = [item.decision_no for item in case.taken if item.is_by_policy]
    return await review_of(
        connection,
        customer_id=customer_id,
        about=about,
        subject_id=subject_id,
        decision_no=contested[-1],
    )
