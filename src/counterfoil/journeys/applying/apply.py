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
from counterfoil.customers.link_store import read_people
from counterfoil.customers.refusals import (
    CUSTOMER_NOT_ACTIVE,
    CUSTOMER_NOT_FOUND,
    RECORD_MERGED,
)
from counterfoil.customers.verification_policy import Act
from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.draft_store import remove_draft
from counterfoil.decisioning.gathering import is_ineligible
from counterfoil.decisioning.refusals import (
    APPLICATION_ALREADY_OPEN,
    APPLICATION_NOT_FOUND,
)
from counterfoil.decisioning.snooze_store import snoozed_of
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.affording.exposure import hold_gatherings, keep_runs, look, policy_facts
from counterfoil.journeys.affording.exposure_case import application_case
from counterfoil.journeys.applying import gather
from counterfoil.journeys.applying.application_wish import ApplicationWish, Question
from counterfoil.journeys.applying.house_facts import house_facts
from counterfoil.journeys.applying.recheck_offer import recheck_offer
from counterfoil.journeys.contracting.contract import SignedAgreement, require_signed
from counterfoil.journeys.deciding.choose import choices_for, with_choices
from counterfoil.journeys.deciding.decide import (
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
from counterfoil.journeys.deciding.experiments import Made, in_force_for
from counterfoil.journeys.deciding.policies import ORIGINATION
from counterfoil.journeys.deciding.review import person_by
from counterfoil.journeys.hosting.invite import refuse_uninvited
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.identity import refuse_act
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.masking import mask_free_text

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
    wish = ApplicationWish(
        customer_id=customer_id,
        product_code=product_code,
        requested_minor=requested_minor,
        purpose=purpose,
        facts=facts,
        idempotency_key=idempotency_key,
        consent_id=consent_id,
        channel=channel,
        person_decides=person_decides,
    )
    asked = await _question(house, wish)
    if not isinstance(asked, Question):
        return asked
    decision = decide_case(
        house,
        asked.in_force,
        asked.asked,
        purpose=purpose,
        facts=facts,
        own=asked.own,
        age_years=asked.age_years,
        snoozed=asked.snoozed,
    )
    if isinstance(decision, Refused):
        return decision
    policy = asked.in_force.policy
    if gather.needs_bureau(house, policy) and not is_ineligible(policy, decision):
        answer = await _gather_and_keep(house, asked)
    else:
        answer = await _decide_and_keep(house, asked)
    return answer if isinstance(answer, Refused) else _application_view(answer)


async def _question(house: House, wish: ApplicationWish) -> Question | ApplicationView | Refused:
    """Return the question to the policy; what was answered before under the key, or why none."""
    received_at, customer_id = house.clock.now(), wish.customer_id
    on = await house.business_date()
    async with house.database.connection() as connection:
        seen = await idempotency.remember(
            connection, customer_id, wish.idempotency_key, wish.request_hash
        )
        if seen is not None:
            return seen if isinstance(seen, Refused) else _application_view(seen)
        surviving = (await read_people(connection, [customer_id])).surviving(customer_id)
        if surviving != customer_id:
            return refuse(RECORD_MERGED, surviving=ids.to_text(ids.CUSTOMER, surviving))
        age_years = await _age_of_customer(house, connection, customer_id, on=on)
        snoozed = await snoozed_of(connection, ORIGINATION, customer_id, at=received_at)
        choices = await choices_for(connection, customer_id, person_decides=wish.person_decides)
    if isinstance(age_years, Refused):
        return age_years
    if refused := await refuse_uninvited(house, customer_id, wish.product_code, on=on):
        return refused
    in_force = in_force_for(house, ORIGINATION, customer_id, on=on)
    asked = ask(house, in_force.policy, wish.product_code, wish.requested_minor, on=on)
    if isinstance(asked, Refused):
        return asked
    return Question(
        wish=wish,
        own=await house_facts(house, in_force.policy, asked, customer_id),
        in_force=in_force,
        asked=with_choices(in_force.policy, asked, choices),
        age_years=age_years,
        snoozed=snoozed,
        received_at=received_at,
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
    application is decided again and nothing is accepted (`recheck_offer.py`). The line bears the
    number of its application, so that repeating the journey after a crash asks for the same line.
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
            application,
            by=by,
            outcome=outcome,
            reason=mask_free_text(reason),
            valid_until=valid_until,
            at=now,
        )
        if isinstance(decided, Refused):
            return decided
        await decisions.change_applications(connection, [decided])
        record = await decisions.add_person_decision(connection, decided)
        model = (await decisions.models_of(connection, [record.policy_hash]))[record.policy_hash]
        leaf = decision_leaf(
            house, decided, record, model=model, leaf_id=house.ids.next(), by_person=outcome
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await gather.tell_decided(house, connection, [(customer_id, application_id)])
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


async def _decide_and_keep(house: House, asked: Question) -> Answer | Refused:
    """Decide what needs nobody to be asked, as ceilings on debt hold it, and keep it."""
    wish, gathered_at, application_id = asked.wish, house.clock.now(), house.ids.next()
    case = application_case(
        house,
        asked.asked,
        wish.facts,
        customer_id=wish.customer_id,
        application_id=application_id,
    )
    policy = asked.in_force.policy
    async with house.database.connection() as connection:
        [held] = await look(house, connection, [case])
    decision = asked.in_force.decide(
        {**asked.features, **policy_facts(policy, held)},
        replace(asked.asked, ceiling=held.ceiling),
        snoozed=asked.snoozed,
    )
    now = house.clock.now()
    application = decided_application(
        application_id,
        wish.customer_id,
        decision,
        purpose=wish.purpose,
        steps=Steps(asked.received_at, gathered_at, now),
        channel=wish.channel,
    )

    async def work(connection: Connection) -> str:
        made = [Made(application, decision, policy)]
        await keep_runs(house, connection, [held])
        [kept] = await keep_decisions(house, connection, made, at=now)
        return _application_text(house, kept)

    return await _once(house, wish, at=now, work=work, is_new=True)


async def _forget_draft(connection: Connection, application: Application) -> None:
    """Forget the form that an application was filled in on."""
    await remove_draft(
        connection,
        customer_id=application.customer_id,
        product_code=application.product_code,
    )


async def _gather_and_keep(house: House, asked: Question) -> Answer | Refused:
    """Ask the bureau and decide; an application that still gathers is answered as such."""
    wish, in_force = asked.wish, asked.in_force
    gathering = asked.gathering(house.ids.next())
    new = gathering_application(gathering, wish.purpose, channel=wish.channel)
    try:
        begun = await gather.begin(house, new, gathering)
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
        application = await lock_application(connection, wish.customer_id, application_id)
        if isinstance(application, Refused):
            return application
        if application.status is Status.GATHERING:
            snoozed = await snoozed_of(connection, ORIGINATION, wish.customer_id, at=now)
            [held] = await hold_gatherings(house, connection, [(begun.gathering, in_force.policy)])
            made = gather.decide_gathered(
                in_force, application, held, facts, at=now, snoozed=snoozed
            )
            [application] = await gather.keep_gathered(house, connection, [made], at=now)
            await _forget_draft(connection, application)
        return _application_text(house, application)

    return await _once(house, wish, at=now, work=work)


async def _once(
    house: House,
    wish: ApplicationWish,
    *,
    at: datetime,
    work: idempotency.Work,
    is_new: bool = False,
) -> Answer | Refused:
    """Keep an application once; a twin that the database caught is refused."""
    return await idempotency.once_or_refused(
        house.database,
        twins=_TWINS,
        scope_id=wish.customer_id,
        key=wish.idempotency_key,
        request=wish.request_hash,
        kind="submit_application",
        at=at,
        work=work,
        is_new=is_new,
    )


async def _age_of_customer(
    house: House, connection: Connection, customer_id: int, *, on: date
) -> int | Refused:
    customer = await customers.read_customer(connection, customer_id)
    if customer is None:
        return refuse(CUSTOMER_NOT_FOUND)
    if customer.status is not CustomerStatus.ACTIVE:
        return refuse(CUSTOMER_NOT_ACTIVE, status=customer.status)
    try:
        wanted = reading("application")
        id_number = await persons.read_id_number(connection, house.vault, customer_id, wanted)
    except RefusedError as error:
        return error.refused
    if id_number is None:
        return refuse(CUSTOMER_NOT_FOUND)
    return age_on(birth_date_of(id_number), on)


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
        if application.status is Status.APPROVED:
            waiting = await refuse_act(house, connection, Act.OPENING, customer_id)
            if waiting is not None:
                return waiting
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
