"""Many persons at once: registered, decided and taken on in sets, for imports and simulation.

The same checks, the same policy and the same rows as `apply.py`, in a handful of statements for
thousands of persons instead of a handful for each.

The bureau  Where one is joined, each person brings along decisions on notices. They are kept with
            the person; who is eligible and agreed is asked about, all of a set at once, and decided
            then. Who did not agree is registered, and nobody is asked.
Errors      Are data: each person has an own answer, and a refusal leaves the others untouched.
Repetition  There are no keys here. A person who is registered already is refused as such, so a
            run that was interrupted can simply be started again.
Bounds      A transaction takes `PERSONS_AT_ONCE` persons.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.bureau.refusals import INQUIRY_CONSENT_MISSING
from counterfoil.consents.giving import Wish
from counterfoil.consents.subject import Identity
from counterfoil.customers import store as customers
from counterfoil.customers.customer import Customer, CustomerStatus
from counterfoil.customers.identity import Person, age_on, check_person
from counterfoil.decisioning import gathering_store
from counterfoil.decisioning.application import Application
from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.gathering import Gathering, is_ineligible
from counterfoil.journeys.affording.exposure import (
    Guarded,
    hold_gatherings,
    keep_runs,
    look,
    policy_facts,
)
from counterfoil.journeys.affording.exposure_case import application_case
from counterfoil.journeys.applying import gather
from counterfoil.journeys.applying.house_facts import facts_of_house
from counterfoil.journeys.consenting.consent import prepare_consents, store_consents
from counterfoil.journeys.consenting.consent_records import Prepared as PreparedConsents
from counterfoil.journeys.deciding.decide import (
    Facts,
    Steps,
    ask,
    decide_case,
    decided_application,
    gathering_application,
    keep_decisions,
    record_of_person,
)
from counterfoil.journeys.deciding.experiments import Made, in_force_for
from counterfoil.journeys.deciding.policies import ORIGINATION, InForce
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.privacy import person_store as persons
from counterfoil.privacy import store as vault_store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.person_store import SealedPersons
from counterfoil.privacy.refusals import IDENTITY_NEEDS_CHECK

#: Large enough that statements cost nothing a person, small enough that none runs long.
PERSONS_AT_ONCE: Final = 2_000
#: Persons decided before what is being written gets its turn.
PERSONS_IN_A_BREATH: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewApplicant:
    """A person who registers and applies at once; never shown in a log."""

    name: str
    id_number: str
    phone: str
    purpose: str
    facts: Facts
    requested_minor: int | None = None
    language: Language = Language.CHINESE
    #: What the person decided on notices; the number of the customer is filled in.
    wishes: Sequence[Wish] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One person on the way: place in the list, checked person, decision as far as known."""

    place: int
    customer_id: int
    applicant: NewApplicant
    person: Person
    #: What the house itself knows.
    own: Facts
    #: By which version the person is decided.
    in_force: InForce
    decision: Decision
    #: Whether the bureau has to be asked before the decision holds.
    gathers: bool
    #: What the guard against too much debt found; None where the bureau is asked first.
    guarded: Guarded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A set of persons ready to be written; answers in the order of the persons given."""

    answers: list[Application | Refused]
    customers: Sequence[Customer]
    sealed: SealedPersons
    #: Decided at once, and still to be asked about.
    decided: Sequence[tuple[_Case, Application]]
    gathering: Sequence[tuple[_Case, Application]]
    at: datetime


async def enrol(
    house: House, applicants: Sequence[NewApplicant], *, product_code: str
) -> list[Application | Refused]:
    """Register persons and decide their applications; answers come in the order given.

    While one set is being written the next is checked, decided and sealed.
    """
    sets: list[_Prepared] = []
    seen: set[bytes] = set()
    async with asyncio.TaskGroup() as tasks:
        writing: asyncio.Task[None] | None = None
        for start in range(0, len(applicants), PERSONS_AT_ONCE):
            chunk = applicants[start : start + PERSONS_AT_ONCE]
            prepared = await _prepare(house, chunk, product_code, seen)
            sets.append(prepared)
            if writing is not None:
                await writing
            writing = tasks.create_task(_store(house, prepared))
    return [answer for prepared in sets for answer in prepared.answers]


async def _prepare(
    house: House, applicants: Sequence[NewApplicant], product_code: str, seen: set[bytes]
) -> _Prepared:
    """Check, decide and seal one set of persons; nothing is written."""
    on, now = await house.business_date(), house.clock.now()
    answers: dict[int, Application | Refused] = {}
    cases: list[_Case] = []
    for place, applicant in enumerate(applicants):
        case = _decide_one(house, place, applicant, product_code, on=on)
        if isinstance(case, Refused):
            answers[place] = case
        else:
            cases.append(case)
        if place % PERSONS_IN_A_BREATH == 0:
            await asyncio.sleep(0)
    new = await _held(house, await _without_known(house, cases, answers, seen))
    applications = [_application(house, case, at=now) for case in new]
    pairs = list(zip(new, applications, strict=True))
    sealed = await persons.seal_persons(
        house.vault,
        [record_of_person(application.customer_id, case.person) for case, application in pairs],
    )
    answers |= {case.place: application for case, application in pairs}
    return _Prepared(
        answers=[answers[place] for place in range(len(applicants))],
        customers=[_customer(case, application, at=now) for case, application in pairs],
        sealed=sealed,
        decided=[pair for pair in pairs if not pair[0].gathers],
        gathering=[pair for pair in pairs if pair[0].gathers],
        at=now,
    )


def _decide_one(
    house: House, place: int, applicant: NewApplicant, product_code: str, *, on: date
) -> _Case | Refused:
    person = check_person(
        name=applicant.name, id_number=applicant.id_number, phone=applicant.phone, today=on
    )
    if isinstance(person, Refused):
        return person
    customer_id = house.ids.next()
    in_force = in_force_for(house, ORIGINATION, customer_id, on=on)
    policy = in_force.policy
    asked: Asked | Refused = ask(house, policy, product_code, applicant.requested_minor, on=on)
    if isinstance(asked, Refused):
        return asked
    # Who is only being registered has had no line here.
    own = facts_of_house(house, policy, asked, own_lines_count=0)
    decision = decide_case(
        house,
        in_force,
        asked,
        purpose=applicant.purpose,
        facts=applicant.facts,
        own=own,
        age_years=age_on(person.birth_date, on),
    )
    if isinstance(decision, Refused):
        return decision
    gathers = gather.needs_bureau(house, policy) and not is_ineligible(policy, decision)
    return _Case(
        place=place,
        customer_id=customer_id,
        applicant=applicant,
        person=person,
        own=own,
        in_force=in_force,
        decision=decision,
        gathers=gathers,
    )


async def _without_known(
    house: House,
    cases: list[_Case],
    answers: dict[int, Application | Refused],
    seen: set[bytes],
) -> list[_Case]:
    """Keep who is new; whoever is registered, or comes twice in the list, is refused."""
    every = await house.vault.every_digest(
        IndexKind.ID_NUMBER, [case.person.id_number for case in cases]
    )
    wanted = [digest for digests in every for digest in digests.values()]
    async with house.database.connection() as connection:
        seen |= await vault_store.taken_digests(connection, IndexKind.ID_NUMBER, wanted)
    new = []
    for case, digests in zip(cases, every, strict=True):
        if not seen.isdisjoint(digests.values()):
            answers[case.place] = refuse(IDENTITY_NEEDS_CHECK)
        else:
            seen.update(digests.values())
            new.append(case)
    return new


async def _held(house: House, cases: Sequence[_Case]) -> list[_Case]:
    """Return the cases, those that are decided at once as ceilings on debt hold them."""
    at_once = [case for case in cases if not case.gathers]
    async with house.database.connection() as connection:
        found = await look(
            house,
            connection,
            [
                application_case(
                    house,
                    case.decision.asked,
                    case.applicant.facts,
                    customer_id=case.customer_id,
                    application_id=None,
                )
                for case in at_once
            ],
        )
    held = {
        case.place: _decided_again(case, guarded)
        for case, guarded in zip(at_once, found, strict=True)
    }
    return [held.get(case.place, case) for case in cases]


def _decided_again(case: _Case, guarded: Guarded) -> _Case:
    asked = case.decision.asked
    facts = {
        **case.applicant.facts,
        **case.own,
        **policy_facts(case.in_force.policy, guarded),
        "age_years": age_on(case.person.birth_date, asked.as_of),
        "purpose": case.applicant.purpose,
    }
    decision = case.in_force.decide(facts, replace(asked, ceiling=guarded.ceiling))
    return replace(case, decision=decision, guarded=guarded)


def _application(house: House, case: _Case, *, at: datetime) -> Application:
    if case.gathers:
        gathering = _gathering(case, house.ids.next(), consent_id=None, at=at)
        return gathering_application(gathering, case.applicant.purpose)
    return decided_application(
        house.ids.next(),
        case.customer_id,
        case.decision,
        purpose=case.applicant.purpose,
        # A set of persons comes in, is brought together and decided as one.
        steps=Steps(at, at, at),
    )


def _customer(case: _Case, application: Application, *, at: datetime) -> Customer:
    return Customer(
        customer_id=application.customer_id,
        status=CustomerStatus.ACTIVE,
        language=case.applicant.language,
        created_at=at,
    )


def _gathering(
    case: _Case, application_id: int, *, consent_id: int | None, at: datetime
) -> Gathering:
    decision = case.decision
    return Gathering(
        customer_id=case.customer_id,
        application_id=application_id,
        consent_id=consent_id,
        asked=decision.asked,
        features={
            **case.applicant.facts,
            **case.own,
            "age_years": age_on(case.person.birth_date, decision.asked.as_of),
            "purpose": case.applicant.purpose,
        },
        # Nobody sends a set again under a key; a person who is there already is refused.
        idempotency_key="",
        request_hash=b"",
        began_at=at,
    )


async def _store(house: House, prepared: _Prepared) -> None:
    """Write a set of persons, then ask about those who have to be asked about, and decide."""
    if not prepared.customers:
        return
    everybody = [*prepared.decided, *prepared.gathering]
    wishes = [
        replace(wish, customer_id=application.customer_id)
        for case, application in everybody
        for wish in case.applicant.wishes
    ]
    identities = {
        application.customer_id: Identity(name=case.person.name, id_number=case.person.id_number)
        for case, application in everybody
    }
    consents = await prepare_consents(house, wishes, identities=identities) if wishes else None
    asked = _asked(house, prepared, consents)
    async with house.database.transaction() as connection:
        await customers.add_customers(connection, prepared.customers)
        await persons.store_persons(connection, prepared.sealed, at=prepared.at)
        made = [
            Made(application, case.decision, case.in_force.policy)
            for case, application in prepared.decided
        ]
        kept = await keep_decisions(house, connection, made, at=prepared.at)
        await keep_runs(
            house, connection, [case.guarded for case, _ in prepared.decided if case.guarded]
        )
        if consents is not None:
            await store_consents(connection, consents)
        await gathering_store.add_gathering(
            connection, [item.application for item in asked], [item.gathering for item in asked]
        )
    for (case, _), application in zip(prepared.decided, kept, strict=True):
        prepared.answers[case.place] = application
    if asked:
        await _gather(house, prepared, asked, identities)


class _AskedAbout(NamedTuple):
    place: int
    in_force: InForce
    application: Application
    gathering: Gathering


def _asked(
    house: House, prepared: _Prepared, consents: PreparedConsents | None
) -> list[_AskedAbout]:
    """Return who can be asked about: who agreed to it; the others are answered as refused."""
    purpose = house.occasions.by_code[gather.OCCASION].consent_purpose
    agreed = {
        consent.customer_id: consent.consent_id
        for consent in (() if consents is None else consents.consents)
        if consent.purpose == purpose
    }
    found = []
    for case, application in prepared.gathering:
        consent_id = agreed.get(application.customer_id)
        if consent_id is None:
            prepared.answers[case.place] = refuse(INQUIRY_CONSENT_MISSING)
            continue
        gathering = _gathering(
            case, application.application_id, consent_id=consent_id, at=prepared.at
        )
        found.append(_AskedAbout(case.place, case.in_force, application, gathering))
    return found


async def _gather(
    house: House,
    prepared: _Prepared,
    asked: Sequence[_AskedAbout],
    identities: Mapping[int, Identity],
) -> None:
    """Ask the bureau about many and decide; who cannot be answered yet goes on gathering."""
    found = await gather.find_facts_for(
        house,
        [item.gathering for item in asked],
        [item.in_force.policy for item in asked],
        identities=identities,
    )
    now = house.clock.now()
    known: list[tuple[_AskedAbout, gather.Facts]] = []
    for item, facts in zip(asked, found, strict=True):
        if isinstance(facts, Refused):
            if not gather.is_open(facts):
                await gather.take_back(house, item.gathering)
                prepared.answers[item.place] = facts
            continue
        known.append((item, facts))
    async with house.database.transaction() as connection:
        held = await hold_gatherings(
            house, connection, [(item.gathering, item.in_force.policy) for item, _ in known]
        )
        made = [
            gather.decide_gathered(item.in_force, item.application, gathering, facts, at=now)
            for (item, facts), gathering in zip(known, held, strict=True)
        ]
        kept = await gather.keep_gathered(house, connection, made, at=now)
    for (item, _), application in zip(known, kept, strict=True):
        prepared.answers[item.place] = application
