"""Before an offer is taken: whether what it rests on still holds.

Refused     The customer is not active, the consent behind the credit report was withdrawn, a line
            is frozen or suspended, or something is overdue: the offer stands and can be taken once
            that is put right.
Changed     The age, a newer credit report, debts against the ceilings: the version that decided
            decides again on what is known now. An offer that comes out no worse is taken as it was
            made; otherwise the new decision takes its place, with record and leaf, and the customer
            is told what changed.
Invariant   Nobody is asked anything here: no inquiry, no use of a consent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from counterfoil.bureau import store as bureau
from counterfoil.consents import store as consents
from counterfoil.consents.state import Status as ConsentStatus
from counterfoil.customers import store as customers
from counterfoil.customers.customer import CustomerStatus
from counterfoil.customers.identity import age_on, birth_date_of
from counterfoil.customers.refusals import CUSTOMER_NOT_ACTIVE
from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.assigned import assigned_of
from counterfoil.decisioning.control_group import with_assigned
from counterfoil.decisioning.decision import Asked, Decision, Outcome
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature_source import CONSENT_PURPOSES, ORIGINATION
from counterfoil.decisioning.gathering import Gathering, bureau_facts
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.refusals import (
    OFFER_CHANGED,
    OFFER_CONSENT_ENDED,
    OFFER_WHILE_BLOCKED,
    OFFER_WHILE_OVERDUE,
)
from counterfoil.decisioning.replay import asked_of, guards_of, record_of
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.affording.exposure import guard, policy_facts
from counterfoil.journeys.affording.exposure_case import application_case
from counterfoil.journeys.applying import gather
from counterfoil.journeys.deciding.decide import decision_leaf
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending.behaviour_store import customers_overdue, lines_of
from counterfoil.lending.line import blocked_by
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons

#: Blocks that stand against any other line; an expired one does not.
_BLOCKS: Final = frozenset({"frozen", "suspended"})
#: Consents that the report behind an offer may rest on.
PURPOSES: Final = frozenset(CONSENT_PURPOSES[ORIGINATION])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An offer with the record that it rests on."""

    application: Application
    policy: Policy
    inputs: Mapping[str, Any]


async def recheck_offer(house: House, *, customer_id: int, application_id: int) -> Refused | None:
    """Return why an offer cannot be taken as it is; None where it can, or is none to take."""
    async with house.database.transaction() as connection:
        locked = await decisions.lock_applications(connection, [(customer_id, application_id)])
        application = locked.get((customer_id, application_id))
        if application is None or application.status is not Status.APPROVED:
            return None
        case = await _case(connection, application)
        refused = await _standing(house, connection, case)
        if refused is not None:
            return refused
        changed = await _changes(house, connection, case)
        if not changed.names:
            return None
        decision = _again(case, changed)
        if _is_no_worse(application, decision):
            return None
        return await _replace(house, connection, case, changed, decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """What is not as it was when the offer was made."""

    names: tuple[str, ...]
    facts: Mapping[str, Value | None]
    asked: Asked


async def _case(connection: Connection, application: Application) -> _Case:
    taken = await decisions.read_decisions_of(
        connection,
        customer_id=application.customer_id,
        application_id=application.application_id,
    )
    stored = taken[-1].stored
    policy = await decisions.read_policy_version(connection, stored.policy_hash)
    assert policy is not None, "a version that decided is kept"
    return _Case(application=application, policy=policy, inputs=orjson.loads(stored.inputs))


async def _standing(house: House, connection: Connection, case: _Case) -> Refused | None:
    """Refuse while something stands against any new line of this customer."""
    customer_id, on = case.application.customer_id, await house.business_date()
    customer = await customers.read_customer(connection, customer_id)
    assert customer is not None, "who applied is a customer"
    if customer.status is not CustomerStatus.ACTIVE:
        return refuse(CUSTOMER_NOT_ACTIVE, status=customer.status)
    if await _consent_ended(house, connection, case):
        return refuse(OFFER_CONSENT_ENDED)
    for line in await lines_of(connection, customer_id):
        block = blocked_by(line, on)
        if block in _BLOCKS:
            return refuse(OFFER_WHILE_BLOCKED, block=block)
    if customer_id in await customers_overdue(connection, {customer_id}, on):
        return refuse(OFFER_WHILE_OVERDUE)
    return None


async def _consent_ended(house: House, connection: Connection, case: _Case) -> bool:
    """Tell whether the consent that was given last for what was read has been withdrawn."""
    read = bureau_facts(case.policy)
    features = case.inputs["features"]
    if house.bureau is None or all(features.get(name) is None for name in read):
        return False
    given = await consents.read_consents(connection, case.application.customer_id)
    mine = [item for item in given if item.purpose in PURPOSES]
    return bool(mine) and mine[0].state.status is ConsentStatus.WITHDRAWN


async def _changes(house: House, connection: Connection, case: _Case) -> _Changed:
    on = await house.business_date()
    facts: dict[str, Value | None] = {}
    names: list[str] = []
    age_years = await _age(house, connection, case.application.customer_id)
    features = case.inputs["features"]
    if age_years is not None and features.get("age_years") not in (None, age_years):
        facts["age_years"] = age_years
        names.append("age")
    reported = await _newer_report(house, connection, case)
    if any(features.get(name) != value for name, value in reported.items()):
        facts |= reported
        names.append("report")
    asked = replace(asked_of(case.inputs["asked"]), as_of=on)
    [held] = await guard(
        house,
        connection,
        [
            application_case(
                house,
                asked,
                {**features, **facts},
                customer_id=case.application.customer_id,
                application_id=case.application.application_id,
            )
        ],
    )
    ceiling = held.ceiling
    if ceiling is not None:
        facts |= policy_facts(case.policy, held)
        names.append("exposure")
    return _Changed(names=tuple(names), facts=facts, asked=replace(asked, ceiling=ceiling))


async def _age(house: House, connection: Connection, customer_id: int) -> int | None:
    """Return the age today; None where the identity cannot be read any more."""
    try:
        id_number = await persons.read_id_number(
            connection, house.vault, customer_id, reading("offer_recheck")
        )
    except RefusedError:
        return None
    if id_number is None:
        return None
    return age_on(birth_date_of(id_number), await house.business_date())


async def _newer_report(
    house: House, connection: Connection, case: _Case
) -> Mapping[str, Value | None]:
    """Return what a report says that came after the decision; nothing where there is none."""
    application = case.application
    if house.bureau is None or application.decided_at is None:
        return {}
    since = int(application.decided_at.timestamp())
    reports = await bureau.reports_of_customer(connection, application.customer_id)
    if not any(item.received_at > since and item.purpose in PURPOSES for item in reports):
        return {}
    gathering = Gathering(
        customer_id=application.customer_id,
        application_id=application.application_id,
        consent_id=None,
        asked=asked_of(case.inputs["asked"]),
        features=case.inputs["features"],
        idempotency_key="",
        request_hash=b"",
        began_at=application.received_at,
    )
    about = gather.About(gather.OCCASION, case.policy)
    [found] = await gather.find_facts(house, [gathering], about=about)
    return {} if isinstance(found, Refused) else found


def _again(case: _Case, changed: _Changed) -> Decision:
    values = {**case.inputs["features"], **changed.facts}
    decision = honour(case.policy.decide(values, changed.asked, guards_of(dict(case.inputs))))
    return with_assigned(case.policy, decision, assigned_of(case.inputs.get("experiments")))


def _is_no_worse(application: Application, decision: Decision) -> bool:
    """Tell whether the offer could be made again as it stands."""
    by_person = application.decided_by != transitions.BY_POLICY
    approves = decision.outcome is Outcome.APPROVED
    if not (approves or (by_person and decision.outcome is Outcome.REFERRED)):
        return False
    assert application.limit_minor is not None, "an approved application has a limit"
    assert application.rate_daily_e8 is not None, "an approved application has a price"
    rate_daily_e8 = decision.rate_daily_e8
    return (
        decision.limit_minor >= application.limit_minor
        and rate_daily_e8 is not None
        and rate_daily_e8 <= application.rate_daily_e8
    )


async def _replace(
    house: House, connection: Connection, case: _Case, changed: _Changed, decision: Decision
) -> Refused:
    """Write the new decision in the place of the offer; return what the customer is told."""
    decided = transitions.take_back_offer(case.application, decision, at=house.clock.now())
    assert not isinstance(decided, Refused), "an offer can be decided again"
    record = record_of(decision)
    await decisions.redecide_application(connection, decided, record)
    model = (await decisions.models_of(connection, [record.policy_hash]))[record.policy_hash]
    leaf = decision_leaf(house, decided, record, model=model, leaf_id=house.ids.next())
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    return refuse(OFFER_CHANGED, changed=", ".join(changed.names), status=decided.status)
