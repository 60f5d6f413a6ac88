"""What a witness answers to a log that asks it to cosign a checkpoint.

Invariant   Of one log a witness cosigns a history that only grows: each head continues the one
            before it, proven by hashes. Looking at the last head and putting the next in its place
            is one step that nothing comes between, and the next is durable before the answer is.
Units       Times are POSIX seconds by the witness's own clock. They never decrease: where the clock
            has stepped back by no more than `HELD_SECONDS_MAX` the last time is given once more;
            beyond that the witness refuses until the clock is right again, because what it says
            about time would be worth nothing.
Evidence    Every refused request that a trusted key of its log signed is kept with the head that
            was held. Two heads of one size and two roots prove a fork to anybody.
Follows     C2SP tlog-witness v1.0.0 with the answer 422 of commit 5ba5ee8 for two roots of a size.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, NamedTuple

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats import cosignature
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import EMPTY_ROOT, verify_consistency
from counterfoil.evidence.formats.note import (
    Note,
    NoteRejectedError,
    NoteSignature,
    SigningKey,
    VerifierKey,
    parse_note,
)
from counterfoil.evidence.formats.reasons import Reason, RejectedError
from counterfoil.evidence.formats.witness_protocol import (
    SIZE_CONTENT_TYPE,
    AddCheckpoint,
    Answer,
    format_cosignatures,
    format_size,
)
from counterfoil.witness.home import Refusal, WitnessHome, WitnessHomeError

#: A clock is set right by as much without anybody noticing; verifiers refuse times that lie more
#: than 60 s apart.
HELD_SECONDS_MAX: Final = 10
TEXT_CONTENT_TYPE: Final = "text/plain; charset=utf-8"
#: Not of the protocol: the witness cannot answer for the time.
CLOCK_WRONG: Final = 503


class Reply(NamedTuple):
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = TEXT_CONTENT_TYPE


class Head(NamedTuple):
    """The last checkpoint of a log that this witness cosigned."""

    note: Note
    checkpoint: Checkpoint
    #: When it was cosigned last.
    time: int


class Objection(NamedTuple):
    """Why a request is refused."""

    answer: Answer
    #: Stable word; what is kept is sorted by it.
    reason: str
    detail: str = ""


class Witness:
    """Cosigns the heads of the logs that its home trusts."""

    def __init__(self, home: WitnessHome, key: SigningKey, seconds: Callable[[], int]) -> None:
        """Take a home that this process has locked, and look whether every head in it is whole."""
        self._home = home
        self._key = key
        self._seconds = seconds
        self._lock = Lock()
        heads = [read_head(home, log[0].name, key.verifier) for log in trusted_logs(home)]
        self._last_time = max((head.time for head in heads if head is not None), default=0)

    def add_checkpoint(self, request: bytes) -> Reply:
        """Answer the request of a log."""
        try:
            asked = AddCheckpoint.parse(request)
        except RejectedError as failure:
            return _reply(Objection(Answer.MALFORMED, failure.reason, failure.detail), None)
        with self._lock:
            now = self._seconds()
            if now < self._last_time - HELD_SECONDS_MAX:
                return Reply(CLOCK_WRONG, b"the clock of this witness has stepped back\n")
            return self._answer(asked, max(now, self._last_time))

    def _answer(self, asked: AddCheckpoint, now: int) -> Reply:
        origin = asked.note.text.partition("\n")[0]
        keys = trusted_keys(self._home, origin)
        head = read_head(self._home, origin, self._key.verifier)
        signed, wrong = log_lines(asked.note, keys)
        objection = _objection(asked, keys=keys, signed=signed, wrong=wrong, head=head)
        if objection is None:
            return self._cosign(origin, asked.note.text, signed, now)
        if signed:
            self._keep(origin, asked, objection, head, now)
        return _reply(objection, head)

    def _cosign(self, origin: str, text: str, signed: Sequence[NoteSignature], now: int) -> Reply:
        line = cosignature.cosign(text, self._key, now)
        self._home.store_head(origin, bytes(Note(text, (*signed, line))))
        self._last_time = now
        return Reply(Answer.COSIGNED, format_cosignatures([line]))

    def _keep(
        self, origin: str, asked: AddCheckpoint, objection: Objection, head: Head | None, now: int
    ) -> None:
        refusal = Refusal(
            received=now,
            status=objection.answer,
            reason=objection.reason,
            held=None if head is None else bytes(head.note).decode(),
            request=bytes(asked).decode(),
        )
        self._home.keep_refusal(origin, asked.note.text, refusal)

    def advance(self, data: bytes) -> Head:
        """Take up a head that this very witness cosigned, found with somebody else.

        This is how a home that was restored from an older copy learns what it had signed since.
        No proof is asked for: the witness vouched for the head before, by its own signature.
        """
        note = parse_note(data)
        found = _own_head(note, self._key.verifier)
        origin = found.checkpoint.origin
        signed, wrong = log_lines(note, trusted_keys(self._home, origin))
        if wrong or not signed:
            raise NoteRejectedError(Reason.LOG_SIGNATURE_MISSING, origin)
        with self._lock:
            held = read_head(self._home, origin, self._key.verifier)
            if held is not None and held.checkpoint.size >= found.checkpoint.size:
                if (
                    held.checkpoint.size == found.checkpoint.size
                    and held.checkpoint != found.checkpoint
                ):
                    raise NoteRejectedError(Reason.SPLIT, "this witness has signed both roots")
                return held
            own = note.signed_by(self._key.verifier)
            assert own is not None
            self._home.store_head(origin, bytes(Note(note.text, (*signed, own))))
            self._last_time = max(self._last_time, found.time)
        return found


def trusted_keys(home: WitnessHome, origin: str) -> list[VerifierKey]:
    """Return the keys of a log; none if it is unknown."""
    return [VerifierKey.parse(text) for text in home.trusted(origin)]


def trusted_logs(home: WitnessHome) -> list[list[VerifierKey]]:
    """Return the keys of each log that is witnessed."""
    return [[VerifierKey.parse(text) for text in log] for log in home.logs()]


def read_head(home: WitnessHome, origin: str, own: VerifierKey) -> Head | None:
    """Return the last head of a log; a file that this witness did not sign is never built upon."""
    data = home.head(origin)
    if data is None:
        return None
    try:
        head = _own_head(parse_note(data), own)
    except RejectedError as failure:
        raise WitnessHomeError(f"the head of {origin} is damaged: {failure}") from failure
    if head.checkpoint.origin != origin:
        raise WitnessHomeError(f"the head of {origin} is that of {head.checkpoint.origin}")
    return head


def _own_head(note: Note, own: VerifierKey) -> Head:
    line = note.signed_by(own)
    if line is None:
        raise NoteRejectedError(Reason.WITNESSES_MISSING, f"{own.name} did not sign it")
    time = cosignature.verify(note.text, line, own)
    return Head(note, Checkpoint.parse(note.text), time)


def log_lines(note: Note, keys: Sequence[VerifierKey]) -> tuple[list[NoteSignature], bool]:
    """Return the good lines of a log's keys, and whether a line of one of them is not good."""
    good, is_one_wrong = [], False
    for key in keys:
        try:
            line = note.signed_by(key)
            if line is not None:
                checkpoints.verify(note.text, line, key)
                good.append(line)
        except NoteRejectedError:
            is_one_wrong = True
    return good, is_one_wrong


def _objection(
    asked: AddCheckpoint,
    *,
    keys: Sequence[VerifierKey],
    signed: Sequence[NoteSignature],
    wrong: bool,
    head: Head | None,
) -> Objection | None:
    """Return what speaks against cosigning, in the order of the protocol."""
    failure = _checkpoint_failure(asked.note.text)
    if failure is not None and failure.reason is not Reason.EMPTY_ROOT_MISMATCH:
        return Objection(Answer.MALFORMED, failure.reason, failure.detail)
    if not keys:
        return Objection(Answer.ORIGIN_UNKNOWN, Reason.ORIGIN_UNKNOWN)
    if wrong:
        return Objection(Answer.UNSIGNED, Reason.SIGNATURE_WRONG)
    if not signed:
        return Objection(Answer.UNSIGNED, Reason.LOG_SIGNATURE_MISSING)
    if failure is not None:
        return Objection(Answer.INCONSISTENT, failure.reason)
    return _against_growth(asked, Checkpoint.parse(asked.note.text), head)


def _checkpoint_failure(text: str) -> RejectedError | None:
    try:
        Checkpoint.parse(text)
    except RejectedError as failure:
        return failure
    return None


def _against_growth(
    asked: AddCheckpoint, checkpoint: Checkpoint, head: Head | None
) -> Objection | None:
    if asked.old_size > checkpoint.size:
        return Objection(Answer.MALFORMED, Reason.SIZE_OUT_OF_RANGE, "old is above the size")
    held = Checkpoint(checkpoint.origin, 0, EMPTY_ROOT) if head is None else head.checkpoint
    is_split = held.size == checkpoint.size and held.root != checkpoint.root
    if asked.old_size != held.size:
        return Objection(Answer.SIZE_CONFLICT, Reason.SPLIT if is_split else Reason.SIZES_DIFFER)
    try:
        verify_consistency(held.size, checkpoint.size, asked.proof, held.root, checkpoint.root)
    except RejectedError as failure:
        reason = Reason.SPLIT if is_split else failure.reason
        return Objection(Answer.INCONSISTENT, reason, failure.detail)
    return None


def _reply(objection: Objection, head: Head | None) -> Reply:
    if objection.answer is Answer.SIZE_CONFLICT:
        size = 0 if head is None else head.checkpoint.size
        return Reply(objection.answer, format_size(size), SIZE_CONTENT_TYPE)
    text = f"{objection.reason}: {objection.detail}" if objection.detail else objection.reason
    return Reply(objection.answer, f"{text}\n".encode())
