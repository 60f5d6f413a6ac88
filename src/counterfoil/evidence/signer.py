"""Who signs checkpoints: a port, and key files for installations without a hardware module.

Form        `log-0001.key`, `log-0002.key` …: the 32 secret bytes in hexadecimal, one line, mode
            0600, and beside each its public half as a policy has it (`log-0001.pub`). Every secret
            that is there signs, so that during a rotation verifiers with the old and with the new
            policy both find their line; an old key ends by moving its secret away, its public half
            stays in the policy for the receipts that it signed.
Invariant   A key is made once; a secret that is missing later is never made anew.
Follows     C2SP tlog-checkpoint v1.0.0 (Ed25519, type 0x01; the key's name is the log's).
"""

import re
from pathlib import Path
from typing import Final, Protocol

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.note import NoteSignature, SigningKey, VerifierKey
from counterfoil.privacy.key_file import write_once

_PUBLIC: Final = re.compile(r"log-([0-9]{4})\.pub")


class SignerUnavailableError(Exception):
    """No key of the log can be used at the moment."""


class CheckpointSigner(Protocol):
    """Signs checkpoints of one log with all its current keys."""

    def verifiers(self) -> tuple[VerifierKey, ...]:
        """Return the public halves of all keys there ever were, oldest first."""
        ...

    async def sign(self, checkpoint: Checkpoint) -> tuple[NoteSignature, ...]:
        """Return the log's lines under a checkpoint."""
        ...


class FileSigner:
    """Signs with key files of a directory."""

    def __init__(self, directory: Path, origin: str) -> None:
        """Take the directory and the log's name."""
        self._directory = directory
        self._origin = origin

    def verifiers(self) -> tuple[VerifierKey, ...]:
        """Return the public halves, oldest first."""
        keys = [
            VerifierKey.parse((self._directory / name).read_text(encoding="utf-8").strip())
            for name in _public_names(self._directory)
        ]
        return tuple(key for key in keys if key.name == self._origin)

    async def sign(self, checkpoint: Checkpoint) -> tuple[NoteSignature, ...]:
        """Return the lines of every key whose secret is there."""
        keys = self._secrets()
        if not keys:
            raise SignerUnavailableError("there is no key file of the log")
        return tuple(checkpoints.sign(checkpoint, key) for key in keys)

    def _secrets(self) -> list[SigningKey]:
        keys = []
        for name in _public_names(self._directory):
            path = (self._directory / name).with_suffix(".key")
            if path.exists():
                seed = bytes.fromhex(path.read_text(encoding="ascii").strip())
                key = SigningKey.from_seed(self._origin, Algorithm.ED25519, seed)
                if key.verifier in self.verifiers():
                    keys.append(key)
        return keys


def create_key(directory: Path, origin: str) -> VerifierKey:
    """Make the log's next key; the first one with the log, a later one to rotate."""
    number = len(_public_names(directory)) + 1
    secret = directory / f"log-{number:04d}.key"
    write_once(secret, SigningKey.generate(origin, Algorithm.ED25519).seed.hex())
    seed = bytes.fromhex(secret.read_text(encoding="ascii").strip())
    verifier = SigningKey.from_seed(origin, Algorithm.ED25519, seed).verifier
    write_once(secret.with_suffix(".pub"), verifier.text)
    return verifier


def _public_names(directory: Path) -> list[str]:
    if not directory.is_dir():
        return []
    return sorted(path.name for path in directory.iterdir() if _PUBLIC.fullmatch(path.name))
