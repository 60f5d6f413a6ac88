"""The customer supplies what an application waits for, and the policy decides again on all of it.

The story   A rule asks for something that is not known: the application is referred and names it.
            The customer states it; the version that asked decides on everything that it knew and on
            what is new. Both records stay. Where something is still missing, it goes on waiting.
Invariant   Only what the application asks for is taken, and only what a customer may state: what a
            bureau or the house itself says is never overwritten by the person it is about.
End         Waits as long as the offer would be valid; then the close of day ends it and lets the
            customer be told. Everything is in the database, so that no restart loses it.
"""

from collections.abc import Mapping
from typing import Final

from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import BROUGHT_ALONG, Feature, check_facts
from counterfoil.decisioning.gathering import BUREAU_SOURCE
from counterfoil.decisioning.redecision import Correction
from counterfoil.decisioning.refusals import (
    APPLICATION_NOT_WAITING,
    FACT_NOT_ASKED,
    FACTS_MISSING,
)
from counterfoil.decisioning.replay import record_of
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.applying.apply import lock_application
from counterfoil.journeys.deciding.decide import decision_leaf
from counterfoil.journeys.deciding.decide_again import decide_application_again, policy_of
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse

Facts = Mapping[str, Value | None]
#: Whose word a customer's own is.
_STATED: Final = BROUGHT_ALONG


async def supply_facts(
    house: House, *, customer_id: int, application_id: int, facts: Facts
) -> Application | Refused:
    """Let the policy decide again with what the customer has supplied."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        application = await lock_application(connection, customer_id, application_id)
        if isinstance(application, Refused):
            return application
        if not application.is_waiting:
            return refuse(APPLICATION_NOT_WAITING, status=application.status)
        taken = await decisions.read_decisions_of(
            connection, customer_id=customer_id, application_id=application_id
        )
        last = taken[-1]
        policy = await policy_of(connection, last.stored)
        refused = _refuse_facts(application, facts) or check_facts(
            policy.features, facts, _sources(house)
        )
        if refused is not None:
            return refused
        decision = await decide_application_again(
            house,
            connection,
            (customer_id, application_id),
            last.stored,
            Correction(facts=facts),
            by_person=False,
        )
        if isinstance(decision, Refused):
            return decision
        decided = transitions.decide_again(application, decision, at=now)
        if isinstance(decided, Refused):
            return decided
        record = record_of(decision)
        await decisions.redecide_application(connection, decided, record)
        model = (await decisions.models_of(connection, [record.policy_hash]))[record.policy_hash]
        leaf = decision_leaf(house, decided, record, model=model, leaf_id=house.ids.next())
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    return decided


async def asked_features(house: House, application: Application) -> list[Feature]:
    """Return what an application waits for, as far as the customer may state it."""
    async with house.database.connection() as connection:
        taken = await decisions.read_decisions_of(
            connection,
            customer_id=application.customer_id,
            application_id=application.application_id,
        )
        policy = await policy_of(connection, taken[-1].stored)
    sources = _sources(house)
    return [
        feature
        for feature in policy.features
        if feature.name in application.asks and feature.source in sources
    ]


def _sources(house: House) -> tuple[str, ...]:
    """Return whose facts may be supplied; without a bureau, also what one would have said."""
    return _STATED if house.bureau else (*_STATED, BUREAU_SOURCE)


def _refuse_facts(application: Application, facts: Facts) -> Refused | None:
    """Refuse what was not asked for, and an answer that answers nothing."""
    for name in facts:
        if name not in application.asks:
            return refuse(FACT_NOT_ASKED, fact=name)
    if all(value is None for value in facts.values()):
        return refuse(FACTS_MISSING)
    return None
