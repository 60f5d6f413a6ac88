"""Receipts of one customer: what the log says of the customer, opened, with its proof.

Privacy     A receipt opens a leaf: it goes to the customer, and to whoever may see the record it is
            about. Where the customer's key was destroyed the opening is gone for everybody.
Bounds      A list is a page; receipts of one head share what is read for their proofs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from counterfoil.evidence import log_store
from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.log_store import ListedLeaf, StoredLeaf
from counterfoil.evidence.receipts import full_note, inclusion_proofs, make_receipt
from counterfoil.evidence.refusals import LEAF_NOT_FOUND, OPENING_LOST, RECEIPT_PENDING
from counterfoil.evidence.sealing import open_leaves
from counterfoil.evidence.staging import NOTHING_WITNESSED, Witnessed, body_of_answer
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import recorded
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptListed:
    """A leaf of a customer in a list."""

    leaf: ListedLeaf
    #: Whether witnesses stand for a head that covers it.
    is_witnessed: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opening:
    """What opens a leaf; never shown in a log."""

    leaf: StoredLeaf
    salt: bytes
    body: bytes


async def list_receipts(
    house: House, customer_id: int, *, before: int, page: int, is_back: bool = False
) -> list[ReceiptListed]:
    """Return the leaves of a customer, newest first."""
    async with house.database.connection() as connection:
        witnessed = await log_store.last_witnessed(connection)
        leaves = await log_store.page_of_customer(
            connection, customer_id, before=before, page=page, is_back=is_back
        )
    size = 0 if witnessed is None else witnessed.size
    return [
        ReceiptListed(leaf=leaf, is_witnessed=leaf.idx is not None and leaf.idx < size)
        for leaf in leaves
    ]


async def read_receipt(
    house: House, customer_id: int, leaf_id: int, *, size: int | None = None
) -> Receipt | Refused:
    """Return the receipt of one leaf under a witnessed head.

    By default the first one that covers it: the witnesses' times on it are the closest bound from
    above that there is.
    """
    found = await read_receipts(house, customer_id, [leaf_id], size=size)
    return found[leaf_id]


async def read_receipts(
    house: House, customer_id: int, leaf_ids: Sequence[int], *, size: int | None = None
) -> dict[int, Receipt | Refused]:
    """Return receipts of leaves of one customer, each under the first head that covers it.

    `size` names one head for all instead.
    """
    receipts: dict[int, Receipt | Refused] = {}
    by_head: defaultdict[int, list[Opening]] = defaultdict(list)
    async with house.database.connection() as connection:
        found = await _openings(connection, house, customer_id, leaf_ids)
        for leaf_id in leaf_ids:
            opening = found[leaf_id]
            if isinstance(opening, Refused):
                receipts[leaf_id] = opening
                continue
            receipts[leaf_id] = refuse(RECEIPT_PENDING)
            index = opening.leaf.idx
            head = size or await log_store.first_covering(connection, index, ())
            if head is not None and index < head:
                by_head[head].append(opening)
        for head, openings in by_head.items():
            proofs = await inclusion_proofs(connection, [o.leaf.idx for o in openings], head)
            note = await full_note(connection, head)
            for opening in openings:
                leaf = opening.leaf
                receipts[leaf.leaf_id] = make_receipt(
                    leaf, opening.salt, opening.body, proof=proofs[leaf.idx], note=note
                )
    return receipts


async def read_opening(house: House, customer_id: int, leaf_id: int) -> Opening | Refused:
    """Return what opens one leaf."""
    async with house.database.connection() as connection:
        found = await _openings(connection, house, customer_id, [leaf_id])
    return found[leaf_id]


async def _openings(
    connection: Connection, house: House, customer_id: int, leaf_ids: Sequence[int]
) -> dict[int, Opening | Refused]:
    """Return what opens leaves of a customer, by their identifiers."""
    leaves = {
        leaf.leaf_id: leaf
        for leaf in await log_store.leaves_of_customer(connection, customer_id, leaf_ids)
    }
    sealed = {leaf.leaf_id: leaf.sealed for leaf in leaves.values() if leaf.sealed is not None}
    opened = await open_leaves(connection, house.vault, customer_id, sealed) or {}
    bodies = await _bodies(
        connection, customer_id, [leaves[i] for i in opened if leaves[i].command_key is not None]
    )
    unknown = [leaf_id for leaf_id in leaf_ids if leaf_id not in leaves]
    staged: frozenset[int] = frozenset()
    if unknown:
        staged = await log_store.staged_among(connection, customer_id, unknown)
    found: dict[int, Opening | Refused] = {}
    for leaf_id in leaf_ids:
        leaf = leaves.get(leaf_id)
        if leaf is None:
            is_staged = leaf_id in staged
            found[leaf_id] = refuse(RECEIPT_PENDING if is_staged else LEAF_NOT_FOUND)
        elif leaf_id not in opened or (leaf.command_key is not None and leaf_id not in bodies):
            found[leaf_id] = refuse(OPENING_LOST)
        else:
            salt, body = opened[leaf_id]
            found[leaf_id] = Opening(leaf=leaf, salt=salt, body=bodies.get(leaf_id, body))
    return found


async def _bodies(
    connection: Connection, customer_id: int, leaves: Sequence[StoredLeaf]
) -> Mapping[int, bytes]:
    """Return the bodies of leaves that wrap recorded answers."""
    if not leaves:
        return {}
    keys = [leaf.command_key for leaf in leaves if leaf.command_key is not None]
    answers = await recorded.answers_of(connection, customer_id, keys)
    roots = await log_store.roots_of_sizes(connection, [leaf.checkpoint_size for leaf in leaves])
    bodies = {}
    for leaf in leaves:
        answer = answers.get(leaf.command_key or "")
        if answer is not None:
            witnessed = witnessed_of(leaf.checkpoint_size, roots)
            bodies[leaf.leaf_id] = body_of_answer(answer, created=leaf.created, witnessed=witnessed)
    return bodies


def witnessed_of(size: int, roots: Mapping[int, bytes]) -> Witnessed:
    """Return the checkpoint of a size from the roots that are known."""
    if size == 0:
        return NOTHING_WITNESSED
    return Witnessed(size, format_base64(roots[size]) if size in roots else "")
