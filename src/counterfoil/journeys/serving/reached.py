"""Whom a message reaches: name and addresses from the vault, at the time of sending."""

from collections.abc import Mapping
from typing import NamedTuple

from counterfoil.customers.contact import FIELDS
from counterfoil.customers.setting import Channel
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import Reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import store as vault_store
from counterfoil.privacy.vault import Purpose, Vault

#: Fields of the vault that are addresses, by channel.
_ADDRESSES = {Channel.SMS: "phone", **FIELDS}


class Reached(NamedTuple):
    """A person as far as messages need one; an erased person has neither name nor address."""

    name: str
    addresses: dict[Channel, str]


async def reached_person(
    connection: Connection, vault: Vault, customer_id: int, reading: Reading
) -> Reached:
    """Return name and addresses of a customer from the vault."""
    fields = await _fields(
        connection, vault, customer_id, reading, (Purpose.IDENTITY, Purpose.CONTACT)
    )
    return Reached(fields.get("name", ""), _addresses(customer_id, fields))


async def addresses_of(
    connection: Connection, vault: Vault, customer_id: int, reading: Reading
) -> dict[Channel, str]:
    """Return a customer's addresses alone, by channel; the name stays closed."""
    fields = await _fields(connection, vault, customer_id, reading, (Purpose.CONTACT,))
    return _addresses(customer_id, fields)


async def _fields(
    connection: Connection,
    vault: Vault,
    customer_id: int,
    reading: Reading,
    kept: tuple[Purpose, ...],
) -> dict[str, str]:
    records = await vault_store.read_records(connection, [customer_id], *kept)
    fields: dict[str, str] = {}
    for clear in await vault.open(records, reading, ("name", *_ADDRESSES.values())):
        fields |= clear.fields
    return fields


def _addresses(customer_id: int, fields: Mapping[str, str]) -> dict[Channel, str]:
    addresses = {Channel.APP: ids.to_text(ids.CUSTOMER, customer_id)}
    return addresses | {
        channel: fields[name] for channel, name in _ADDRESSES.items() if name in fields
    }
