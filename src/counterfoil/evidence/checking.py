"""Leaves held against the facts that they commit to.

A leaf of an answer names the key under which the answer is recorded, and keeps what was booked with
it; a leaf that keeps its body says in it what happened. Either way the commitment is computed anew,
so that neither the fact nor the leaf can have been changed alone.
Follows     `leaf.py`: commitment = SHA-256(domain || type || salt || body).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from counterfoil.evidence.body import Booked
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
    #: None where it is sealed and nobody can open it; empty where what is sealed is damaged.
    salt: bytes | None
    #: None where it is sealed; of a leaf of an answer what was booked, empty in the first version.
    body: bytes | None


class Answer(NamedTuple):
    """A recorded answer that has to have its leaf."""

    leaf_type: LeafType
    kind: str
    text: str


def faults(
    leaves: Iterable[Leaf], answers: Mapping[str, Answer], roots: Mapping[int, str]
) -> Iterator[str]:
    """Yield what is wrong with one customer's leaves; `answers` are by their keys.

    `roots` are the roots of witnessed checkpoints by their size, base64.
    """
    missing = dict(answers)
    for leaf in leaves:
        body: bytes | None = leaf.body
        if leaf.command_key is not None:
            answer = missing.pop(leaf.command_key, None)
            if answer is None or answer.leaf_type != leaf.leaf_type:
                yield f"leaf {leaf.leaf_id} commits to nothing recorded"
                continue
            body = body_of_answer(
                answer.kind,
                answer.text,
                command=leaf.command_key,
                kept=leaf.body or b"",
                created=leaf.created,
                witnessed=Witnessed(leaf.checkpoint_size, roots.get(leaf.checkpoint_size, "")),
            )
        if leaf.salt is None:
            continue
        if not leaf.salt:
            yield f"leaf {leaf.leaf_id} is damaged: what is sealed of it does not open"
            continue
        if body is None or commitment(LeafType(leaf.leaf_type), leaf.salt, body) != leaf.commitment:
            yield f"leaf {leaf.leaf_id} does not commit to what is recorded"
    for key in missing:
        yield f"no leaf commits to the answer under the key {key}"


def booked_with(leaf: Leaf, kind: str) -> Booked | None:
    """Return what a leaf of an answer keeps of what was booked.

    None of a leaf of the first version, and where nobody can open it.
    """
    if leaf.command_key is None or not leaf.body:
        return None
    return Booked.read(leaf.body, command=leaf.command_key, kind=kind)
