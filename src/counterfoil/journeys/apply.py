"""From a registered person to an open line: apply, decide, accept.

The story   The customer applies: what the policy reads is brought together, if need be from a
            bureau (`gather.py`), the policy decides, and application and decision are written
            together with the leaf that commits to them. The customer takes the offer: the line is
            opened under its signed agreement.
Invariant   A line is opened from an accepted application only, and from each at most once. A
            second open application for a product is refused by the database, too.
Repetition  The same key gives the first answer. A crash after an acceptance and before its line
            leaves the application accepted; accepting again opens the line.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import orjson

from counterfoil.customers import store as customers
from counterfoil.customers.customer import CustomerStatus
from counterfoil.customers.identity import age_on, birth_date_of
from counterfoil.customers.refusals import CUSTOMER_NOT_ACTIVE, CUSTOMER_NOT_FOUND
from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.gathering import Gathering, is_ineligible
from counterfoil.decisioning.refusals import (
    APPLICATION_ALREADY_OPEN,
    APPLICATION_NOT_FOUND,
)
from counterfoil.decisioning.snooze_store import snoozed_of
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys import gather
from counterfoil.journeys.choose import choices_for, with_choices
from counterfoil.journeys.contract import SignedAgreement, require_signed
from counterfoil.journeys.decide import (
    Facts,
    Steps,
    ask,
    decide_case,
    decided_application,
    decision_leaf,
    gathering_application,
    is_without_line,
    keep_decisions,
    open_line_command,
)
from counterfoil.journeys.experiments import Made, in_force_for
from counterfoil.journeys.exposure import application_case, guard, hold_gatherings, policy_facts
from counterfoil.journeys.house import House
from counterfoil.journeys.policies import ORIGINATION, InForce
from counterfoil.journeys.recheck_offer import recheck_offer
from counterfoil.journeys.review import person_by
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons

#: Constraints that guard against a concurrent twin; each bears the code of its refusal.
_TWINS: Final = {APPLICATION_ALREADY_OPEN.code: APPLICATION_ALREADY_OPEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """An application as it stood when it was answered; on a replay the same again."""

    customer_id: int
    application_id: int
    product_code: str
    product_version: int
    #: `approved`, `declined` or `referred`; `gathering` while the bureau's answer is outstanding.
    status: str
    currency: str
    #: The offer; 0 and None where there is none.
    limit_minor: int
    rate_daily_e8: int | None
    tenors_months: tuple[int, ...]
    grade: str | None
    #: Ranked reason codes; `House.policy.explain` gives their texts.
    reasons: tuple[str, ...]
    valid_until: date | None
    #: None while it is not decided.
    policy_version: str | None
    is_replay: bool
    #: Names of facts that the customer is asked for; the application waits for them.
    asks: tuple[str, ...] = ()
    #: The day by which a person decides a referred case; None where none does.
    person_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """What the policy would say; binds nobody and is kept nowhere."""

    product_code: str
    outcome: str
    currency: str
    limit_minor: int
    rate_daily_e8: int | None
    tenors_months: tuple[int, ...]
    reasons: tuple[str, ...]
    policy_version: str


async def submit_application(
    house: House,
    *,
    customer_id: int,
    product_code: str,
    requested_minor: int | None,
    purpose: str,
    facts: Facts,
    idempotency_key: str,
    consent_id: int | None = None,
    channel: str | None = None,
    person_decides: bool = False,
) -> ApplicationView | Refused:
    """Apply for a line; the policy decides as soon as it knows what it reads.

    `consent_id` is the consent to ask the bureau under, where a bureau is joined and no report
    lives that the applicant has consented to before. While the bureau's answer is outstanding the
    application gathers; the same request again goes on with it.
    """
    received_at = house.clock.now()
    said: dict[str, object] = {
        "product_code": product_code,
        "requested_minor": requested_minor,
        "purpose": purpose,
        "facts": dict(facts),
    }
    optional = {"consent_id": consent_id, "channel": channel, "person_decides": person_decides}
    said |= {name: value for name, value in optional.items() if value}
    request = idempotency.request_hash("submit_application", said)
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, customer_id, idempotency_key, request)
        if seen is not None:
            return seen if isinstance(seen, Refused) else _application_view(seen)
        age_years = await _age_of_customer(house, connection, customer_id)
        snoozed = await snoozed_of(connection, ORIGINATION, customer_id, at=received_at)
        choices = await choices_for(connection, customer_id, person_decides=person_decides)
    if isinstance(age_years, Refused):
        return age_years
    on = await house.business_date()
    in_force = in_force_for(house, ORIGINATION, customer_id, on=on)
    policy = in_force.policy
    asked = ask(house, policy, product_code, requested_minor, on=on)
    if isinstance(asked, Refused):
        return asked
    asked = with_choices(policy, asked, choices)
    gathered_at = house.clock.now()
    decision = decide_case(
        house,
        in_force,
        asked,
        purpose=purpose,
        facts=facts,
        age_years=age_years,
        snoozed=snoozed,
    )
    if isinstance(decision, Refused):
        return decision
    if gather.needs_bureau(house, policy) and not is_ineligible(policy, decision):
        gathering = Gathering(
            customer_id=customer_id,
            application_id=house.ids.next(),
            consent_id=consent_id,
            asked=asked,
            features={**facts, "age_years": age_years, "purpose": purpose},
            idempotency_key=idempotency_key,
            request_hash=request,
            began_at=received_at,
        )
        answer = await _gather_and_keep(
            house, in_force, gathering, gathering_application(gathering, purpose, channel=channel)
        )
    else:
        application_id = house.ids.next()
        case = application_case(
            house, asked, facts, customer_id=customer_id, application_id=application_id
        )
        async with house.database.transaction() as connection:
            [held] = await guard(house, connection, [case])
        brought = {
            **facts,
            **policy_facts(policy, held),
            "age_years": age_years,
            "purpose": purpose,
        }
        decision = in_force.decide(brought, replace(asked, ceiling=held.ceiling), snoozed=snoozed)
        application = decided_application(
            application_id,
            customer_id,
            decision,
            purpose=purpose,
            steps=Steps(received_at, gathered_at, house.clock.now()),
            channel=channel,
        )
        made = Made(application, decision, policy)
        answer = await _keep(house, made, key=idempotency_key, request=request)
    return answer if isinstance(answer, Refused) else _application_view(answer)


# house: allow dead-code – for hosts that show a limit before anybody applies; no route yet
async def trial_limit(
    house: House,
    *,
    product_code: str,
    purpose: str,
    facts: Facts,
    age_years: int,
    requested_minor: int | None = None,
) -> TrialView | Refused:
    """Return what the policy would say; no inquiry, no record, no footprint."""
    in_force = house.policies.origination
    on = await house.business_date()
    asked = ask(house, in_force.policy, product_code, requested_minor, on=on)
    if isinstance(asked, Refused):
        return asked
    decision = decide_case(
        house, in_force, asked, purpose=purpose, facts=facts, age_years=age_years
    )
    if isinstance(decision, Refused):
        return decision
    return TrialView(
        product_code=product_code,
        outcome=decision.outcome.value,
        currency=asked.currency,
        limit_minor=decision.limit_minor,
        rate_daily_e8=decision.rate_daily_e8,
        tenors_months=decision.tenors_months,
        reasons=decision.reasons,
        policy_version=decision.policy_version,
    )


async def accept_offer(
    house: House,
    *,
    customer_id: int,
    application_id: int,
    repayment_day: int,
    idempotency_key: str,
) -> Answer | Refused:
    """Take an offer: its agreement is signed, the application is accepted, its line is opened.

    What the offer rests on is looked at once more before; where it has changed for the worse the
    application is decided again and nothing is accepted (`recheck_offer.py`). The line bears the number of its application, so that repeating the journey after a crash
    asks for the same line.
    """
    on, now = await house.business_date(), house.clock.now()

    def accept(application: Application) -> Application | Refused:
        if application.status is Status.ACCEPTED:
            return application
        return transitions.accept(application, line_id=application.application_id, on=on, at=now)

    refused = await recheck_offer(house, customer_id=customer_id, application_id=application_id)
    if refused is not None:
        return refused
    agreement = await _agreement(house, customer_id, application_id, accept)
    if isinstance(agreement, Refused):
        return agreement
    moved = await _move(house, customer_id, application_id, accept)
    if isinstance(moved, Refused):
        return moved
    before, application = moved
    answer = await house.counter.submit(
        open_line_command(application, repayment_day, agreement), idempotency_key=idempotency_key
    )
    if before.status is Status.APPROVED and is_without_line(answer):
        await _move(house, customer_id, application_id, transitions.reopen)
    return answer


async def decide_referred(
    house: House,
    *,
    customer_id: int,
    application_id: int,
    by: str,
    outcome: Outcome,
    reason: str,
) -> Application | Refused:
    """End a referral: a named person approves what the policy proposed, or declines."""
    now = house.clock.now()
    valid_until = await house.business_date() + timedelta(
        days=house.policies.origination.policy.offer_valid_days
    )
    async with house.database.transaction() as connection:
        application = await lock_application(connection, customer_id, application_id)
        if isinstance(application, Refused):
            return application
        decided = transitions.decide_referred(
            application, by=by, outcome=outcome, reason=reason, valid_until=valid_until, at=now
        )
        if isinstance(decided, Refused):
            return decided
        await decisions.change_applications(connection, [decided])
        record = await decisions.add_person_decision(connection, decided)
        leaf = decision_leaf(house, decided, record, leaf_id=house.ids.next(), by_person=outcome)
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    return decided


async def withdraw_application(
    house: House, *, customer_id: int, application_id: int
) -> Application | Refused:
    """End an application at the customer's wish; withdrawing twice is the same as once."""
    now = house.clock.now()

    def withdraw(application: Application) -> Application | Refused:
        if application.status is Status.WITHDRAWN:
            return application
        return transitions.withdraw(application, at=now)

    moved = await _move(house, customer_id, application_id, withdraw)
    return moved if isinstance(moved, Refused) else moved[1]


async def _keep(house: House, made: Made, *, key: str, request: bytes) -> Answer | Refused:
    now = house.clock.now()

    async def work(connection: Connection) -> str:
        [application] = await keep_decisions(house, connection, [made], at=now)
        return _application_text(house, application)

    return await _once(house, made.application.customer_id, key, request, at=now, work=work)


async def _gather_and_keep(
    house: House, in_force: InForce, gathering: Gathering, application: Application
) -> Answer | Refused:
    """Ask the bureau and decide; an application that still gathers is answered as such."""
    customer_id = gathering.customer_id
    key, request = gathering.idempotency_key, gathering.request_hash
    try:
        begun = await gather.begin(house, application, gathering)
    except idempotency.TwinError as error:
        refusal = _TWINS.get(error.constraint)
        if refusal is None:
            raise
        return refuse(refusal)
    if isinstance(begun, Refused):
        return begun
    facts = await gather.facts_of(house, in_force.policy, begun)
    if isinstance(facts, Refused):
        if not gather.is_open(facts):
            return facts
        # Not recorded under the key: the same request goes on, and a job does so anyway.
        return Answer(_application_text(house, begun.application), is_replay=False)
    now = house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        application_id = begun.gathering.application_id
        application = await lock_application(connection, customer_id, application_id)
        if isinstance(application, Refused):
            return application
        if application.status is Status.GATHERING:
            snoozed = await snoozed_of(connection, ORIGINATION, customer_id, at=now)
            [held] = await hold_gatherings(house, connection, [(begun.gathering, in_force.policy)])
            made = gather.decide_gathered(
                in_force, application, held, facts, at=now, snoozed=snoozed
            )
            [application] = await gather.keep_gathered(house, connection, [made], at=now)
        return _application_text(house, application)

    return await _once(house, customer_id, key, request, at=now, work=work)


async def _once(
    house: House,
    customer_id: int,
    key: str,
    request: bytes,
    *,
    at: datetime,
    work: idempotency.Work,
) -> Answer | Refused:
    """Keep an application once; a twin that the database caught is refused."""
    return await idempotency.once_or_refused(
        house.database,
        twins=_TWINS,
        scope_id=customer_id,
        key=key,
        request=request,
        kind="submit_application",
        at=at,
        work=work,
    )


async def _age_of_customer(house: House, connection: Connection, customer_id: int) -> int | Refused:
    customer = await customers.read_customer(connection, customer_id)
    if customer is None:
        return refuse(CUSTOMER_NOT_FOUND)
    if customer.status is not CustomerStatus.ACTIVE:
        return refuse(CUSTOMER_NOT_ACTIVE, status=customer.status)
    try:
        id_number = await persons.read_id_number(connection, house.vault, customer_id)
    except RefusedError as error:
        return error.refused
    if id_number is None:
        return refuse(CUSTOMER_NOT_FOUND)
    return age_on(birth_date_of(id_number), await house.business_date())


async def _agreement(
    house: House,
    customer_id: int,
    application_id: int,
    accept: Callable[[Application], Application | Refused],
) -> SignedAgreement | Refused:
    """Return the signed agreement of an offer that can be taken, or why there is none."""
    async with house.database.connection() as connection:
        application = await decisions.read_application(
            connection, customer_id=customer_id, application_id=application_id
        )
        if application is None:
            return refuse(APPLICATION_NOT_FOUND)
        after = accept(application)
        if isinstance(after, Refused):
            return after
        found = await require_signed(connection, [application])
    return found[customer_id, application_id]


async def lock_application(
    connection: Connection, customer_id: int, application_id: int
) -> Application | Refused:
    """Return an application, locked for the rest of the transaction."""
    key = (customer_id, application_id)
    found = await decisions.lock_applications(connection, [key])
    return found.get(key) or refuse(APPLICATION_NOT_FOUND)


async def _move(
    house: House,
    customer_id: int,
    application_id: int,
    transition: Callable[[Application], Application | Refused],
) -> tuple[Application, Application] | Refused:
    """Move an application under its lock; return it before and after."""
    async with house.database.transaction() as connection:
        before = await lock_application(connection, customer_id, application_id)
        if isinstance(before, Refused):
            return before
        after = transition(before)
        if isinstance(after, Refused):
            return after
        if after != before:
            await decisions.change_applications(connection, [after])
    return before, after


def _application_text(house: House, application: Application) -> str:
    is_referred = application.status is Status.REFERRED and application.decided_at is not None
    answer = {
        "application_id": application.application_id,
        "asks": application.asks,
        "currency": application.currency,
        "customer_id": application.customer_id,
        "grade": application.grade,
        "limit_minor": application.limit_minor or 0,
        "person_by": person_by(house, application) if is_referred else None,
        "policy_version": application.policy_version,
        "product_code": application.product_code,
        "product_version": application.product_version,
        "rate_daily_e8": application.rate_daily_e8,
        "reasons": application.reasons,
        "status": application.status.value,
        "tenors_months": application.tenors_months,
        "valid_until": application.valid_until,
    }
    return orjson.dumps(answer).decode()


def _application_view(answer: Answer) -> ApplicationView:
    fields = orjson.loads(answer.text)
    valid_until, by = fields["valid_until"], fields.get("person_by")
    return ApplicationView(
        **fields
        | {
            "tenors_months": tuple(fields["tenors_months"]),
            "reasons": tuple(fields["reasons"]),
            "valid_until": valid_until and date.fromisoformat(valid_until),
            "asks": tuple(fields.get("asks", ())),
            "person_by": by and date.fromisoformat(by),
        },
        is_replay=answer.is_replay,
    )
