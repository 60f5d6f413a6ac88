"""Hashes and proofs against the definition in RFC 6962 and against other people's vectors."""

from base64 import b64decode
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evidence.logs_for_tests import vectors

from counterfoil.evidence.formats.merkle import (
    EMPTY_ROOT,
    Node,
    ProofRejectedError,
    RightEdge,
    complete_subtrees,
    consistency_proof,
    fold,
    inclusion_proof,
    leaf_hash,
    node_hash,
    plan_consistency,
    plan_inclusion,
    read_consistency,
    read_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from counterfoil.evidence.formats.reasons import Reason

LEAVES = [leaf_hash(number.to_bytes(4)) for number in range(65_538)]
#: Differs from the source on purpose: its roots have 12 bytes.
SHORT_ROOTS = "additional/sizes-are-equal-one-and-proof-is-empty"


def root_by_definition(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    middle = largest_power_below(len(leaves))
    return node_hash(root_by_definition(leaves[:middle]), root_by_definition(leaves[middle:]))


def path_by_definition(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = largest_power_below(len(leaves))
    if index < middle:
        return [*path_by_definition(index, leaves[:middle]), root_by_definition(leaves[middle:])]
    rest = path_by_definition(index - middle, leaves[middle:])
    return [*rest, root_by_definition(leaves[:middle])]


def growth_by_definition(
    size: int, leaves: Sequence[bytes], *, is_start: bool = True
) -> list[bytes]:
    if size == len(leaves):
        return [] if is_start else [root_by_definition(leaves)]
    middle = largest_power_below(len(leaves))
    if size <= middle:
        rest = growth_by_definition(size, leaves[:middle], is_start=is_start)
        return [*rest, root_by_definition(leaves[middle:])]
    rest = growth_by_definition(size - middle, leaves[middle:], is_start=False)
    return [*rest, root_by_definition(leaves[:middle])]


def largest_power_below(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


class Levels:
    """All complete subtrees of a tree, to make many proofs quickly."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.levels = [list(leaves)]
        while len(self.levels[-1]) > 1:
            pairs = zip(self.levels[-1][::2], self.levels[-1][1::2], strict=False)
            self.levels.append([node_hash(*pair) for pair in pairs])

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self.levels[node.level][node.number] for node in nodes]


def reason_of(check: Callable[[], object]) -> Reason | None:
    try:
        check()
    except ProofRejectedError as rejected:
        return rejected.reason
    return None


def test_the_domains_of_leaves_and_nodes_are_apart() -> None:
    assert leaf_hash(b"") == sha256(b"\x00").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert sha256(b"").digest() == EMPTY_ROOT == root_of([]) == fold([]) == RightEdge().root()


@pytest.mark.parametrize("case", vectors("inclusion"), ids=lambda case: case["name"])
def test_inclusion_is_judged_as_others_judge_it(case: dict[str, Any]) -> None:
    leaf, root, *proof = map(b64decode, (case["leaf"], case["root"], *case["proof"]))
    reason = reason_of(lambda: verify_inclusion(leaf, case["index"], case["size"], proof, root))
    assert (reason is not None) == case["reject"]


@pytest.mark.parametrize("case", vectors("consistency"), ids=lambda case: case["name"])
def test_growth_is_judged_as_others_judge_it(case: dict[str, Any]) -> None:
    old, new, *proof = map(b64decode, (case["old_root"], case["new_root"], *case["proof"]))
    sizes = case["old_size"], case["new_size"]
    reason = reason_of(lambda: verify_consistency(*sizes, proof, old, new))
    if case["name"] == SHORT_ROOTS:
        assert (reason, case["reject"]) == (Reason.HASH_LENGTH, False)
    else:
        assert (reason is not None) == case["reject"]


@pytest.mark.parametrize("size", range(1, 20))
def test_every_leaf_of_small_trees_is_proven_as_defined(size: int) -> None:
    leaves = LEAVES[:size]
    root = root_by_definition(leaves)
    assert root_of(leaves) == root
    for index in range(size):
        proof = inclusion_proof(LEAVES, index, size)
        assert proof == path_by_definition(index, leaves)
        verify_inclusion(leaves[index], index, size, proof, root)


@pytest.mark.parametrize("size", [254, 255, 256, 257, 258])
def test_every_leaf_around_a_full_tile_is_proven_and_nowhere_else(size: int) -> None:
    read = Levels(LEAVES[:size])
    root = fold(read(complete_subtrees(0, size)))
    assert root == root_of(LEAVES[:size])
    for index in range(size):
        proof = read_inclusion(read, index, size)
        verify_inclusion(LEAVES[index], index, size, proof, root)
        other = (index + 1) % size
        assert reason_of(lambda: verify_inclusion(LEAVES[index], other, size, proof, root))  # noqa: B023


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537])
def test_leaves_around_two_full_levels_of_tiles_are_proven(size: int) -> None:
    read = Levels(LEAVES[:size])
    root = fold(read(complete_subtrees(0, size)))
    edges = {*range(300), *range(32_500, 33_000), *range(65_200, size), *range(0, size, 61)}
    for index in edges:
        proof = read_inclusion(read, index, size)
        verify_inclusion(LEAVES[index], index, size, proof, root)
    assert read_consistency(read, 65_535, size) == consistency_proof(LEAVES, 65_535, size)


@pytest.mark.parametrize("new", range(14))
def test_every_growth_of_small_trees_is_proven_as_defined(new: int) -> None:
    new_root = root_of(LEAVES[:new])
    for old in range(new + 1):
        old_root = root_of(LEAVES[:old])
        proof = consistency_proof(LEAVES, old, new)
        if old:
            assert proof == growth_by_definition(old, LEAVES[:new])
        verify_consistency(old, new, proof, old_root, new_root)
        for wrong in range(new + 1):
            if wrong not in {old, 0, new}:
                other = (wrong, new, proof, old_root, new_root)
                assert reason_of(lambda: verify_consistency(*other))  # noqa: B023


def test_the_empty_tree_grows_into_anything_with_an_empty_proof_and_only_that() -> None:
    root = root_of(LEAVES[:5])
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    verify_consistency(0, 5, [], EMPTY_ROOT, root)
    assert reason_of(lambda: verify_consistency(0, 5, [root], EMPTY_ROOT, root)) is (
        Reason.PROOF_LENGTH
    )
    assert reason_of(lambda: verify_consistency(0, 5, [], LEAVES[0], root)) is (
        Reason.EMPTY_ROOT_MISMATCH
    )
    assert reason_of(lambda: verify_inclusion(LEAVES[0], 0, 0, [], EMPTY_ROOT)) is (
        Reason.INDEX_OUT_OF_RANGE
    )


@pytest.mark.parametrize(("index", "size"), [(0, 1), (5, 13), (12, 13), (6, 8), (255, 257)])
def test_a_proof_that_was_tampered_with_proves_nothing(index: int, size: int) -> None:
    root, proof = root_of(LEAVES[:size]), inclusion_proof(LEAVES, index, size)

    def reason(**changed: Any) -> Reason | None:
        at = {"leaf": LEAVES[index], "index": index, "size": size, "proof": proof, "root": root}
        return reason_of(lambda: verify_inclusion(**{**at, **changed}))

    assert reason() is None
    for place in range(len(proof)):
        assert reason(proof=proof[:place] + proof[place + 1 :]) is Reason.PROOF_LENGTH
        assert reason(proof=[*proof[:place], LEAVES[99], *proof[place + 1 :]])
    for first, second in pairwise(range(len(proof))):
        swapped = list(proof)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        assert reason(proof=swapped)
    assert reason(proof=[*proof, proof[-1] if proof else root]) is Reason.PROOF_LENGTH
    for other in {index - 1, index + 1, 0, size, -1} - {index}:
        assert reason(index=other)
    assert reason(size=2**63) is Reason.SIZE_OUT_OF_RANGE
    assert reason(root=LEAVES[0]) is (None if size == 1 else Reason.ROOT_MISMATCH)
    assert reason(leaf=LEAVES[99]) is Reason.ROOT_MISMATCH
    assert reason(leaf=LEAVES[index][:31]) is Reason.HASH_LENGTH
    assert reason(root=root + b"\x00") is Reason.HASH_LENGTH


def test_a_node_is_no_leaf() -> None:
    """Second preimage: an inner node, taken for the hash of an entry, would need its domain."""
    leaves = LEAVES[:4]
    entry = leaves[0] + leaves[1]
    proof = [node_hash(leaves[2], leaves[3])]
    assert reason_of(lambda: verify_inclusion(leaf_hash(entry), 0, 2, proof, root_of(leaves)))


def test_what_was_rewritten_shrank_forked_or_padded_is_no_growth() -> None:
    forked = [*LEAVES[:6], leaf_hash(b"x"), *LEAVES[7:13]]
    old_root, new_root, fork_root = root_of(LEAVES[:7]), root_of(LEAVES[:13]), root_of(forked)
    proof, forged = consistency_proof(LEAVES, 7, 13), consistency_proof(forked, 7, 13)
    verify_consistency(7, 13, proof, old_root, new_root)

    def reason(*given: Any) -> Reason | None:
        return reason_of(lambda: verify_consistency(*given))

    assert reason(7, 13, proof, old_root, fork_root) is Reason.ROOT_MISMATCH
    assert reason(7, 13, forged, old_root, fork_root) is Reason.ROOT_MISMATCH
    assert reason(13, 7, proof, new_root, old_root) is Reason.SIZE_OUT_OF_RANGE
    assert reason(7, 13, [*proof, proof[-1]], old_root, new_root) is Reason.PROOF_LENGTH
    assert reason(7, 13, proof[:-1], old_root, new_root) is Reason.PROOF_LENGTH
    assert reason(7, 7, [], old_root, fork_root) is Reason.ROOT_MISMATCH
    assert reason(7, 7, [old_root], old_root, old_root) is Reason.PROOF_LENGTH


def test_a_wrong_size_of_the_same_shape_passes_inclusion_which_is_why_witnesses_are_asked() -> None:
    """A proof commits to the size by its shape alone; only the quorum and an audit catch this."""
    proof = inclusion_proof(LEAVES, 5, 50_000)
    verify_inclusion(LEAVES[5], 5, 49_999, proof, root_of(LEAVES[:50_000]))


def test_proofs_are_not_made_for_what_is_not_there() -> None:
    for index, size in ((0, 0), (5, 5), (-1, 5), (0, 2**63)):
        assert reason_of(lambda: plan_inclusion(index, size))  # noqa: B023
    assert reason_of(lambda: plan_consistency(6, 5)) is Reason.SIZE_OUT_OF_RANGE


def test_plans_reach_as_far_as_sizes_do() -> None:
    assert len(plan_inclusion(2**62, 2**63 - 1).groups) == 63
    size = 2**62
    assert max(len(plan_consistency(old, size).groups) for old in (1, 3, 2**61 + 1)) <= 63


@given(st.lists(st.integers(0, 40), max_size=8))
def test_an_edge_that_grows_in_any_steps_has_the_root_of_all_leaves(steps: list[int]) -> None:
    edge = RightEdge()
    for step in steps:
        edge.append(LEAVES[edge.size : edge.size + step])
        edge = RightEdge(edge.size, edge.hashes)
    assert edge.size == sum(steps)
    assert edge.root() == root_of(LEAVES[: edge.size])


@given(st.integers(1, 3_000), st.data())
def test_growth_is_proven_between_any_sizes(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    proof = consistency_proof(LEAVES, old, new)
    roots = root_of(LEAVES[:old]), root_of(LEAVES[:new])
    verify_consistency(old, new, proof, *roots)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        proof[place] = leaf_hash(proof[place])
        assert reason_of(lambda: verify_consistency(old, new, proof, *roots))
