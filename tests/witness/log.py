"""A log as a witness sees it: it grows, signs its heads, and can be made to lie."""

from dataclasses import dataclass, field
from hashlib import sha256

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats import cosignature
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import consistency_proof, leaf_hash, root_of
from counterfoil.evidence.formats.note import Note, SigningKey, VerifierKey
from counterfoil.evidence.formats.witness_protocol import AddCheckpoint, parse_cosignatures

ORIGIN = "log.test.example/2027"


def a_key(word: str, algorithm: Algorithm, name: str = ORIGIN) -> SigningKey:
    """Return a key that is the same in every run."""
    return SigningKey.from_seed(name, algorithm, sha256(word.encode()).digest())


def leaves(count: int, world: str = "true") -> list[bytes]:
    return [leaf_hash(f"{world} {number}".encode()) for number in range(count)]


@dataclass
class Log:
    """Entries that follow from a word, so that two words are two histories."""

    key: SigningKey = field(default_factory=lambda: a_key("log", Algorithm.ED25519))
    #: Leaf number from which on the history is another one.
    fork_at: int | None = None

    def leaves(self, size: int) -> list[bytes]:
        fork = size if self.fork_at is None else min(self.fork_at, size)
        return leaves(fork) + leaves(size, "false")[fork:]

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.key.name, size, root_of(self.leaves(size)))

    def note(self, size: int) -> Note:
        head = self.checkpoint(size)
        return Note(head.text, (checkpoints.sign(head, self.key),))

    def request(self, old: int, size: int) -> bytes:
        """Return the request that takes a witness from one size to another."""
        proof = consistency_proof(self.leaves(size), old, size) if 0 < old < size else []
        return bytes(AddCheckpoint(old, tuple(proof), self.note(size)))


def time_of(body: bytes, note: Note, witness: VerifierKey) -> int:
    """Return the time of the only cosignature in an answer, which has to be good."""
    (line,) = parse_cosignatures(body)
    return cosignature.verify(note.text, line, witness)
