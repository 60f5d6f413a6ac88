"""Small logs, keys, policies and receipts to take apart."""

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import rfc8785

from counterfoil.evidence import leaf
from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.cosignature import cosign
from counterfoil.evidence.formats.merkle import inclusion_proof, leaf_hash, root_of
from counterfoil.evidence.formats.note import Note, SigningKey
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.proof import TlogProof
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.tile import (
    TileEdge,
    bundles_of_size,
    format_bundle,
)

VECTORS = Path(__file__).parent / "vectors"
ORIGIN = "log.lender.example/2027"
SEEN_AT = 1_798_761_662
WITNESSES = ("regulator", "bureau", "fundbank", "auditor")


def vectors(family: str) -> Any:
    return json.loads((VECTORS / f"{family}.json").read_text())


@cache
def sample() -> Mapping[str, bytes]:
    """Return the worked sample's files by path."""
    return {path: b64decode(text) for path, text in vectors("sample")["files"].items()}


def seed_of(name: str) -> bytes:
    return sha256(f"counterfoil sample {name}".encode()).digest()


def log_key(name: str = "log", origin: str = ORIGIN) -> SigningKey:
    return SigningKey.from_seed(origin, Algorithm.ED25519, seed_of(name))


def witness_key(name: str) -> SigningKey:
    return SigningKey.from_seed(
        f"witness.{name}.example/w1", Algorithm.COSIGNATURE_ED25519, seed_of(name)
    )


DEFAULT_GROUPS = (
    "group others any bureau fundbank auditor\ngroup q all regulator others\nquorum q\n"
)


def policy_text(groups: str = DEFAULT_GROUPS, *, log: SigningKey | None = None) -> str:
    lines = [f"log {(log or log_key()).verifier.text}"]
    lines += [f"witness {name} {witness_key(name).verifier.text}" for name in WITNESSES]
    return "\n".join(lines) + "\n" + groups


def policy(groups: str = DEFAULT_GROUPS) -> Policy:
    return Policy.parse(policy_text(groups))


def note_of(
    checkpoint: Checkpoint,
    witnesses: Mapping[str, int] | Sequence[str] = ("regulator", "bureau"),
    *,
    log: SigningKey | None = None,
) -> Note:
    """Return a checkpoint signed by the log and cosigned by witnesses."""
    times = witnesses if isinstance(witnesses, Mapping) else dict.fromkeys(witnesses, SEEN_AT)
    key = log or log_key(origin=checkpoint.origin)
    lines = [cosign(checkpoint.text, witness_key(name), time) for name, time in times.items()]
    return Note(checkpoint.text, (checkpoints.sign(checkpoint, key), *lines))


@dataclass(frozen=True)
class Log:
    """A log in memory."""

    entries: tuple[bytes, ...]
    origin: str = ORIGIN

    @property
    def hashes(self) -> list[bytes]:
        return [leaf_hash(entry) for entry in self.entries]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        hashes = self.hashes[: len(self.entries) if size is None else size]
        return Checkpoint(self.origin, len(hashes), root_of(hashes))

    def note(self, size: int | None = None, **how: Any) -> Note:
        return note_of(self.checkpoint(size), **how)

    def proof(self, index: int, *, extra: bytes | None = None, **how: Any) -> TlogProof:
        hashes = inclusion_proof(self.hashes, index, len(self.entries))
        return TlogProof(index, tuple(hashes), self.note(**how), extra)

    def files(self, size: int | None = None) -> dict[str, bytes]:
        """Return all files of the log at a size, with its head."""
        count = len(self.entries) if size is None else size
        edge = TileEdge()
        tiles = edge.append(self.hashes[:count]) + edge.partials()
        bundles = {
            bundle.path: format_bundle(
                self.entries[bundle.number * 256 : bundle.number * 256 + bundle.width]
            )
            for bundle in bundles_of_size(count)
        }
        return {
            "checkpoint": bytes(self.note(count)),
            **{tile.path: data for tile, data in tiles},
            **bundles,
        }


BODY: Final[dict[str, Any]] = {
    "v": 1,
    "created": SEEN_AT - 2,
    "prev_checkpoint": {
        "size": 3,
        "root": "CnetuwAQRrm8R8BHfOuAxj92XO8CLtWZHxRZ2GsOR2Y=",
    },
    "outcome": "approved",
    "limit": "12000.00",
}
SALT = bytes(range(32))
KIND = leaf.LeafType.DECISION


def filler(number: int) -> bytes:
    salt = sha256(f"filler {number}".encode()).digest()
    return leaf.entry(KIND, leaf.commitment(KIND, salt, b"{}"))


def receipted(
    size: int = 21,
    index: int = 5,
    *,
    body: Mapping[str, Any] | None = None,
    extra: bytes | None = None,
    **how: Any,
) -> Receipt:
    """Return the receipt of one leaf in a log of fillers."""
    canonical = rfc8785.dumps({**(BODY if body is None else body)})
    entry = leaf.entry(KIND, leaf.commitment(KIND, SALT, canonical))
    entries = [filler(number) for number in range(size)]
    entries[index] = entry
    return Receipt(KIND, SALT, canonical, Log(tuple(entries)).proof(index, extra=extra, **how))


def write_files(directory: Path, files: Mapping[str, bytes]) -> Path:
    for path, data in files.items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return directory
