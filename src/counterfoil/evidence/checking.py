"""Leaves held against the facts that they commit to.

A leaf of an answer names the key under which the answer is recorded; a leaf that keeps its body
says in it what happened. Either way the commitment is computed anew, so that neither the fact nor
the leaf can have been changed alone.
Follows     `leaf.py`: commitment = SHA-256(domain || type || salt || body).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.evidence.staging import Witnessed, body_of_answer


class Leaf(NamedTuple):
    """One leaf with what opens it."""

    customer_id: int
    leaf_id: int
    leaf_type: int
    commitment: bytes
    created: int
    checkpoint_size: int
    command_key: str | None
    #: None where it is sealed and nobody can open it.
    salt: bytes | None
    #: None where it is sealed, or follows from the answer under the key.
    body: bytes | None


class Answer(NamedTuple):
    """A recorded answer that has to have its leaf."""

    leaf_type: LeafType
    text: str


def faults(
    leaves: Iterable[Leaf], answers: Mapping[str, Answer], roots: Mapping[int, str]
) -> Iterator[str]:
    """Yield what is wrong with one customer's leaves; `answers` are by their keys.

    `roots` are the roots of witnessed checkpoints by their size, base64.
    """
    missing = dict(answers)
    for leaf in leaves:
        body = leaf.body
        if leaf.command_key is not None:
            answer = missing.pop(leaf.command_key, None)
            if answer is None or answer.leaf_type != leaf.leaf_type:
                yield f"leaf {leaf.leaf_id} commits to nothing recorded"
                continue
            witnessed = Witnessed(leaf.checkpoint_size, roots.get(leaf.checkpoint_size, ""))
            body = body_of_answer(answer.text, created=leaf.created, witnessed=witnessed)
        if leaf.salt is None:
            continue
        if body is None or commitment(LeafType(leaf.leaf_type), leaf.salt, body) != leaf.commitment:
            yield f"leaf {leaf.leaf_id} does not commit to what is recorded"
    for key in missing:
        yield f"no leaf commits to the answer under the key {key}"
