"""Leaves as they are, numbered or staged, for whoever checks the books."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from counterfoil.evidence import log_store
from counterfoil.evidence.checking import Leaf
from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.leaf import SALT_BYTES
from counterfoil.evidence.sealing import READING, place_of
from counterfoil.evidence.staging import NOTHING_WITNESSED
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries
from counterfoil.privacy.data_keys import existing_keys_of_each
from counterfoil.privacy.envelope import CiphertextRejectedError, Sealer
from counterfoil.privacy.vault import Purpose, Vault

QUERIES: Final = Queries.load("counterfoil.evidence", "check_store.sql")
#: In the place of salt and body that are there and do not open.
_DAMAGED: Final = b""


async def leaves_of_range(
    connection: Connection, vault: Vault | None, after: int, *, through: int
) -> list[Leaf]:
    """Return the leaves of customers after one and up to another, opened where a key is there.

    Without the vault, and where a customer's key was destroyed, numbered leaves stay closed.
    """
    rows: list[Any] = await QUERIES.leaves_of_range.fetch(connection, after=after, through=through)
    sealers: Mapping[int, Sealer] = {}
    damaged: Collection[int] = ()
    if vault is not None:
        customers = {row["customer_id"] for row in rows if row["sealed"] is not None}
        keys, damaged = await existing_keys_of_each(
            connection, vault, customers, Purpose.EVIDENCE, READING
        )
        sealers = {customer_id: Sealer(key) for customer_id, key in keys.items()}
    return [_leaf(row, sealers, damaged) for row in rows]


async def roots_known_to(connection: Connection, leaves: Sequence[Leaf]) -> dict[int, str]:
    """Return the roots that leaves were dated by, base64, by their sizes."""
    sizes = {leaf.checkpoint_size for leaf in leaves}
    roots = await log_store.roots_of_sizes(connection, sorted(sizes))
    return {NOTHING_WITNESSED.size: NOTHING_WITNESSED.root} | {
        size: format_base64(root) for size, root in roots.items()
    }


def _leaf(row: Any, sealers: Mapping[int, Sealer], damaged: Collection[int]) -> Leaf:
    *named, salt, body, sealed = row
    sealer = sealers.get(row["customer_id"])
    if sealed is not None and row["customer_id"] in damaged:
        salt = body = _DAMAGED
    elif sealed is not None and sealer is not None:
        try:
            opening = sealer.decrypt(sealed, place_of(row["customer_id"], row["leaf_id"]))
        except CiphertextRejectedError:
            opening = _DAMAGED
        salt, body = opening[:SALT_BYTES], opening[SALT_BYTES:]
    return Leaf._make([*named, salt, body])
