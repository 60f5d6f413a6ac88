"""Persons in the vault: sealed when they register, found by number, shown masked.

Several     Of several customers each is answered by itself: opened, erased, damaged, or not to be
            opened while the key service is away.
Invariant   Every reading says what for, also a masked one, and the vault opens nothing that is not
            kept for that. Who reads in clear is written down first. Masked reading needs no reason
            and gives nothing that can be undone; of whom the purpose is over it gives nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store, masking, store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.refusals import (
    CIPHERTEXT_REJECTED,
    KEY_SERVICE_UNAVAILABLE,
    PERSONAL_DATA_NOT_FOUND,
)
from counterfoil.privacy.retention import State, load_schedule
from counterfoil.privacy.store import IndexEntry
from counterfoil.privacy.vault import ClearRecord, Purpose, SealedRecord, Vault, may_read

T = TypeVar("T")
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
    purposes alone or is damaged, or whose number names no region, it stays unknown: such a customer
    is seen by those alone who are not limited to regions.
    """
    waiting = await store.without_region(connection, Purpose.IDENTITY, after=after, page=page)
    restricted = await _restricted(connection, waiting)
    allowed = [number for number in waiting if number not in restricted]
    numbers = kept_of(
        await read_each(connection, vault, allowed, [Purpose.IDENTITY], reading, [_ID_NUMBER])
    )
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
) -> dict[int, MaskedPerson | Refused]:
    """Return persons masked, or why one is not shown, for each customer as `read_each` does.

    What the register does not keep for the purpose of the reading is not opened, and hidden; where
    not even the name may be read, the reading is refused. Of whom the data is restricted everything
    is hidden: it is kept for legal purposes alone. One statement reads the records of all.
    """
    wanted = [
        name
        for name in SHOWN_FIELDS
        if name == _NAME or (name in fields and may_read(reading, _KEPT[name], [name]))
    ]
    opened = await read_each(
        connection, vault, customer_ids, {_KEPT[name] for name in wanted}, reading, wanted
    )
    restricted = await _restricted(connection, list(opened))
    persons: dict[int, MaskedPerson | Refused] = {}
    for customer_id, found in opened.items():
        if isinstance(found, Refused):
            persons[customer_id] = found
        elif _NAME not in found:
            persons[customer_id] = refuse(PERSONAL_DATA_NOT_FOUND)
        else:
            persons[customer_id] = _masked(customer_id, {} if customer_id in restricted else found)
    return persons


async def read_each(
    connection: Connection,
    vault: Vault,
    customer_ids: Iterable[int],
    purposes: Collection[Purpose],
    reading: Reading,
    fields: Collection[str] | None = None,
) -> dict[int, Mapping[str, str] | Refused]:
    """Return the fields of each customer in clear, or why there are none; all fields by default.

    A customer whose records were erased, or never kept, is `personal_data_not_found`; one whose
    key or record is damaged `ciphertext_rejected`; everybody who is kept is
    `key_service_unavailable` while the key service is away. Nobody's trouble is another's. One
    statement reads the records of all; refuses as a whole what is read outside of its purpose.
    """
    found: dict[int, Mapping[str, str] | Refused] = {
        customer_id: refuse(PERSONAL_DATA_NOT_FOUND) for customer_id in customer_ids
    }
    records = await store.read_records(connection, list(found), *sorted(purposes))
    try:
        opened = await vault.open_each(records, reading, fields)
    except RefusedError as error:
        if error.refused.code != KEY_SERVICE_UNAVAILABLE.code:
            raise
        return found | {record.customer_id: error.refused for record in records}
    clear: dict[int, dict[str, str]] = {}
    for record, one in zip(records, opened, strict=True):
        if one is not None:
            clear.setdefault(record.customer_id, {}).update(one.fields)
    found |= clear
    for record, one in zip(records, opened, strict=True):
        if one is None:
            found[record.customer_id] = refuse(CIPHERTEXT_REJECTED)
    return found


def kept_of(found: Mapping[int, T | Refused]) -> dict[int, T]:
    """Return what was opened of each; raises while the key service is away.

    For work that goes on without whoever is erased or damaged, and is repeated if it cannot go on.
    """
    for one in found.values():
        if isinstance(one, Refused) and one.code == KEY_SERVICE_UNAVAILABLE.code:
            raise RefusedError(one)
    return {number: one for number, one in found.items() if not isinstance(one, Refused)}


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
        connection, vault, customer_id, Purpose.IDENTITY, reading, [_ID_NUMBER]
    )
    return None if found is None else found.get(_ID_NUMBER)


async def read_identity(
    connection: Connection, vault: Vault, customer_id: int, reading: Reading
) -> dict[str, str] | None:
    """Return `name` and `id_number` for a commitment by the machine; never shown to anybody."""
    return await read_clear(connection, vault, customer_id, Purpose.IDENTITY, reading)


async def read_identities(
    connection: Connection, vault: Vault, customer_ids: Iterable[int], reading: Reading
) -> dict[int, Mapping[str, str] | Refused]:
    """Return what `read_identity` does, or why there is nothing, for each as `read_each` does."""
    return await read_each(connection, vault, customer_ids, [Purpose.IDENTITY], reading)


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
    customer_id: int,
    purpose: Purpose,
    reading: Reading,
    fields: Collection[str] | None = None,
) -> dict[str, str] | None:
    """Return fields of a customer in clear, all by default; None where nothing is kept.

    Whoever shows them writes down first who looks. Refuses with `ciphertext_rejected` as the vault.
    """
    records = await store.read_records(connection, [customer_id], purpose)
    opened = await vault.open(records, reading, fields)
    return dict(opened[0].fields) if opened else None


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
