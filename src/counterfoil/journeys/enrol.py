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
from counterfoil.journeys.decide import (
    Facts,
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
from counterfoil.privacy import persons
from counterfoil.privacy import store as vault_store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.refusals import IDENTITY_NEEDS_CHECK

#: Large enough that statements cost nothing a person, small enough that none runs long.
PERSONS_AT_ONCE: Final = 2_000


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One person on the way: place in the list, checked person, decision."""

    place: int
    applicant: NewApplicant
    person: Person
    decision: Decision


async def enrol(
    house: House, applicants: Sequence[NewApplicant], *, product_code: str
) -> list[Application | Refused]:
    """Register persons and decide their applications; answers come in the order given."""
    answers: list[Application | Refused] = []
    for start in range(0, len(applicants), PERSONS_AT_ONCE):
        chunk = applicants[start : start + PERSONS_AT_ONCE]
        answers.extend(await _enrol_chunk(house, chunk, product_code))
    return answers


async def accept_offers(house: House, wishes: Sequence[Acceptance]) -> list[Answer | Refused]:
    """Take many offers: applications are accepted in sets, then their lines are opened."""
    answers: list[Answer | Refused] = []
    for start in range(0, len(wishes), PERSONS_AT_ONCE):
        answers.extend(await _accept_chunk(house, wishes[start : start + PERSONS_AT_ONCE]))
    return answers


async def _enrol_chunk(
    house: House, applicants: Sequence[NewApplicant], product_code: str
) -> list[Application | Refused]:
    on, now = await house.business_date(), house.clock.now()
    answers: dict[int, Application | Refused] = {}
    cases: list[_Case] = []
    for place, applicant in enumerate(applicants):
        case = _decide_one(house, place, applicant, product_code, on=on)
        if isinstance(case, Refused):
            answers[place] = case
        else:
            cases.append(case)
    new = await _without_known(house, cases, answers)
    applications = [_application(house, case, at=now) for case in new]
    await _store(house, new, applications, at=now)
    answers |= {
        case.place: application for case, application in zip(new, applications, strict=True)
    }
    return [answers[place] for place in range(len(applicants))]


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
    house: House, cases: list[_Case], answers: dict[int, Application | Refused]
) -> list[_Case]:
    """Keep who is new; whoever is registered, or comes twice in the list, is refused."""
    digests = await house.vault.digests(
        IndexKind.ID_NUMBER, [case.person.id_number for case in cases]
    )
    async with house.database.connection() as connection:
        taken = set(await vault_store.taken_digests(connection, IndexKind.ID_NUMBER, digests))
    new = []
    for case, digest in zip(cases, digests, strict=True):
        if digest in taken:
            answers[case.place] = refuse(IDENTITY_NEEDS_CHECK)
        else:
            taken.add(digest)
            new.append(case)
    return new


def _application(house: House, case: _Case, *, at: datetime) -> Application:
    return decided_application(
        house, house.ids.next(), case.decision, purpose=case.applicant.purpose, at=at
    )


async def _store(
    house: House, cases: Sequence[_Case], applications: Sequence[Application], *, at: datetime
) -> None:
    if not cases:
        return
    pairs = list(zip(cases, applications, strict=True))
    sealed = await persons.seal_persons(
        house.vault,
        [record_of_person(application.customer_id, case.person) for case, application in pairs],
    )
    new_customers = [
        Customer(
            customer_id=application.customer_id,
            status=CustomerStatus.ACTIVE,
            language=case.applicant.language,
            created_at=at,
        )
        for case, application in pairs
    ]
    async with house.database.transaction() as connection:
        await decisions.keep_policy(connection, house.policy, at=at)
        await customers.add_customers(connection, new_customers)
        await persons.store_persons(connection, sealed, at=at)
        await keep_decisions(connection, applications, [case.decision for case in cases], at=at)


async def _accept_chunk(house: House, wishes: Sequence[Acceptance]) -> list[Answer | Refused]:
    moved = await _accept_applications(house, wishes)
    answers = await asyncio.gather(
        *(_open_line(house, wish, moved[place]) for place, wish in enumerate(wishes))
    )
    await _reopen(
        house,
        [
            application
            for application, answer in zip(moved, answers, strict=True)
            if isinstance(application, Application) and is_without_line(answer)
        ],
    )
    return list(answers)


async def _accept_applications(
    house: House, wishes: Sequence[Acceptance]
) -> list[Application | Refused]:
    on, now = await house.business_date(), house.clock.now()
    keys = [(wish.customer_id, wish.application_id) for wish in wishes]
    async with house.database.transaction() as connection:
        found = await decisions.lock_applications(connection, keys)
        moved: list[Application | Refused] = []
        for key in keys:
            application = found.pop(key, None)
            moved.append(
                refuse(APPLICATION_NOT_FOUND)
                if application is None
                else transitions.accept(application, line_id=key[1], on=on, at=now)
            )
        accepted = [item for item in moved if isinstance(item, Application)]
        await decisions.change_applications(connection, accepted)
    return moved


async def _open_line(
    house: House, wish: Acceptance, application: Application | Refused
) -> Answer | Refused:
    if isinstance(application, Refused):
        return application
    return await house.counter.submit(
        open_line_command(application, wish.repayment_day),
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
