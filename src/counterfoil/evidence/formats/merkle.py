"""The tree: hashes, proofs that a leaf is in it, proofs that it only grew.

Units       Indices count from 0; sizes and indices are below 2^63. A node is named by its level and
            its number within the level: (3, 5) is the complete subtree over the leaves 40 to 47.
Follows     RFC 6962 section 2.1 for hashes and proofs; RFC 9162 sections 2.1.3.2 and 2.1.4.2 for
            the order in which a verifier folds them.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.evidence.formats.lines import HASH_BYTES, NUMBER_MAX
from counterfoil.evidence.formats.reasons import Reason, RejectedError

EMPTY_ROOT: Final = sha256(b"").digest()


class ProofRejectedError(RejectedError):
    """A proof does not show what it should."""


class Node(NamedTuple):
    """The complete subtree over the leaves from `number << level` up to the next such subtree."""

    level: int
    number: int


#: Gives the hashes of complete subtrees, in the order asked for.
HashReader = Callable[[Sequence[Node]], Sequence[bytes]]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees side by side."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    if not leaf_hashes:
        return EMPTY_ROOT
    level = list(leaf_hashes)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        level += odd
    return level[0]


def subtrees_over(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Return the hashes of all complete subtrees over leaves: level by level, each in order.

    Every node is hashed once: a root of any size below is folded from a few of them.
    """
    levels = [list(leaf_hashes)]
    while len(levels[-1]) > 1:
        nodes = iter(levels[-1])
        levels.append(
            [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(nodes, nodes, strict=False)
            ]
        )
    return levels


def complete_subtrees(begin: int, end: int) -> list[Node]:
    """Return the complete subtrees, largest first, that make up a subtree of RFC 6962.

    `begin` is a multiple of a power of two that is not below the number of leaves.
    """
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, largest first."""
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


class ProofPlan(NamedTuple):
    """Which complete subtrees a proof is computed from; one group for each of its hashes."""

    groups: tuple[tuple[Node, ...], ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Return all subtrees whose hashes are needed, in the order `proof` takes them."""
        return tuple(node for group in self.groups for node in group)

    def proof(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return the proof from the hashes of `nodes`."""
        assert len(hashes) == sum(map(len, self.groups))
        left = iter(hashes)
        return [fold([next(left) for _ in group]) for group in self.groups]


def plan_inclusion(index: int, size: int) -> ProofPlan:
    """Return what the proof that a leaf is in a tree is computed from (RFC 6962, 2.1.1)."""
    _assert_index(index, size)
    ranges = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return _plan(reversed(ranges))


def plan_consistency(old_size: int, new_size: int) -> ProofPlan:
    """Return what the proof that a tree only grew is computed from (RFC 6962, 2.1.2)."""
    if not 0 <= old_size <= new_size <= NUMBER_MAX:
        raise ProofRejectedError(Reason.SIZE_OUT_OF_RANGE, f"{old_size} to {new_size}")
    if old_size in (0, new_size):
        return ProofPlan(())
    ranges = []
    begin, end, is_old_root = 0, new_size, True
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin, is_old_root = middle, False
    if not is_old_root:
        ranges.append((begin, end))
    return _plan(reversed(ranges))


def _plan(ranges: Iterable[tuple[int, int]]) -> ProofPlan:
    return ProofPlan(tuple(tuple(complete_subtrees(begin, end)) for begin, end in ranges))


def _split(leaves: int) -> int:
    """Return the largest power of two below a number of leaves."""
    return 1 << (leaves - 1).bit_length() - 1


def read_inclusion(read: HashReader, index: int, size: int) -> list[bytes]:
    """Return the proof that a leaf is in a tree, from stored hashes."""
    plan = plan_inclusion(index, size)
    return plan.proof(read(plan.nodes))


def read_consistency(read: HashReader, old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that a tree only grew, from stored hashes."""
    plan = plan_consistency(old_size, new_size)
    return plan.proof(read(plan.nodes))


# house: allow dead-code – proofs from leaves at hand, which tests hold stored ones against
def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """Return the proof that a leaf is in the tree over the first `size` leaf hashes."""
    return read_inclusion(_reader_of(leaf_hashes, size), index, size)


# house: allow dead-code – as above
def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that the tree over the first leaf hashes grew into a later one."""
    return read_consistency(_reader_of(leaf_hashes, new_size), old_size, new_size)


def _reader_of(leaf_hashes: Sequence[bytes], size: int) -> HashReader:
    assert size <= len(leaf_hashes)

    def read(nodes: Sequence[Node]) -> list[bytes]:
        return [
            root_of(leaf_hashes[number << level : number + 1 << level]) for level, number in nodes
        ]

    return read


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash stands at an index of a tree; reject the proof otherwise."""
    _assert_index(index, size)
    _assert_hashes((leaf, root, *proof))
    inner = (index ^ size - 1).bit_length()
    border = (index >> inner).bit_count()
    if len(proof) != inner + border:
        raise ProofRejectedError(
            Reason.PROOF_LENGTH, f"{len(proof)} hashes where {inner + border} are due"
        )
    found = leaf
    for level, sibling in enumerate(proof):
        # Beyond the levels where index and last index part, every sibling stands to the left.
        if level >= inner or index >> level & 1:
            found = node_hash(sibling, found)
        else:
            found = node_hash(found, sibling)
    if found != root:
        raise ProofRejectedError(Reason.ROOT_MISMATCH, "the leaf is not under this root")


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that a tree grew into another one; reject the proof otherwise."""
    if not 0 <= old_size <= new_size <= NUMBER_MAX:
        raise ProofRejectedError(Reason.SIZE_OUT_OF_RANGE, f"{old_size} to {new_size}")
    _assert_hashes((old_root, new_root, *proof))
    _assert_empty_root(old_size, old_root)
    _assert_empty_root(new_size, new_root)
    if old_size in (0, new_size):
        if proof:
            raise ProofRejectedError(Reason.PROOF_LENGTH, "hashes where none is due")
        if old_size == new_size and old_root != new_root:
            raise ProofRejectedError(Reason.ROOT_MISMATCH, "one size, two roots")
        return
    _fold_consistency(old_size, new_size, list(proof), old_root, new_root)


def _fold_consistency(
    old_size: int, new_size: int, proof: list[bytes], old_root: bytes, new_root: bytes
) -> None:
    # The old tree's last complete subtree that ends at its edge; if it is the old tree, the
    # proof leaves it out, because the verifier has its hash: the old root.
    shift = (old_size & -old_size).bit_length() - 1
    index, last = old_size - 1 >> shift, new_size - 1 >> shift
    hashes = [old_root, *proof] if index == 0 else proof
    inner = (index ^ last).bit_length()
    due = 1 + inner + (index >> inner).bit_count()
    if len(hashes) != due:
        raise ProofRejectedError(
            Reason.PROOF_LENGTH, f"{len(proof)} hashes where {due - (index == 0)} are due"
        )
    old = new = hashes[0]
    for level, sibling in enumerate(hashes[1:]):
        if level >= inner or index >> level & 1:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if old != old_root:
        raise ProofRejectedError(Reason.ROOT_MISMATCH, "the old root is not what the proof starts")
    if new != new_root:
        raise ProofRejectedError(Reason.ROOT_MISMATCH, "the old tree is not the new one's start")


def _assert_index(index: int, size: int) -> None:
    if not 0 <= size <= NUMBER_MAX:
        raise ProofRejectedError(Reason.SIZE_OUT_OF_RANGE, str(size))
    if not 0 <= index < size:
        raise ProofRejectedError(Reason.INDEX_OUT_OF_RANGE, f"{index} of {size}")


def _assert_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise ProofRejectedError(Reason.HASH_LENGTH, f"{len(value)} bytes")


def _assert_empty_root(size: int, root: bytes) -> None:
    if size == 0 and root != EMPTY_ROOT:
        raise ProofRejectedError(Reason.EMPTY_ROOT_MISMATCH)


class RightEdge:
    """A growing tree as its complete subtrees: all that is needed to append and to give the root.

    Invariant   There is one hash for each bit that is set in the size, largest subtree first.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Take up the tree from a size and the hashes of its complete subtrees, largest first."""
        assert 0 <= size <= NUMBER_MAX
        assert len(hashes) == size.bit_count()
        assert all(len(value) == HASH_BYTES for value in hashes)
        self._size = size
        self._hashes = list(hashes)

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Return the hashes of the complete subtrees, largest first, to take the tree up again."""
        return tuple(self._hashes)

    def append(self, leaf_hashes: Iterable[bytes]) -> None:
        """Append leaves; costs one node hash a leaf."""
        hashes, size = self._hashes, self._size
        for leaf in leaf_hashes:
            right, rest = leaf, size
            while rest & 1:
                right = sha256(b"\x01" + hashes.pop() + right).digest()
                rest >>= 1
            hashes.append(right)
            size += 1
        self._size = size

    def root(self) -> bytes:
        """Return the root."""
        return fold(self._hashes)
