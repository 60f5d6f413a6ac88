"""Signed notes: a text, and lines under it that say who signed it.

Follows     C2SP signed-note v1.0.0. Narrowed as in `lines.py`; at most 64 signature lines are read.
            Which algorithms there are is said in `algorithms.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple, Self

from counterfoil.evidence.formats.algorithms import SCHEMES, SEED_BYTES, Algorithm, new_seed
from counterfoil.evidence.formats.lines import decode, format_base64, parse_base64
from counterfoil.evidence.formats.reasons import Reason, RejectedError

NOTE_BYTES_MAX: Final = 1 << 19
#: The format asks for at least 16.
SIGNATURES_MAX: Final = 64
KEY_ID_BYTES: Final = 4
_KEY_ID_DIGITS: Final = 2 * KEY_ID_BYTES


class NoteRejectedError(RejectedError):
    """A note, a key or a signature line is not believed."""


class NoteSignature(NamedTuple):
    """One signature line."""

    name: str
    key_id: bytes
    #: What the algorithm makes of it; for a cosignature the time comes first.
    blob: bytes

    @property
    def line(self) -> str:
        """Return the line with its newline."""
        return f"— {self.name} {format_base64(self.key_id + self.blob)}\n"


@dataclass(frozen=True)
class VerifierKey:
    """A name and a public key: whom one believes, and for which kind of signature."""

    name: str
    algorithm: Algorithm
    public_key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<name>+<8 hexadecimal digits>+<base64 of algorithm and public key>`."""
        parts = text.split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - as the docstring says
            raise NoteRejectedError(Reason.KEY_MALFORMED, repr(text[:120]))
        name, digits, encoded = parts
        check_name(name)
        data = _decode_key(encoded)
        try:
            algorithm = Algorithm(data[0])
        except ValueError as failure:
            raise NoteRejectedError(Reason.ALGORITHM_UNKNOWN, f"0x{data[0]:02x}") from failure
        key = cls(name, algorithm, data[1:])
        if len(key.public_key) != SCHEMES[algorithm].public_key_bytes:
            raise NoteRejectedError(Reason.KEY_MALFORMED, f"{len(key.public_key)} bytes")
        if digits != key.key_id.hex():
            raise NoteRejectedError(
                Reason.KEY_ID_MISMATCH, f"{digits[:_KEY_ID_DIGITS]} is not {key.key_id.hex()}"
            )
        return key

    @cached_property
    def key_id(self) -> bytes:
        """Return the four bytes that stand for the key in a signature line."""
        identity = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key
        return sha256(identity).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """Return the key as it stands in policies."""
        encoded = format_base64(bytes([self.algorithm]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def has_signed(self, signature: bytes, message: bytes) -> bool:
        """Tell whether a signature over exactly this message is the key's."""
        scheme = SCHEMES[self.algorithm]
        if len(signature) != scheme.signature_bytes:
            return False
        return scheme.has_signed(self.public_key, signature, message)


def _decode_key(encoded: str) -> bytes:
    try:
        data = parse_base64(encoded)
    except RejectedError as failure:
        raise NoteRejectedError(Reason.KEY_MALFORMED, failure.detail) from failure
    if not data:
        raise NoteRejectedError(Reason.KEY_MALFORMED, "no key")
    return data


def check_name(name: str) -> None:
    """Reject a key's name that is empty or has a space or a plus sign."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteRejectedError(Reason.KEY_MALFORMED, f"the name {name[:120]!r}")


@dataclass(frozen=True)
class SigningKey:
    """The private half of a verifier key."""

    name: str
    algorithm: Algorithm
    #: The secret bytes, to be stored where nobody else reads them.
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a name that no note could bear, and a secret that is none."""
        check_name(self.name)
        if len(self.seed) != SEED_BYTES:
            raise ValueError(f"a key has {SEED_BYTES} secret bytes, not {len(self.seed)}")

    @classmethod
    def generate(cls, name: str, algorithm: Algorithm) -> Self:
        """Make a new key."""
        return cls(name, algorithm, new_seed())

    @classmethod
    def from_seed(cls, name: str, algorithm: Algorithm, seed: bytes) -> Self:
        """Take up a key from its 32 secret bytes."""
        return cls(name, algorithm, seed)

    @cached_property
    def verifier(self) -> VerifierKey:
        """Return the public half."""
        public_key = SCHEMES[self.algorithm].public_key(self.seed)
        return VerifierKey(self.name, self.algorithm, public_key)

    def sign(self, message: bytes, *, before: bytes = b"") -> NoteSignature:
        """Return the signature line over a message; `before` goes in front of the signature."""
        blob = before + SCHEMES[self.algorithm].sign(self.seed, message)
        return NoteSignature(self.name, self.verifier.key_id, blob)


@dataclass(frozen=True)
class Note:
    """A text that ends in a newline, and at least one signature line."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __bytes__(self) -> bytes:
        """Return the note as it is stored and sent."""
        return (self.text + "\n" + "".join(line.line for line in self.signatures)).encode()

    def signed_by(self, key: VerifierKey) -> NoteSignature | None:
        """Return the line under a key's name and id, unverified; two of one key are rejected."""
        found = [
            line for line in self.signatures if line.key_id == key.key_id and line.name == key.name
        ]
        if len(found) > 1:
            raise NoteRejectedError(Reason.SIGNATURE_DOUBLED, key.name)
        return found[0] if found else None

    def joined(self, signatures: Iterable[NoteSignature]) -> "Note":
        """Return the note with more lines; one of the same name and id is replaced."""
        by_key = {(line.name, line.key_id): line for line in (*self.signatures, *signatures)}
        return Note(self.text, tuple(by_key.values()))


def parse_note(data: bytes) -> Note:
    """Read a note; whether its signatures are good is for whoever knows the keys."""
    try:
        text = decode(data, bytes_max=NOTE_BYTES_MAX)
    except RejectedError as failure:
        raise NoteRejectedError(failure.reason, failure.detail) from failure
    end = text.rfind("\n\n")
    if end < 0:
        raise NoteRejectedError(Reason.SIGNATURES_MISSING, "no empty line before signatures")
    return Note(text[: end + 1], parse_signatures(text[end + 2 :]))


def parse_signatures(text: str) -> tuple[NoteSignature, ...]:
    """Read signature lines, at least one."""
    if not text:
        raise NoteRejectedError(Reason.SIGNATURES_MISSING)
    if not text.endswith("\n"):
        raise NoteRejectedError(Reason.FINAL_NEWLINE_MISSING)
    lines = text[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteRejectedError(Reason.SIGNATURES_TOO_MANY, f"{len(lines)} lines")
    return tuple(map(_parse_signature, lines))


def _parse_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":  # noqa: PLR2004 - dash, name, base64
        raise NoteRejectedError(Reason.MALFORMED, f"signature line {line[:120]!r}")
    name, encoded = parts[1:]
    try:
        check_name(name)
        data = parse_base64(encoded)
    except RejectedError as failure:
        raise NoteRejectedError(Reason.MALFORMED, f"signature line {line[:120]!r}") from failure
    if len(data) <= KEY_ID_BYTES:
        raise NoteRejectedError(Reason.MALFORMED, f"signature line of {len(data)} bytes")
    return NoteSignature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])
