"""Many persons at once: registered, decided and taken on in sets, for imports and simulation.

The same checks, the same policy and the same rows as `apply.py`, in a handful of statements for
thousands of persons instead of a handful for each.

Errors      Are data: each person has an own answer, and a refusal leaves the others untouched.
Repetition  There are no keys here. A person who is registered already is refused as such, so a
            run that was interrupted can simply be started again.
Bounds      A transaction takes `PERSONS_AT_ONCE` persons.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.customers import store as customers
from counterfoil.customers.customer import Customer, CustomerStatus, Language
from counterfoil.customers.identity import Person, age_on, check_person
from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.journeys.contract import SignedAgreement, require_signed
from counterfoil.journeys.decide import (
    Facts,
    Steps,
    ask,
    decide_case,
    decided_application,
    is_without_line,
    keep_decisions,
    open_line_command,
    record_of_person,
)
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.batches import Answer
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A customer's wish to take an offer."""

    customer_id: int
    application_id: int
    repayment_day: int
    idempotency_key: str


#: An accepted application with the agreement behind its line.
_Accepted = tuple[Application, SignedAgreement]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One person on the way: place in the list, checked person, decision."""

    place: int
    applicant: NewApplicant
    person: Person
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A set of persons ready to be written; answers in the order of the persons given."""

    answers: Sequence[Application | Refused]
    customers: Sequence[Customer]
    sealed: SealedPersons
    applications: Sequence[Application]
    decisions: Sequence[Decision]
    at: datetime


async def enrol(
    house: House, applicants: Sequence[NewApplicant], *, product_code: str
) -> list[Application | Refused]:
    """Register persons and decide their applications; answers come in the order given.

    While one set is being written the next is checked, decided and sealed.
    """
    answers: list[Application | Refused] = []
    seen: set[bytes] = set()
    async with asyncio.TaskGroup() as tasks:
        writing: asyncio.Task[None] | None = None
        for start in range(0, len(applicants), PERSONS_AT_ONCE):
            chunk = applicants[start : start + PERSONS_AT_ONCE]
            prepared = await _prepare(house, chunk, product_code, seen)
            answers.extend(prepared.answers)
            if writing is not None:
                await writing
            writing = tasks.create_task(_store(house, prepared))
    return answers


async def accept_offers(house: House, wishes: Sequence[Acceptance]) -> list[Answer | Refused]:
    """Take many offers: applications are accepted in sets, then their lines are opened."""
    answers: list[Answer | Refused] = []
    for start in range(0, len(wishes), PERSONS_AT_ONCE):
        answers.extend(await _accept_chunk(house, wishes[start : start + PERSONS_AT_ONCE]))
    return answers


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
    new = await _without_known(house, cases, answers, seen)
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
        applications=applications,
        decisions=[case.decision for case in new],
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
    asked: Asked | Refused = ask(house, product_code, applicant.requested_minor, on=on)
    if isinstance(asked, Refused):
        return asked
    decision = decide_case(
        house,
        asked,
        purpose=applicant.purpose,
        facts=applicant.facts,
        age_years=age_on(person.birth_date, on),
    )
    if isinstance(decision, Refused):
        return decision
    return _Case(place=place, applicant=applicant, person=person, decision=decision)


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


def _application(house: House, case: _Case, *, at: datetime) -> Application:
    return decided_application(
        house,
        house.ids.next(),
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


async def _store(house: House, prepared: _Prepared) -> None:
    if not prepared.applications:
        return
    async with house.database.transaction() as connection:
        await decisions.keep_policy(connection, house.policy, at=prepared.at)
        await customers.add_customers(connection, prepared.customers)
        await persons.store_persons(connection, prepared.sealed, at=prepared.at)
        await keep_decisions(house, connection, prepared.applications, prepared.decisions)


async def _accept_chunk(house: House, wishes: Sequence[Acceptance]) -> list[Answer | Refused]:
    moved = await _accept_applications(house, wishes)
    answers = await asyncio.gather(
        *(_open_line(house, wish, moved[place]) for place, wish in enumerate(wishes))
    )
    await _reopen(
        house,
        [
            item[0]
            for item, answer in zip(moved, answers, strict=True)
            if not isinstance(item, Refused) and is_without_line(answer)
        ],
    )
    return list(answers)


async def _accept_applications(
    house: House, wishes: Sequence[Acceptance]
) -> list[_Accepted | Refused]:
    """Accept what has a signed agreement."""
    on, now = await house.business_date(), house.clock.now()
    keys = [(wish.customer_id, wish.application_id) for wish in wishes]
    async with house.database.transaction() as connection:
        found = await decisions.lock_applications(connection, keys)
        agreements = await require_signed(connection, list(found.values()))
        moved: list[_Accepted | Refused] = []
        for key in keys:
            application = found.pop(key, None)
            if application is None:
                moved.append(refuse(APPLICATION_NOT_FOUND))
                continue
            after = transitions.accept(application, line_id=key[1], on=on, at=now)
            agreement = agreements[key]
            if isinstance(after, Refused):
                moved.append(after)
            elif isinstance(agreement, Refused):
                moved.append(agreement)
            else:
                moved.append((after, agreement))
        accepted = [item[0] for item in moved if not isinstance(item, Refused)]
        await decisions.change_applications(connection, accepted)
    return moved


async def _open_line(
    house: House, wish: Acceptance, accepted: _Accepted | Refused
) -> Answer | Refused:
    if isinstance(accepted, Refused):
        return accepted
    application, agreement = accepted
    return await house.counter.submit(
        open_line_command(application, wish.repayment_day, agreement),
        idempotency_key=wish.idempotency_key,
    )


async def _reopen(house: House, applications: Sequence[Application]) -> None:
    """Take acceptances back of which no line came."""
    if not applications:
        return
    keys = [(item.customer_id, item.application_id) for item in applications]
    async with house.database.transaction() as connection:
        found = await decisions.lock_applications(connection, keys)
        still = [item for item in found.values() if item.status is Status.ACCEPTED]
        await decisions.change_applications(connection, list(map(transitions.reopen, still)))
