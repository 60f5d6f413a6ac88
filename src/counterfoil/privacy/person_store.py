"""Persons in the vault: sealed when they register, found by number, shown masked.

Invariant   Who reads in clear is written down first. Masked reading needs no reason and gives
            nothing that can be undone; of whom the purpose is over it gives nothing at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store, masking, store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.retention import State, load_schedule
from counterfoil.privacy.store import IndexEntry
from counterfoil.privacy.vault import ClearRecord, Purpose, SealedRecord, Vault

#: The first digits of an identity number name a province (GB/T 2260).
REGION_DIGITS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PersonRecord:
    """A person's particulars in their normal form; never shown in a log."""

    customer_id: int
    name: str
    id_number: str
    #: E.164.
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPersons:
    """Persons ready to be stored: records, and digests in the order of the persons."""

    records: tuple[SealedRecord, ...]
    id_numbers: tuple[IndexEntry, ...]
    phones: tuple[IndexEntry, ...]
    #: Customer and first digits of the identity number.
    regions: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedPerson:
    """A person as staff and pages see one."""

    customer_id: int
    name: str
    id_number: str
    phone: str


async def seal_persons(vault: Vault, persons: Sequence[PersonRecord]) -> SealedPersons:
    """Encrypt persons and compute what they are found by; touches no database."""
    clear = [_identity(person) for person in persons] + [_contact(person) for person in persons]
    return SealedPersons(
        records=tuple(await vault.seal(clear)),
        id_numbers=await _entries(vault, IndexKind.ID_NUMBER, persons),
        phones=await _entries(vault, IndexKind.PHONE, persons),
        regions=tuple((p.customer_id, p.id_number[:REGION_DIGITS]) for p in persons),
    )


async def store_persons(connection: Connection, sealed: SealedPersons, *, at: datetime) -> None:
    """Write sealed persons; a second owner of an identity number breaks the transaction."""
    await store.add_index_entries(connection, [*sealed.id_numbers, *sealed.phones])
    await store.add_records(connection, sealed.records, at=at)
    await store.add_regions(connection, sealed.regions)


async def read_masked(
    connection: Connection, vault: Vault, customer_ids: Sequence[int]
) -> dict[int, MaskedPerson]:
    """Return persons masked, by customer; who is not in the vault is not in the answer.

    Of whom the data is restricted everything is hidden: it is kept for legal purposes alone.
    """
    identities = await _open(connection, vault, customer_ids, Purpose.IDENTITY)
    contacts = await _open(connection, vault, customer_ids, Purpose.CONTACT)
    restricted = await _restricted(connection, list(identities))
    return {
        customer_id: MaskedPerson(
            customer_id=customer_id,
            name=masking.mask_name(fields["name"]),
            id_number=masking.mask_id_number(fields["id_number"]),
            phone=masking.mask_phone(contacts.get(customer_id, {}).get("phone", "")),
        )
        if customer_id not in restricted
        else MaskedPerson(
            customer_id=customer_id,
            name=masking.HIDDEN,
            id_number=masking.HIDDEN,
            phone=masking.HIDDEN,
        )
        for customer_id, fields in identities.items()
    }


async def _restricted(connection: Connection, customer_ids: Sequence[int]) -> frozenset[int]:
    """Return those of some customers whose identity data is kept for legal purposes alone."""
    found = load_schedule().class_of(Purpose.IDENTITY)
    assert found is not None, "every purpose of the vault belongs to a class"
    standings = await erasure_store.read_standings(connection, customer_ids)
    return frozenset(
        item.customer_id
        for item in standings
        if item.data_class == found.code and item.state is State.RESTRICTED
    )


async def read_id_number(connection: Connection, vault: Vault, customer_id: int) -> str | None:
    """Return the identity number for a check by the machine; None where none is kept."""
    fields = (await _open(connection, vault, [customer_id], Purpose.IDENTITY)).get(customer_id)
    return None if fields is None else fields["id_number"]


async def read_identities(
    connection: Connection, vault: Vault, customer_ids: Sequence[int]
) -> dict[int, dict[str, str]]:
    """Return `name` and `id_number` for a commitment by the machine; never shown to anybody."""
    return await _open(connection, vault, customer_ids, Purpose.IDENTITY)


async def read_for_check(
    connection: Connection, vault: Vault, customer_id: int
) -> dict[str, str] | None:
    """Return name, `id_number` and `phone` for an identity check by the machine, or None."""
    found = dict[str, str]()
    for purpose in (Purpose.IDENTITY, Purpose.CONTACT):
        fields = (await _open(connection, vault, [customer_id], purpose)).get(customer_id)
        if fields is None:
            return None
        found |= fields
    return found


async def find_persons(
    connection: Connection, vault: Vault, kind: IndexKind, value: str
) -> list[int]:
    """Return the customers with a number in its normal form."""
    [digests] = await vault.every_digest(kind, [value])
    return await store.find_customers(connection, kind, digests.values())


async def read_clear(
    connection: Connection, vault: Vault, customer_ids: Sequence[int], purpose: Purpose
) -> dict[int, dict[str, str]]:
    """Return fields in clear, for `journeys/reveal` alone: it writes down who looks, and why."""
    return await _open(connection, vault, customer_ids, purpose)


def _identity(person: PersonRecord) -> ClearRecord:
    fields = {"name": person.name, "id_number": person.id_number}
    return ClearRecord(customer_id=person.customer_id, purpose=Purpose.IDENTITY, fields=fields)


def _contact(person: PersonRecord) -> ClearRecord:
    return ClearRecord(
        customer_id=person.customer_id, purpose=Purpose.CONTACT, fields={"phone": person.phone}
    )


async def _entries(
    vault: Vault, kind: IndexKind, persons: Sequence[PersonRecord]
) -> tuple[IndexEntry, ...]:
    by_phone = kind is IndexKind.PHONE
    values = [person.phone if by_phone else person.id_number for person in persons]
    every = await vault.every_digest(kind, values)
    return tuple(
        IndexEntry(kind=kind, digests=digests, customer_id=person.customer_id)
        for digests, person in zip(every, persons, strict=True)
    )


async def _open(
    connection: Connection, vault: Vault, customer_ids: Sequence[int], purpose: Purpose
) -> dict[int, dict[str, str]]:
    records = await store.read_records(connection, customer_ids, purpose)
    return {item.customer_id: dict(item.fields) for item in await vault.open(records)}
