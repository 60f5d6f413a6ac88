"""Receipts of one customer: what the log says of the customer, opened, with its proof.

Privacy     A receipt opens a leaf: it goes to the customer, and to whoever may see the record it is
            about. Where the customer's key was destroyed the opening is gone for everybody.
Unopened    Why a leaf cannot be opened is told apart: erased, lost with a database, damaged, or the
            key service is away.
Bounds      A list is a page; receipts of one head share what is read for their proofs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from counterfoil.evidence import log_store
from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.evidence.log_store import ListedLeaf, StoredLeaf
from counterfoil.evidence.receipts import full_note, inclusion_proofs, make_receipt
from counterfoil.evidence.refusals import (
    LEAF_NOT_FOUND,
    OPENING_DAMAGED,
    OPENING_ERASED,
    OPENING_LOST,
    RECEIPT_PENDING,
)
from counterfoil.evidence.sealing import open_leaves
from counterfoil.evidence.staging import NOTHING_WITNESSED, Witnessed, body_of_answer
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import recorded
from counterfoil.platform.database import Connection
from counterfoil.platform.recorded import KindAndAnswer
from counterfoil.privacy.erasure_store import read_erasures
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.vault import Purpose


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
    try:
        opened = await open_leaves(connection, house.vault, customer_id, sealed)
    except RefusedError as error:
        # The key service is away, or the key itself is damaged: nothing can be said of any leaf.
        is_damaged = error.refused.code == CIPHERTEXT_REJECTED.code
        why = refuse(OPENING_DAMAGED) if is_damaged else error.refused
        return dict.fromkeys(leaf_ids, why)
    bodies = await _bodies(connection, customer_id, leaves, opened or {})
    unknown = [leaf_id for leaf_id in leaf_ids if leaf_id not in leaves]
    staged: frozenset[int] = frozenset()
    if unknown:
        staged = await log_store.staged_among(connection, customer_id, unknown)
    gone = OPENING_LOST
    if (opened is None or len(sealed) < len(leaves)) and await is_erased(connection, customer_id):
        gone = OPENING_ERASED
    found: dict[int, Opening | Refused] = {}
    for leaf_id in leaf_ids:
        leaf = leaves.get(leaf_id)
        if leaf is None:
            is_staged = leaf_id in staged
            found[leaf_id] = refuse(RECEIPT_PENDING if is_staged else LEAF_NOT_FOUND)
        elif opened is None or leaf_id not in sealed:
            found[leaf_id] = refuse(gone)
        elif leaf_id not in bodies:
            found[leaf_id] = refuse(OPENING_DAMAGED)
        else:
            found[leaf_id] = Opening(leaf=leaf, salt=opened[leaf_id][0], body=bodies[leaf_id])
    return found


async def is_erased(connection: Connection, customer_id: int) -> bool:
    """Return whether an erasure destroyed what opened leaves of a customer."""
    classes = load_schedule().classes.values()
    names = {one.code for one in classes if Purpose.EVIDENCE in one.purposes}
    erasures = await read_erasures(connection, customer_id)
    return any(erasure.data_class in names for erasure in erasures)


async def _bodies(
    connection: Connection,
    customer_id: int,
    leaves: Mapping[int, StoredLeaf],
    opened: Mapping[int, tuple[bytes, bytes]],
) -> Mapping[int, bytes]:
    """Return the bodies of leaves; one that does not make its commitment has none."""
    mine = [leaves[leaf_id] for leaf_id in opened]
    commands = [leaf for leaf in mine if leaf.command_key is not None]
    answers: Mapping[str, KindAndAnswer] = {}
    roots: Mapping[int, bytes] = {}
    if commands:
        keys = [leaf.command_key for leaf in commands if leaf.command_key is not None]
        answers = await recorded.answers_of(connection, customer_id, keys)
        sizes = [leaf.checkpoint_size for leaf in commands]
        roots = await log_store.roots_of_sizes(connection, sizes)
    bodies = {}
    for leaf in mine:
        salt, kept = opened[leaf.leaf_id]
        body: bytes | None = kept
        if leaf.command_key is not None:
            done = answers.get(leaf.command_key, KindAndAnswer("", ""))
            body = body_of_answer(
                done.kind,
                done.answer,
                command=leaf.command_key,
                kept=kept,
                created=leaf.created,
                witnessed=witnessed_of(leaf.checkpoint_size, roots),
            )
        if body and commitment(LeafType(leaf.leaf_type), salt, body) == leaf.commitment:
            bodies[leaf.leaf_id] = body
    return bodies


def witnessed_of(size: int, roots: Mapping[int, bytes]) -> Witnessed:
    """Return the checkpoint of a size from the roots that are known."""
    if size == 0:
        return NOTHING_WITNESSED
    return Witnessed(size, format_base64(roots[size]) if size in roots else "")
