"""Data keys for whoever seals records of its own: the log, reports, contracts.

Invariant   One key per customer and purpose; two processes that need a new one at once end up
            with the same. A key that is handed out is not destroyed before the transaction that
            asked for it has ended, so nothing is ever sealed under a key that is already gone.
Several     Who asks for the keys of several customers is told of each whether it is damaged; who
            asks for one is refused where it is.
Use         key = await key_of(connection, vault, customer_id, Purpose.REPORT, reading)
            sealed = envelope.encrypt(key, text, envelope.place(table, column, row, …), vault.suite)
"""

from collections.abc import Iterable
from typing import NamedTuple

from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.access_matrix import Reading

# house: allow database-reach – hands a connection on to the store beside it, for other rooms
from counterfoil.platform.queries import Runner
from counterfoil.privacy import store
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED, KEY_SERVICE_UNAVAILABLE
from counterfoil.privacy.vault import KeyRow, Purpose, Vault


class Keys(NamedTuple):
    """The data keys of several customers; a damaged one is its owner's trouble alone."""

    found: dict[int, bytes]
    #: Customers whose wrapped key does not open: altered, or of another place.
    damaged: frozenset[int]

    def of(self, customer_id: int) -> bytes | None:
        """Return a customer's key, None where there is none; refuses one that is damaged."""
        if customer_id in self.damaged:
            raise RefusedError(refuse(CIPHERTEXT_REJECTED))
        return self.found.get(customer_id)


async def key_of(
    connection: Runner, vault: Vault, customer_id: int, purpose: Purpose, reading: Reading
) -> bytes:
    """Return a customer's key as `keys_of_each` does; refuses with `ciphertext_rejected`."""
    keys = await keys_of_each(connection, vault, [customer_id], purpose, reading)
    key = keys.of(customer_id)
    assert key is not None, "what is missing is made"
    return key


async def keys_of_each(
    connection: Runner,
    vault: Vault,
    customer_ids: Iterable[int],
    purpose: Purpose,
    reading: Reading,
) -> Keys:
    """Return the data keys of customers, made where there are none, in the caller's transaction.

    A key opens what it seals, so asking for it is a read, too. A damaged one is never made anew.
    Refuses with `key_service_unavailable` before anything is written. Customer 0 is the house.
    """
    wanted = sorted(set(customer_ids))
    await store.hold_keys(connection)
    found, damaged = await existing_keys_of_each(connection, vault, wanted, purpose, reading)
    missing = [number for number in wanted if number not in found and number not in damaged]
    if not missing:
        return Keys(found, damaged)
    made = await vault.new_keys([(customer_id, purpose) for customer_id in missing])
    rows = [
        KeyRow(
            customer_id=customer_id,
            purpose=purpose,
            wrapped_by=wrapped.wrapped_by,
            wrapped_key=wrapped.blob,
        )
        for customer_id, (_, wrapped) in zip(missing, made, strict=True)
    ]
    taken = await store.add_missing_keys(connection, rows, purpose)
    for customer_id, (key, _) in zip(missing, made, strict=True):
        if customer_id in taken:
            found[customer_id] = key
    lost = [customer_id for customer_id in missing if customer_id not in taken]
    if lost:
        others, spoilt = await existing_keys_of_each(connection, vault, lost, purpose, reading)
        found |= others
        damaged |= spoilt
    if len(found) + len(damaged) != len(wanted):
        # The wrapping key was replaced meanwhile: a repetition takes the new one.
        raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE))
    return Keys(found, damaged)


async def existing_key(
    connection: Runner, vault: Vault, customer_id: int, purpose: Purpose, reading: Reading
) -> bytes | None:
    """Return a customer's key, None where it was destroyed; refuses one that is damaged."""
    keys = await existing_keys_of_each(connection, vault, [customer_id], purpose, reading)
    return keys.of(customer_id)


async def existing_keys_of_each(
    connection: Runner,
    vault: Vault,
    customer_ids: Iterable[int],
    purpose: Purpose,
    reading: Reading,
) -> Keys:
    """Return the data keys that there are; a customer whose key was destroyed has none."""
    rows = await store.read_keys(connection, sorted(set(customer_ids)), purpose)
    keys = await vault.unwrap_keys(rows, reading)
    pairs = list(zip(rows, keys, strict=True))
    return Keys(
        found={row.customer_id: key for row, key in pairs if key is not None},
        damaged=frozenset(row.customer_id for row, key in pairs if key is None),
    )
