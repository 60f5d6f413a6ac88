"""What applying means for one person and for thousands alike: ask the policy, keep its answer.

Shared by `apply.py` (one person, with an idempotency key) and `enrol.py` (many at once).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from counterfoil.customers.identity import Person
from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Asked, Decision, Outcome
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import BROUGHT_ALONG, check_facts
from counterfoil.decisioning.gathering import BUREAU_SOURCE, Gathering
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.refusals import (
    PRODUCT_NOT_DECIDED,
    PRODUCT_NOT_OFFERED,
    REQUESTED_OUT_OF_RANGE,
)
from counterfoil.decisioning.replay import StoredDecision, leaf_facts, record_of
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.contracting.contract import SignedAgreement
from counterfoil.journeys.deciding.experiments import Made, accept_drawn, note_cases
from counterfoil.journeys.deciding.policies import NOTHING_SNOOZED, InForce
from counterfoil.journeys.deciding.price_caps import (
    limit_minor_most,
    pack_reference,
    rate_daily_e8_most,
)
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Kind, Refused, refuse
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.commands import OpenLine
from counterfoil.lending.refusals import LINE_EXISTS
from counterfoil.lending.terms import Terms
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.person_store import PersonRecord

Facts = Mapping[str, Value | None]

#: Refusals that leave open whether a command was carried out, or ask to send it again.
_TO_BE_REPEATED = frozenset({Kind.UNAVAILABLE, Kind.BUSY, Kind.IN_FLIGHT})


def ask(
    house: House, policy: Policy, product_code: str, requested_minor: int | None, *, on: date
) -> Asked | Refused:
    """Return the question to a policy within the bounds of a product."""
    try:
        terms: Terms = house.catalogue.current(product_code, on)
    except UnknownProductError:
        return refuse(PRODUCT_NOT_OFFERED, product_code=product_code, on=on)
    if terms.currency != policy.currency:
        return refuse(PRODUCT_NOT_DECIDED, currency=terms.currency, policy_currency=policy.currency)
    least, most = terms.limit_minor_min, limit_minor_most(house.catalogue, terms, on)
    if requested_minor is not None and not least <= requested_minor <= most:
        return refuse(REQUESTED_OUT_OF_RANGE, minimum_minor=least, maximum_minor=most)
    return Asked(
        product_code=product_code,
        product_version=terms.version,
        currency=terms.currency,
        requested_minor=requested_minor,
        limit_min_minor=least,
        limit_max_minor=most,
        limit_step_minor=terms.limit_minor_step,
        tenors_months=terms.tenors_months,
        rate_daily_min_e8=terms.rate_daily_e8_min,
        rate_daily_max_e8=rate_daily_e8_most(house.catalogue, terms, on),
        as_of=on,
        rule_pack=pack_reference(house.catalogue, terms, on),
        feature_registry=house.registry.sha256,
    )


def decide_case(
    house: House,
    in_force: InForce,
    asked: Asked,
    *,
    purpose: str,
    facts: Facts,
    own: Facts,
    age_years: int,
    snoozed: frozenset[str] = NOTHING_SNOOZED,
) -> Decision | Refused:
    """Bring together what a policy reads and let it decide.

    `facts` come along with the application, `own` are what the house itself knows.
    """
    # Where no bureau is joined, a host that asks one itself brings along what it said.
    sources = BROUGHT_ALONG if house.bureau else (*BROUGHT_ALONG, BUREAU_SOURCE)
    fault = check_facts(in_force.policy.features, facts, sources)
    if fault is not None:
        return fault
    return in_force.decide(
        {**facts, **own, "age_years": age_years, "purpose": purpose}, asked, snoozed=snoozed
    )


class Steps(NamedTuple):
    """When the steps up to a decision ended."""

    received_at: datetime
    gathered_at: datetime
    decided_at: datetime


def gathering_application(
    gathering: Gathering, purpose: str, *, channel: str | None = None
) -> Application:
    """Return a new application for which something has to be asked first."""
    asked = gathering.asked
    return Application(
        customer_id=gathering.customer_id,
        application_id=gathering.application_id,
        product_code=asked.product_code,
        product_version=asked.product_version,
        currency=asked.currency,
        requested_minor=asked.requested_minor,
        purpose=purpose,
        status=Status.GATHERING,
        received_at=gathering.began_at,
        channel=channel,
    )


def decided_application(
    application_id: int,
    customer_id: int,
    decision: Decision,
    *,
    purpose: str,
    steps: Steps,
    channel: str | None = None,
) -> Application:
    """Return a new application with the policy's decision."""
    asked = decision.asked
    # Nothing has to be waited for: what the policy reads came along with the application.
    gathered = Application(
        customer_id=customer_id,
        application_id=application_id,
        product_code=asked.product_code,
        product_version=asked.product_version,
        currency=asked.currency,
        requested_minor=asked.requested_minor,
        purpose=purpose,
        status=Status.GATHERING,
        received_at=steps.received_at,
        gathered_at=steps.gathered_at,
        channel=channel,
    )
    decided = transitions.decide(gathered, decision, at=steps.decided_at)
    assert not isinstance(decided, Refused), "what gathers can be decided"
    return decided


async def keep_decisions(
    house: House, connection: Connection, made: Sequence[Made], *, at: datetime
) -> list[Application]:
    """Write applications, their decisions and the leaves that commit to them.

    The leaf of the policy's decision bears the number of the application. The applications come
    back in their order as they were written: a control group may have accepted some of them.
    """
    kept = await accept_drawn(house, connection, made, at=at)
    for policy, group in by_version(kept):
        records = [record_of(one.decision) for one in group]
        applications = [one.application for one in group]
        await decisions.add_decided(connection, policy, applications, records, at=at)
        leaves = [
            decision_leaf(
                house,
                application,
                record,
                model=policy.model_sha256,
                leaf_id=application.application_id,
            )
            for application, record in zip(applications, records, strict=True)
        ]
        await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    await note_made(connection, kept, at=at)
    return [one.application for one in kept]


def by_version(made: Sequence[Made]) -> list[tuple[Policy, list[Made]]]:
    """Return decided applications by the version that decided them."""
    groups: dict[str, tuple[Policy, list[Made]]] = {}
    for one in made:
        groups.setdefault(one.policy.hash, (one.policy, []))[1].append(one)
    return list(groups.values())


async def note_made(connection: Connection, made: Sequence[Made], *, at: datetime) -> None:
    """Write which experiments took which of the applications."""
    keys = [(one.application.customer_id, one.application.application_id) for one in made]
    decided = [(*key, one.decision) for key, one in zip(keys, made, strict=True)]
    await note_cases(connection, decided, at=at)


def decision_leaf(
    house: House,
    application: Application,
    record: StoredDecision,
    *,
    model: str,
    leaf_id: int,
    by_person: Outcome | None = None,
) -> StagedLeaf:
    """Return the leaf that commits to a decision; `model` is the hash behind its policy."""
    facts = leaf_facts(application.application_id, record, model=model, by_person=by_person)
    return house.leaves.stage(
        application.customer_id,
        leaf_id,
        LeafType.DECISION,
        application.application_id,
        {"decision": facts},
    )


def open_line_command(
    application: Application, repayment_day: int, agreement: SignedAgreement
) -> OpenLine:
    """Return the command that opens the line of an accepted application, under its agreement."""
    assert application.line_id is not None, "an accepted application names its line"
    assert application.limit_minor, "an accepted application has a limit"
    assert application.rate_daily_e8, "an accepted application has a price"
    return OpenLine(
        customer_id=application.customer_id,
        line_id=application.line_id,
        application_id=application.application_id,
        product_code=application.product_code,
        product_version=application.product_version,
        limit_minor=application.limit_minor,
        currency=application.currency,
        rate_daily_e8=application.rate_daily_e8,
        repayment_day=repayment_day,
        contract_id=agreement.contract_id,
        agreement_sha256=agreement.sha256,
    )


def is_without_line(answer: Answer | Refused) -> bool:
    """Tell whether it is certain that an acceptance led to no line."""
    if not isinstance(answer, Refused):
        return False
    return answer.refusal is not LINE_EXISTS and answer.kind not in _TO_BE_REPEATED


def record_of_person(customer_id: int, person: Person) -> PersonRecord:
    """Return a checked person as the vault takes one."""
    return PersonRecord(
        customer_id=customer_id,
        name=person.name,
        id_number=person.id_number,
        phone=person.phone,
    )
