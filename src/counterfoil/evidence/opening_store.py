"""Openings of leaves of many customers at once, for leaves whose bodies are kept with them.

For whoever needs thousands of receipts of one head, or holds thousands of leaves against their
facts; a single customer's receipts are the business of `journeys/proving/receipts.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from counterfoil.evidence.leaf import SALT_BYTES, LeafType, commitment
from counterfoil.evidence.log_store import StoredLeaf
from counterfoil.evidence.sealing import READING, place_of
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries
from counterfoil.privacy.data_keys import existing_keys_of_each
from counterfoil.privacy.envelope import Sealer
from counterfoil.privacy.vault import Purpose, Vault

QUERIES: Final = Queries.load("counterfoil.evidence", "opening_store.sql")

#: Customer and leaf.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opened:
    """A leaf with what opens it; never shown in a log."""

    kind: LeafType
    commitment: bytes
    #: None while the leaf waits for its number.
    idx: int | None
    #: None where the opening was lost, erased or does not open.
    salt: bytes | None
    body: bytes | None
    #: Whether there is nothing left that could open it: a key destroyed, a database lost.
    is_erased: bool = False

    @property
    def is_intact(self) -> bool:
        """Tell whether salt and body make the commitment that stands in the log."""
        if self.salt is None or self.body is None:
            return False
        return commitment(self.kind, self.salt, self.body) == self.commitment


async def open_by_key(
    connection: Connection, vault: Vault, keys: Sequence[Key]
) -> dict[Key, Opened]:
    """Return leaves by customer and identifier; what nobody staged is not in the answer."""
    wanted = {
        "customer_ids": [customer_id for customer_id, _ in keys],
        "leaf_ids": [leaf_id for _, leaf_id in keys],
    }
    rows: list[Any] = await QUERIES.leaves_by_key.fetch(connection, **wanted)
    leaves = [StoredLeaf(*row) for row in rows]
    data_keys, damaged = await existing_keys_of_each(
        connection, vault, {leaf.customer_id for leaf in leaves}, Purpose.EVIDENCE, READING
    )
    sealers = {customer_id: Sealer(key) for customer_id, key in data_keys.items()}
    found = {
        (leaf.customer_id, leaf.leaf_id): _opened(leaf, vault, sealers, damaged) for leaf in leaves
    }
    for row in await QUERIES.staged_by_key.fetch(connection, **wanted):
        found[row["customer_id"], row["leaf_id"]] = Opened(
            kind=LeafType(row["leaf_type"]),
            commitment=row["commitment"],
            idx=None,
            salt=row["salt"],
            body=row["body"],
            is_erased=row["salt"] is None,
        )
    return found


class Placed(NamedTuple):
    """A leaf of a type that was looked for."""

    idx: int
    customer_id: int
    leaf_id: int
    #: What it is about.
    subject_id: int


async def leaves_of_types(
    connection: Connection, kinds: Sequence[LeafType], start: int, *, stop: int
) -> list[Placed]:
    """Return the leaves of some types from one number up to another."""
    rows: list[Any] = await QUERIES.leaves_of_types.fetch(
        connection, kinds=list(kinds), start=start, stop=stop
    )
    return [Placed(*row) for row in rows]


async def forget_openings(connection: Connection, customer_id: int) -> int:
    """Destroy what opens the leaves of a customer whose key is destroyed; return of how many.

    Their numbers and commitments stay, so every proof of before still verifies. Leaves that wait
    for their number get it without an opening. Nobody numbers leaves meanwhile: the caller has
    destroyed the key, and the integrator holds keys before it reads its queue.
    """
    await QUERIES.allow_forgetting.fetch(connection)
    numbered = await QUERIES.forget_openings.execute(connection, customer_id=customer_id)
    return numbered + await QUERIES.forget_staged.execute(connection, customer_id=customer_id)


async def openings_left(connection: Connection, erased: Mapping[int, int]) -> dict[int, int]:
    """Return how many leaves of customers could be opened from before the leaf of their erasure."""
    rows = await QUERIES.openings_left.fetch(
        connection, customer_ids=list(erased), leaf_ids=list(erased.values())
    )
    return {row["customer_id"]: row["leaves"] for row in rows}


def _opened(
    leaf: StoredLeaf, vault: Vault, sealers: Mapping[int, Sealer], damaged: Collection[int]
) -> Opened:
    salt = body = None
    sealer = sealers.get(leaf.customer_id)
    has_key = sealer is not None or leaf.customer_id in damaged
    is_erased = leaf.sealed is None or not has_key
    if sealer is not None and leaf.sealed is not None:
        try:
            place = place_of(leaf.customer_id, leaf.leaf_id)
            opening = vault.unseal(sealer, leaf.sealed, place)
        except RefusedError:
            opening = b""  # altered in the database: an opening that opens nothing
        if opening:
            salt, body = opening[:SALT_BYTES], opening[SALT_BYTES:]
    return Opened(
        kind=LeafType(leaf.leaf_type),
        commitment=leaf.commitment,
        idx=leaf.idx,
        salt=salt,
        body=body,
        is_erased=is_erased,
    )
