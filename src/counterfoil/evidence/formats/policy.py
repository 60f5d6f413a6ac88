"""Policies: which logs are believed, and which witnesses must have seen what they say.

The file is the trust anchor that customers, bureaus and regulators are handed. One that is not
understood to the last word is an error, never a weaker policy.
Follows     C2SP tlog-policy, narrowed: UTF-8; logs bear keys of logs (0x01), witnesses keys of
            witnesses (0x04, 0x06); no public key stands twice in the file, be it as log or as
            witness.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats import cosignature
from counterfoil.evidence.formats.algorithms import OF_LOGS, OF_WITNESSES, Algorithm
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.lines import parse_number
from counterfoil.evidence.formats.note import Note, NoteRejectedError, VerifierKey
from counterfoil.evidence.formats.reasons import Reason, RejectedError

POLICY_BYTES_MAX: Final = 1 << 20
#: The predefined quorum that asks for no witness.
NONE: Final = "none"
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BLANKS: Final = re.compile(r"[ \t]+")


class PolicyRejectedError(RejectedError):
    """A policy is not understood."""

    def __init__(self, detail: str) -> None:
        """Say where and why."""
        super().__init__(Reason.POLICY_NOT_UNDERSTOOD, detail)


@dataclass(frozen=True)
class Log:
    """A log that is believed."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True)
class Witness:
    """Somebody whose cosignature counts."""

    #: Within the file only.
    name: str
    key: VerifierKey
    url: str | None


@dataclass(frozen=True)
class Group:
    """Members of which at least `threshold` must have witnessed."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """A checkpoint that the policy believes."""

    checkpoint: Checkpoint
    #: By the name that the policy gives the witness: when it cosigned, POSIX seconds.
    times: Mapping[str, int]


@dataclass(frozen=True)
class Policy:
    """Who is believed, and how many of them together."""

    logs: tuple[Log, ...]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def parse(cls, data: str | bytes) -> "Policy":
        """Read a policy file."""
        reader = _Reader()
        for number, line in enumerate(_lines(data), start=1):
            words = [word for word in _BLANKS.split(line) if word]
            if words and not words[0].startswith("#"):
                try:
                    reader.take(words)
                except RejectedError as failure:
                    where = f"line {number}: {failure.detail or failure.reason}"
                    raise PolicyRejectedError(where) from failure
        if reader.quorum is None:
            raise PolicyRejectedError("no quorum")
        return cls(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum)

    def origins(self) -> frozenset[str]:
        """Return the names of the logs that are believed."""
        return frozenset(log.key.name for log in self.logs)

    def check(self, note: Note) -> Accepted:
        """Return what a note says if a believed log signed it and the quorum saw it.

        A line whose name and id are known is verified, and a wrong one rejects the note, even if
        the others were enough. Lines of unknown keys are ignored.
        """
        seen = self.inspect(note)
        if not seen.times:
            raise NoteRejectedError(Reason.WITNESSES_MISSING, seen.checkpoint.origin)
        if not self.is_met_by(seen.times):
            raise NoteRejectedError(
                Reason.QUORUM_NOT_MET, f"only {', '.join(sorted(seen.times))} cosigned"
            )
        return seen

    def inspect(self, note: Note) -> Accepted:
        """Return what a note says if a believed log signed it, whoever witnessed it.

        The log's signature alone proves no inclusion; this is for comparing heads.
        """
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin not in self.origins():
            raise NoteRejectedError(Reason.ORIGIN_UNKNOWN, checkpoint.origin)
        is_signed = False
        for log in self.logs:
            if line := note.signed_by(log.key):
                checkpoints.verify(note.text, line, log.key)
                is_signed |= log.key.name == checkpoint.origin
        times = {
            witness.name: cosignature.verify(note.text, line, witness.key)
            for witness in self.witnesses.values()
            if (line := note.signed_by(witness.key))
        }
        if not is_signed:
            raise NoteRejectedError(Reason.LOG_SIGNATURE_MISSING, checkpoint.origin)
        return Accepted(checkpoint, times)

    def is_met_by(self, names: Mapping[str, int] | frozenset[str]) -> bool:
        """Tell whether witnesses of these names are a quorum."""
        if self.quorum == NONE:
            return True
        # Groups name what stands before them, so one pass in their order is enough.
        met = {name: name in names for name in self.witnesses}
        for group in self.groups.values():
            met[group.name] = sum(met[member] for member in group.members) >= group.threshold
        return met[self.quorum]


def _lines(data: str | bytes) -> list[str]:
    raw = data.encode() if isinstance(data, str) else data
    if len(raw) > POLICY_BYTES_MAX:
        raise PolicyRejectedError(f"{len(raw)} bytes, {POLICY_BYTES_MAX} are read")
    try:
        text = raw.decode()
    except UnicodeDecodeError as failure:
        raise PolicyRejectedError(f"not UTF-8 at byte {failure.start}") from failure
    if found := _FORBIDDEN.search(text):
        raise PolicyRejectedError(f"control character U+{ord(found[0]):04X}")
    if not text.endswith("\n"):
        raise PolicyRejectedError("no newline at the end")
    return text[:-1].split("\n")


@dataclass
class _Reader:
    """What the lines read so far have defined."""

    logs: list[Log] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None
    _members: set[str] = field(default_factory=set)
    _public_keys: set[bytes] = field(default_factory=set)

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", key, *url] if len(url) <= 1:
                self._log(key, url[0] if url else None)
            case ["witness", name, key, *url] if len(url) <= 1:
                self._witness(name, key, url[0] if url else None)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise PolicyRejectedError(f"{' '.join(words)[:80]!r} is no line of a policy")

    def _log(self, text: str, url: str | None) -> None:
        self.logs.append(Log(self._key(text, OF_LOGS), url))

    def _witness(self, name: str, text: str, url: str | None) -> None:
        self._define(name)
        self.witnesses[name] = Witness(name, self._key(text, OF_WITNESSES), url)

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            self._known(member)
            if member in self._members:
                raise PolicyRejectedError(f"{member} is a member twice")
            self._members.add(member)
        self._define(name)
        count = len(members)
        needed = {"all": count, "any": 1}.get(threshold)
        if needed is None:
            needed = parse_number(threshold)
        if not 1 <= needed <= count:
            raise PolicyRejectedError(f"{needed} of {count}")
        self.groups[name] = Group(name, needed, tuple(members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise PolicyRejectedError("a second quorum")
        if name != NONE:
            self._known(name)
        self.quorum = name

    def _define(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise PolicyRejectedError(f"the name {name} is taken")

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise PolicyRejectedError(f"{name} is not defined above")

    def _key(self, text: str, allowed: Collection[Algorithm]) -> VerifierKey:
        key = VerifierKey.parse(text)
        if key.algorithm not in allowed:
            raise PolicyRejectedError(f"a key of type 0x{key.algorithm:02x} in this place")
        if key.public_key in self._public_keys:
            raise PolicyRejectedError(f"the public key of {key.name} stands twice")
        self._public_keys.add(key.public_key)
        return key
