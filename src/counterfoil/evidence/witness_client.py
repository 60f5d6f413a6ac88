"""What the log asks of one witness: cosign this head, and show the last one you cosigned.

Sizes       A request names the size that the witness last cosigned, with the proof from there. The
            log remembers it per witness; a witness that knows better says so (409) and is asked
            again from its size.
Errors      Whatever a witness does comes as a value. It is believed only where it shows something
            signed: a claim alone, that it is ahead or that there is a fork, is checked by whoever
            asked, against the head that it serves.
Follows     C2SP tlog-witness v1.0.0; same size and another root is 409 there and 422 in the text at
            commit 5ba5ee8, both read the same here.
"""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, assert_never

import httpx

from counterfoil.evidence.formats import cosignature
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.note import NOTE_BYTES_MAX, Note, NoteSignature, parse_note
from counterfoil.evidence.formats.policy import Policy, Witness
from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.evidence.formats.witness_protocol import (
    ADD_CHECKPOINT,
    AddCheckpoint,
    Answer,
    monitoring_path,
    parse_cosignatures,
    parse_size,
)

#: Times that a witness is asked again from the size that it names.
CONFLICTS_MAX: Final = 3
#: Gives the proof that the tree of one size grew into the tree of a later one.
Prove = Callable[[int, int], Awaitable[Sequence[bytes]]]


class Cosigned(NamedTuple):
    """The witness's line under this very head, verified."""

    signature: NoteSignature
    #: POSIX seconds by the witness's clock.
    time: int


class Disputed(NamedTuple):
    """The witness will not follow; it says that it is elsewhere, and has yet to show it."""

    what: str


class Faulty(NamedTuple):
    """What the witness answered is not of the protocol, or not good."""

    why: str


class Absent(NamedTuple):
    """No answer."""

    why: str


Outcome = Cosigned | Disputed | Faulty | Absent


class Shown(NamedTuple):
    """The head that a witness serves, signed by the log and by the witness."""

    checkpoint: Checkpoint
    note: Note
    time: int


class Nothing(NamedTuple):
    """The witness has not cosigned this log yet."""


View = Shown | Nothing | Faulty | Absent


@dataclass(slots=True)
class WitnessClient:
    """One witness over HTTP."""

    http: httpx.AsyncClient
    origin: str
    policy: Policy
    witness: Witness
    #: What it last cosigned, as far as is known.
    cosigned_size: int = 0

    @property
    def name(self) -> str:
        """Return the name that the policy gives it."""
        return self.witness.name

    async def cosign(self, checkpoint: Checkpoint, note: Note, prove: Prove) -> Outcome:
        """Ask for a line under a head; follow the witness to the size that it names."""
        old_size = min(self.cosigned_size, checkpoint.size)
        for _ in range(CONFLICTS_MAX):
            proof = await prove(old_size, checkpoint.size)
            request = AddCheckpoint(old_size, tuple(proof), note)
            found = await self._ask(checkpoint, request)
            if not isinstance(found, int):
                return found
            if found > checkpoint.size:
                return Disputed(f"says that it cosigned size {found}, beyond {checkpoint.size}")
            if found == old_size:
                return Disputed(f"has another tree of size {found}")
            self.cosigned_size = old_size = found
        return Faulty("names another size each time")

    async def head(self) -> View:
        """Return the last head that the witness cosigned, as it serves it."""
        try:
            answer = await self.http.get(self._url(monitoring_path(self.origin)))
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as failure:
            return Absent(type(failure).__name__)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Nothing()
        if answer.status_code != httpx.codes.OK:
            return Absent(f"answers {answer.status_code}")
        try:
            note = parse_note(answer.content[: NOTE_BYTES_MAX + 1])
            seen = self.policy.inspect(note)
        except RejectedError as failure:
            return Faulty(f"serves a head that is not believed: {failure.reason}")
        if seen.checkpoint.origin != self.origin or self.name not in seen.times:
            return Faulty("serves a head without its own line, or of another log")
        return Shown(seen.checkpoint, note, seen.times[self.name])

    async def _ask(self, checkpoint: Checkpoint, request: AddCheckpoint) -> Outcome | int:
        """Return what came of one request; a number is the size that the witness names."""
        try:
            answer = await self.http.post(self._url(ADD_CHECKPOINT), content=bytes(request))
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as failure:
            return Absent(type(failure).__name__)
        try:
            status = Answer(answer.status_code)
        except ValueError:
            return Absent(f"answers {answer.status_code}")
        try:
            return self._read(status, answer.content[: NOTE_BYTES_MAX + 1], checkpoint)
        except RejectedError as failure:
            return Faulty(f"answers {status.value} with {failure.reason}")

    def _read(self, status: Answer, content: bytes, checkpoint: Checkpoint) -> Outcome | int:
        match status:
            case Answer.COSIGNED:
                return self._line_of(content, checkpoint)
            case Answer.SIZE_CONFLICT:
                return parse_size(content)
            case Answer.INCONSISTENT:
                return Disputed("says that the tree does not continue what it saw")
            case Answer.MALFORMED | Answer.UNSIGNED | Answer.ORIGIN_UNKNOWN:
                return Faulty(f"answers {status.value} {status.name.lower()}")
        assert_never(status)

    def _line_of(self, content: bytes, checkpoint: Checkpoint) -> Outcome:
        key = self.witness.key
        for line in parse_cosignatures(content):
            if line.name == key.name and line.key_id == key.key_id:
                time = cosignature.verify(checkpoint.text, line, key)
                self.cosigned_size = max(self.cosigned_size, checkpoint.size)
                return Cosigned(line, time)
        return Faulty("gave no line of its own")

    def _url(self, path: str) -> str:
        return f"{(self.witness.url or '').rstrip('/')}/{path}"
