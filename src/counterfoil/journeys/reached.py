"""Whom a message reaches: name and addresses from the vault, at the time of sending."""

from typing import NamedTuple

from counterfoil.customers.contact import FIELDS
from counterfoil.customers.setting import Channel
from counterfoil.kernel import ids
from counterfoil.platform.database import Connection
from counterfoil.privacy import store as vault_store
from counterfoil.privacy.vault import Purpose, Vault

#: Fields of the vault that are addresses, by channel.
_ADDRESSES = {Channel.SMS: "phone", **FIELDS}


class Reached(NamedTuple):
    """A person as far as messages need one; an erased person has neither name nor address."""

    name: str
    addresses: dict[Channel, str]


async def reached_person(connection: Connection, vault: Vault, customer_id: int) -> Reached:
    """Return name and addresses of a customer from the vault."""
    records = [
        record
        for purpose in (Purpose.IDENTITY, Purpose.CONTACT)
        for record in await vault_store.read_records(connection, [customer_id], purpose)
    ]
    fields: dict[str, str] = {}
    for clear in await vault.open(records):
        fields |= clear.fields
    addresses = {Channel.APP: ids.to_text(ids.CUSTOMER, customer_id)}
    addresses |= {channel: fields[name] for channel, name in _ADDRESSES.items() if name in fields}
    return Reached(fields.get("name", ""), addresses)
