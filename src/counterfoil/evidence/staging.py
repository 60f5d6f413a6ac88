"""Leaves as they are written with their fact: salted, dated on both sides, not yet numbered.

The body      Canonical JSON (RFC 8785) in the terms of `body.py`, with `v`, `created` and
              `prev_checkpoint` in every one: the last witnessed checkpoint that the writer knew
              bounds a leaf's time from below, the witnesses' own time on the next one bounds it
              from above.
Facts         What is recorded elsewhere (the answer to a command) is stated, not copied: its leaf
              keeps the key under which the text is found again, and what was booked.
Units         Instants are whole POSIX seconds by the real clock, whatever day the business has.
Privacy       Bodies hold numbers, codes, amounts and hashes, never particulars of a person.
"""

import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
import rfc8785

from counterfoil.evidence.body import (
    BODY_VERSION,
    FIRST_VERSION,
    Booked,
    check_text,
    command_body,
    stated,
)
from counterfoil.evidence.leaf import SALT_BYTES, LeafType, commitment
from counterfoil.kernel.clock import Clock

#: Whose leaves concern nobody in particular: keys, policies, approvals.
HOUSE: Final = 0

Value = str | int | bool | None | list["Value"] | dict[str, "Value"]


class Witnessed(NamedTuple):
    """A checkpoint that witnesses have signed."""

    size: int
    #: Base64, as checkpoints write it.
    root: str


#: The checkpoint of a log that has none yet: the root of the empty tree.
NOTHING_WITNESSED: Final = Witnessed(0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")


class StagedLeaf(NamedTuple):
    """One row of staged leaves, in the order of its columns."""

    customer_id: int
    leaf_id: int
    leaf_type: int
    #: What it is about: a loan, a line, an application, a consent; 0 where it has no number.
    subject_id: int
    salt: bytes
    commitment: bytes
    #: POSIX seconds.
    created: int
    #: Size of `prev_checkpoint`.
    checkpoint_size: int
    #: Key of the recorded command whose answer the body states; None where the body is kept.
    command_key: str | None
    #: The body; of a command's leaf only what was booked (`Booked.kept`).
    body: bytes


class Leaves:
    """Makes the leaves of one process; knows the last witnessed checkpoint."""

    def __init__(self, wall: Clock) -> None:
        """Take the real clock."""
        self._wall = wall
        self._witnessed = NOTHING_WITNESSED

    @property
    def witnessed(self) -> Witnessed:
        """Return the last witnessed checkpoint that this process knows."""
        return self._witnessed

    def note_witnessed(self, checkpoint: Witnessed) -> None:
        """Take note of a later checkpoint; an earlier one changes nothing."""
        if checkpoint.size > self._witnessed.size:
            self._witnessed = checkpoint

    def now(self) -> int:
        """Return the present instant in POSIX seconds."""
        return self._wall.milliseconds() // 1_000

    def stage(
        self,
        customer_id: int,
        leaf_id: int,
        kind: LeafType,
        subject_id: int,
        fields: Mapping[str, Value],
    ) -> StagedLeaf:
        """Return the leaf of a fact that is stated by its fields and kept with the leaf."""
        created, witnessed = self.now(), self._witnessed
        return self.stage_body(
            customer_id,
            leaf_id,
            kind,
            subject_id,
            canonical_body(fields, created=created, witnessed=witnessed),
            created=created,
            witnessed=witnessed,
        )

    # The parts of a row; a record type for them would be made a second time for every leaf.
    def stage_body(
        self,
        customer_id: int,
        leaf_id: int,
        kind: LeafType,
        subject_id: int,
        body: bytes,
        *,
        created: int,
        witnessed: Witnessed,
    ) -> StagedLeaf:
        """Return the leaf of a canonical body that was built with `canonical_body`."""
        salt = os.urandom(SALT_BYTES)
        return StagedLeaf(
            customer_id,
            leaf_id,
            kind.value,
            subject_id,
            salt,
            commitment(kind, salt, body),
            created,
            witnessed.size,
            None,
            body,
        )

    # The parts of a row, as above.
    def stage_answer(
        self,
        customer_id: int,
        leaf_id: int,
        kind: LeafType,
        subject_id: int,
        answer: Mapping[str, Any],
        booked: Booked,
    ) -> StagedLeaf:
        """Return the leaf of a command's answer.

        The way of every command: nothing here may be slow.
        """
        created, witnessed = self.now(), self._witnessed
        salt = os.urandom(SALT_BYTES)
        body = command_body(answer, booked, created=created, checkpoint=witnessed)
        return StagedLeaf(
            customer_id,
            leaf_id,
            kind.value,
            subject_id,
            salt,
            commitment(kind, salt, body),
            created,
            witnessed.size,
            booked.command,
            booked.kept,
        )


def canonical_body(fields: Mapping[str, Value], *, created: int, witnessed: Witnessed) -> bytes:
    """Return a body with its frame; fields cannot stand in for the frame's own.

    Refuses with `text_not_normalised`.
    """
    frame: dict[str, Value] = {
        "created": created,
        "prev_checkpoint": {"root": witnessed.root, "size": witnessed.size},
        "v": BODY_VERSION,
    }
    body = rfc8785.dumps({**stated(fields), **frame})
    check_text(body.decode())
    return body


def body_of_answer(
    kind: str,
    answer: str,
    *,
    command: str,
    kept: bytes,
    created: int,
    witnessed: Witnessed,
) -> bytes | None:
    """Return the body that a recorded answer to a kind of command makes.

    `kept` is what the leaf keeps of what was booked; empty of a leaf of the first version, whose
    body wraps the text as it stands. None where answer or what is kept was altered.
    """
    if not kept:
        return (
            f'{{"answer":{answer},"created":{created},"prev_checkpoint":'
            f'{{"root":"{witnessed.root}","size":{witnessed.size}}},"v":{FIRST_VERSION}}}'
        ).encode()
    booked = Booked.read(kept, command=command, kind=kind)
    if booked is None:
        return None
    try:
        fields = orjson.loads(answer)
        if orjson.dumps(fields, option=orjson.OPT_SORT_KEYS) != answer.encode():
            return None  # the same fields in another spelling than was acknowledged
        return command_body(fields, booked, created=created, checkpoint=witnessed)
    except (ValueError, AttributeError, KeyError, AssertionError):
        return None
