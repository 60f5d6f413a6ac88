"""Deciding a recorded case again on what was put right, with the ceilings on debt that hold now.

Shared by what a customer supplies (`supply.py`) and by what a person overturns
(`review_deciding.py`). The version is the one that had decided; debts are counted anew, because
what was put right may be among them.
"""

from dataclasses import replace

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.redecision import (
    Correction,
    check_correction,
    decide_again,
    question_of,
)
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.journeys.affording.exposure import guard, policy_facts
from counterfoil.journeys.affording.exposure_case import Case, application_case, increase_case
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.database import Connection


async def decide_application_again(
    house: House,
    connection: Connection,
    key: tuple[int, int],
    stored: StoredDecision,
    correction: Correction,
    *,
    by_person: bool,
) -> Decision | Refused:
    """Return what the version of a record says of an application with what was put right.

    `key` is customer and application.
    """
    asked, features = question_of(stored, as_of=await house.business_date())
    case = application_case(
        house,
        asked,
        {**features, **correction.facts},
        customer_id=key[0],
        application_id=key[1],
    )
    return await _decide(house, connection, stored, correction, asked, case, by_person=by_person)


async def decide_request_again(
    house: House,
    connection: Connection,
    request: LimitRequest,
    stored: StoredDecision,
    correction: Correction,
) -> Decision | Refused:
    """Return what a person may offer on a request for a higher limit with what was put right."""
    asked, features = question_of(stored, as_of=await house.business_date())
    case = increase_case(
        house,
        asked,
        {**features, **correction.facts},
        customer_id=request.customer_id,
        line_id=request.line_id,
        request_id=request.request_id,
    )
    return await _decide(house, connection, stored, correction, asked, case, by_person=True)


async def _decide(
    house: House,
    connection: Connection,
    stored: StoredDecision,
    correction: Correction,
    asked: Asked,
    case: Case,
    *,
    by_person: bool,
) -> Decision | Refused:
    policy = await policy_of(connection, stored)
    refused = check_correction(policy, correction)
    if refused is not None:
        return refused
    [held] = await guard(house, connection, [case])
    facts = {**policy_facts(policy, held), **correction.facts}
    return decide_again(
        policy.decide,
        stored,
        replace(correction, facts=facts),
        question=replace(asked, ceiling=held.ceiling),
        by_person=by_person,
    )


async def policy_of(connection: Connection, stored: StoredDecision) -> Policy:
    """Return the version that made a record."""
    policy = await decisions.read_policy_version(connection, stored.policy_hash)
    assert policy is not None, "a version that decided is kept"
    return policy
