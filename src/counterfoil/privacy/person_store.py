"""Persons in the vault: sealed when they register, found by number, shown masked.

Invariant   Every reading says what for, also a masked one, and the vault opens nothing that is not
            kept for that. Who reads in clear is written down first. Masked reading needs no reason
            and gives nothing that can be undone; of whom the purpose is over it gives nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.platform.access_matrix import Reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store, masking, store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.retention import State, load_schedule
from counterfoil.privacy.store import IndexEntry
from counterfoil.privacy.vault import ClearRecord, Purpose, SealedRecord, Vault, may_read

#: The first digits of an identity number name a province (GB/T 2260).
REGION_DIGITS: Final = 2
_NAME: Final = "name"
_ID_NUMBER: Final = "id_number"
#: What pages show of a person → how it is masked, and under which purpose the vault keeps it.
_MASKS: Final[Mapping[str, Callable[[str], str]]] = {
    _NAME: masking.mask_name,
    _ID_NUMBER: masking.mask_id_number,
    "phone": masking.mask_phone,
}
#: All that pages show of a person.
SHOWN_FIELDS: Final = tuple(_MASKS)
_KEPT: Final = {
    _NAME: Purpose.IDENTITY,
    _ID_NUMBER: Purpose.IDENTITY,
    "phone": Purpose.CONTACT,
}


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


async def fill_regions(
    connection: Connection, vault: Vault, reading: Reading, *, after: int, page: int
) -> tuple[list[int], list[int]]:
    """Write the region of customers from before regions were written; a page, in order.

    Returns who was looked at and whose region is known now. Of whom the data is kept for legal
    purposes alone, or whose number names no region, it stays unknown: such a customer is seen by
    those alone who are not limited to regions.
    """
    waiting = await store.without_region(connection, Purpose.IDENTITY, after=after, page=page)
    restricted = await _restricted(connection, waiting)
    allowed = [number for number in waiting if number not in restricted]
    numbers = await read_clear(connection, vault, allowed, Purpose.IDENTITY, reading, [_ID_NUMBER])
    regions = [
        (customer_id, fields[_ID_NUMBER][:REGION_DIGITS]) for customer_id, fields in numbers.items()
    ]
    await store.add_regions(connection, regions)
    still = await store.without_region(connection, Purpose.IDENTITY, after=after, page=page)
    return waiting, [number for number in waiting if number not in still]


async def read_masked(
    connection: Connection,
    vault: Vault,
    customer_ids: Sequence[int],
    reading: Reading,
    fields: Collection[str] = SHOWN_FIELDS,
) -> dict[int, MaskedPerson]:
    """Return persons masked, by customer; who is not in the vault is not in the answer.

    What the register does not keep for the purpose of the reading is not opened, and hidden; where
    not even the name may be read, the reading is refused. Of whom the data is restricted everything
    is hidden: it is kept for legal purposes alone. One statement reads the records of all.
    """
    wanted = [
        name
        for name in SHOWN_FIELDS
        if name == _NAME or (name in fields and may_read(reading, _KEPT[name], [name]))
    ]
    kept = sorted({_KEPT[name] for name in wanted})
    opened: dict[int, dict[str, str]] = {}
    for clear in await vault.open(
        await store.read_records(connection, customer_ids, *kept), reading, wanted
    ):
        opened.setdefault(clear.customer_id, {}).update(clear.fields)
    restricted = await _restricted(connection, list(opened))
    return {
        customer_id: _masked(customer_id, {} if customer_id in restricted else found)
        for customer_id, found in opened.items()
        if _NAME in found
    }


def _masked(customer_id: int, fields: Mapping[str, str]) -> MaskedPerson:
    shown = {
        name: mask(fields[name]) if name in fields else masking.HIDDEN
        for name, mask in _MASKS.items()
    }
    return MaskedPerson(customer_id=customer_id, **shown)


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


async def is_kept(connection: Connection, customer_id: int) -> bool:
    """Return whether the identity of a customer is kept; opens nothing."""
    return bool(await store.read_records(connection, [customer_id], Purpose.IDENTITY))


async def read_id_number(
    connection: Connection, vault: Vault, customer_id: int, reading: Reading
) -> str | None:
    """Return the identity number for a check by the machine; None where none is kept."""
    found = await read_clear(
        connection, vault, [customer_id], Purpose.IDENTITY, reading, [_ID_NUMBER]
    )
    return found.get(customer_id, {}).get(_ID_NUMBER)


async def read_identities(
    connection: Connection, vault: Vault, customer_ids: Sequence[int], reading: Reading
) -> dict[int, dict[str, str]]:
    """Return `name` and `id_number` for a commitment by the machine; never shown to anybody."""
    return await read_clear(connection, vault, customer_ids, Purpose.IDENTITY, reading)


async def read_identities_of_each(
    connection: Connection, vault: Vault, customer_ids: Sequence[int], reading: Reading
) -> dict[int, Mapping[str, str] | None]:
    """Return what `read_identities` does, None for a customer whose record or key is damaged."""
    records = await store.read_records(connection, customer_ids, Purpose.IDENTITY)
    opened = await vault.open_each(records, reading)
    return {
        record.customer_id: None if clear is None else clear.fields
        for record, clear in zip(records, opened, strict=True)
    }


async def read_for_check(
    connection: Connection, vault: Vault, customer_id: int, reading: Reading
) -> dict[str, str] | None:
    """Return name, `id_number` and `phone` for an identity check by the machine, or None."""
    kept = (Purpose.IDENTITY, Purpose.CONTACT)
    records = await store.read_records(connection, [customer_id], *kept)
    found = dict[str, str]()
    for clear in await vault.open(records, reading, list(_KEPT)):
        found |= clear.fields
    return found if len(records) == len(kept) else None


async def find_persons(
    connection: Connection, vault: Vault, kind: IndexKind, value: str
) -> list[int]:
    """Return the customers with a number in its normal form."""
    [digests] = await vault.every_digest(kind, [value])
    return await store.find_customers(connection, kind, digests.values())


async def read_clear(
    connection: Connection,
    vault: Vault,
    customer_ids: Sequence[int],
    purpose: Purpose,
    reading: Reading,
    fields: Collection[str] | None = None,
) -> dict[int, dict[str, str]]:
    """Return fields in clear, all by default; whoever shows them writes down first who looks."""
    records = await store.read_records(connection, customer_ids, purpose)
    opened = await vault.open(records, reading, fields)
    return {item.customer_id: dict(item.fields) for item in opened}


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
