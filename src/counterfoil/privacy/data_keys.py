"""Data keys for whoever seals records of its own: the log, reports, contracts.

Invariant   One key per customer and purpose; two processes that need a new one at once end up
            with the same. A key that is handed out is not destroyed before the transaction that
            asked for it has ended, so nothing is ever sealed under a key that is already gone.
Use         keys = await keys_of(connection, vault, [customer_id], Purpose.REPORT, reading)
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

    def all(self) -> dict[int, bytes]:
        """Return the keys; refuses with `ciphertext_rejected` where one is damaged."""
        if self.damaged:
            raise RefusedError(refuse(CIPHERTEXT_REJECTED))
        return self.found


async def keys_of(
    connection: Runner,
    vault: Vault,
    customer_ids: Iterable[int],
    purpose: Purpose,
    reading: Reading,
) -> dict[int, bytes]:
    """Return what `keys_of_each` finds; refuses with `ciphertext_rejected` where one is damaged."""
    return (await keys_of_each(connection, vault, customer_ids, purpose, reading)).all()


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
        found |= await existing_keys(connection, vault, lost, purpose, reading)
    if len(found) + len(damaged) != len(wanted):
        # The wrapping key was replaced meanwhile: a repetition takes the new one.
        raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE))
    return Keys(found, damaged)


async def existing_keys(
    connection: Runner,
    vault: Vault,
    customer_ids: Iterable[int],
    purpose: Purpose,
    reading: Reading,
) -> dict[int, bytes]:
    """Return what `existing_keys_of_each` finds; refuses with `ciphertext_rejected` for damage."""
    return (await existing_keys_of_each(connection, vault, customer_ids, purpose, reading)).all()


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
