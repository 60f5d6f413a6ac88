"""Openings of leaves as they are kept: salt and body under the customer's data key.

Invariant   What is sealed is bound to its leaf and its customer and opens nowhere else. A key that
            was destroyed is not used again: every batch asks the database which keys there are,
            and only unwrapping one is saved.
Bounds      An unwrapped key is kept for seconds, and not more of them than a backlog has use for.
"""

import asyncio
import math
from collections.abc import Iterable
from typing import Final

from counterfoil.evidence.leaf import SALT_BYTES
from counterfoil.evidence.log_store import Connection
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy import envelope
from counterfoil.privacy import store as privacy
from counterfoil.privacy.data_keys import existing_key, keys_of_each
from counterfoil.privacy.envelope import Sealer
from counterfoil.privacy.vault import Purpose, Vault

#: For what leaves are opened.
READING: Final = reading("evidence")
#: Longest that an unwrapped key is kept.
KEY_SECONDS_MAX: Final = 5
#: A few batches' worth of customers.
KEYS_MAX: Final = 65_536


class OpeningKeys:
    """Sealers of customers, remembered for seconds by the wrapped key that they come from."""

    def __init__(self, vault: Vault) -> None:
        """Take the vault."""
        self._vault = vault
        self._known: dict[bytes, Sealer] = {}
        self._until = -math.inf

    async def of(self, connection: Connection, customer_ids: Iterable[int]) -> dict[int, Sealer]:
        """Return the sealers of customers in the caller's transaction; keys are made if need be.

        A customer whose key is damaged has none.
        """
        self._forget()
        missing = set(customer_ids)
        await privacy.hold_keys(connection)
        rows = await privacy.read_keys(connection, list(missing), Purpose.EVIDENCE)
        found = {
            row.customer_id: sealer
            for row in rows
            if (sealer := self._known.get(row.wrapped_key)) is not None
        }
        missing -= found.keys()
        if not missing:
            return found
        keys, _ = await keys_of_each(connection, self._vault, missing, Purpose.EVIDENCE, READING)
        wrapped = {row.customer_id: row.wrapped_key for row in rows}
        for customer_id, key in keys.items():
            sealer = found[customer_id] = Sealer(key)
            if customer_id in wrapped:
                self._known[wrapped[customer_id]] = sealer
        return found

    def _forget(self) -> None:
        now = asyncio.get_running_loop().time()
        if now > self._until or len(self._known) > KEYS_MAX:
            self._known.clear()
            self._until = now + KEY_SECONDS_MAX


async def open_leaves(
    connection: Connection, vault: Vault, customer_id: int, sealed: dict[int, bytes]
) -> dict[int, tuple[bytes, bytes]] | None:
    """Return salt and body of a customer's leaves by their ids; None where there is no key.

    What is damaged and does not open any more is left out, and counted. Of a command's leaf the
    body is what was booked with the answer; empty in a leaf of the first version.
    """
    key = await existing_key(connection, vault, customer_id, Purpose.EVIDENCE, READING)
    if key is None:
        return None
    sealer = Sealer(key)
    opened = {}
    for leaf_id, text in sealed.items():
        try:
            opening = vault.unseal(sealer, text, place_of(customer_id, leaf_id))
        except RefusedError:
            continue
        opened[leaf_id] = opening[:SALT_BYTES], opening[SALT_BYTES:]
    return opened


#: `envelope.place` of the column, in one step: it is made for every leaf.
_PLACE: Final = envelope.place("evidence.leaf", "sealed", "%d", 0, Purpose.EVIDENCE.value).replace(
    b"\x000\x00", b"\x00%d\x00"
)


def place_of(customer_id: int, leaf_id: int) -> bytes:
    """Return what the sealed opening of a leaf is bound to."""
    return _PLACE % (leaf_id, customer_id)
