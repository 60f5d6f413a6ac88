"""Registering a person: the particulars are checked and sealed; from then on there is a number.

Repetition  The same key gives the first answer; of twins at the same moment one is registered.
"""

from dataclasses import dataclass
from typing import Final

import orjson

from counterfoil.customers import store as customers
from counterfoil.customers.customer import Customer, CustomerStatus
from counterfoil.customers.identity import Person, check_person
from counterfoil.journeys.deciding.decide import record_of_person
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.identity import open_case_of_twin
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.kernel.language import Language
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.refusals import IDENTITY_NEEDS_CHECK

#: The constraint that guards against a concurrent twin bears the code of its refusal.
_TWINS: Final = {IDENTITY_NEEDS_CHECK.code: IDENTITY_NEEDS_CHECK}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicantView:
    """A registered person, as the house answers."""

    customer_id: int
    is_replay: bool


async def register_applicant(
    house: House,
    *,
    name: str,
    id_number: str,
    phone: str,
    idempotency_key: str,
    language: Language = Language.CHINESE,
) -> ApplicantView | Refused:
    """Register a person; the particulars go into the vault and nowhere else."""
    person = check_person(
        name=name, id_number=id_number, phone=phone, today=await house.business_date()
    )
    if isinstance(person, Refused):
        return person
    request = await _registration_hash(house, person)
    if isinstance(request, Refused):
        return request
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, idempotency.HOUSE, idempotency_key, request)
    if seen is None:
        seen = await _register(house, person, language, idempotency_key, request)
        if isinstance(seen, Refused) and seen.refusal is IDENTITY_NEEDS_CHECK:
            await open_case_of_twin(house, person.id_number)
    return seen if isinstance(seen, Refused) else _applicant_view(seen)


async def _registration_hash(house: House, person: Person) -> bytes | Refused:
    """Return the hash of a registration: of keyed digests, never of the particulars themselves."""
    try:
        [digest] = await house.vault.digests(
            IndexKind.ID_NUMBER, [f"{person.id_number} {person.phone} {person.name}"]
        )
    except RefusedError as error:
        return error.refused
    return idempotency.request_hash("register_applicant", {"person": digest.hex()})


async def _register(
    house: House, person: Person, language: Language, key: str, request: bytes
) -> Answer | Refused:
    now = house.clock.now()
    customer = Customer(
        customer_id=house.ids.next(),
        status=CustomerStatus.ACTIVE,
        language=language,
        created_at=now,
    )
    try:
        sealed = await persons.seal_persons(
            house.vault, [record_of_person(customer.customer_id, person)]
        )
    except RefusedError as error:
        return error.refused

    async def work(connection: Connection) -> str:
        await customers.add_customers(connection, [customer])
        await persons.store_persons(connection, sealed, at=now)
        return orjson.dumps({"customer_id": customer.customer_id}).decode()

    return await idempotency.once_or_refused(
        house.database,
        twins=_TWINS,
        scope_id=idempotency.HOUSE,
        key=key,
        request=request,
        kind="register_applicant",
        at=now,
        work=work,
    )


def _applicant_view(answer: Answer) -> ApplicantView:
    return ApplicantView(
        customer_id=orjson.loads(answer.text)["customer_id"], is_replay=answer.is_replay
    )
