"""Leaves held against the facts that they commit to.

A leaf does not name its fact, so that it tells nothing to whoever has no salt. Leaves and facts of
one customer are paired by recomputing commitments: both come in about the same order, so the first
fact that is tried is nearly always the right one, and a fact stands behind one leaf only.
Follows     `leaf.py`: commitment = SHA-256(domain || type || salt || body).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from counterfoil.evidence.leaf import LeafType, commitment


class Leaf(NamedTuple):
    """One staged leaf."""

    customer_id: int
    leaf_id: int
    leaf_type: int
    salt: bytes
    commitment: bytes


class Fact(NamedTuple):
    """What one leaf has to commit to."""

    #: Names the fact in a report.
    name: str
    leaf_type: LeafType
    body: bytes


def pair(leaves: Iterable[Leaf], facts: Sequence[Fact]) -> tuple[list[Leaf], list[Fact]]:
    """Return the leaves of one customer that fit no fact, and the facts that no leaf fits."""
    waiting: dict[LeafType, list[Fact]] = {}
    for fact in facts:
        waiting.setdefault(fact.leaf_type, []).append(fact)
    strangers = []
    for leaf in leaves:
        candidates = waiting.get(LeafType(leaf.leaf_type), [])
        for place, fact in enumerate(candidates):
            if commitment(fact.leaf_type, leaf.salt, fact.body) == leaf.commitment:
                del candidates[place]
                break
        else:
            strangers.append(leaf)
    return strangers, [fact for left in waiting.values() for fact in left]
