"""What a log and a witness say to each other, byte for byte."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from tests.unit.evidence.logs_for_tests import note_of, receipted, sample

from counterfoil.evidence.formats import cosignature
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.note import VerifierKey
from counterfoil.evidence.formats.reasons import Reason, RejectedError
from counterfoil.evidence.formats.witness_protocol import (
    AddCheckpoint,
    Answer,
    format_cosignatures,
    format_size,
    monitoring_path,
    parse_cosignatures,
    parse_size,
)

REQUEST = sample()["add-checkpoint.request"]


def reason_of(read: Callable[[], object]) -> Reason | None:
    try:
        read()
    except RejectedError as rejected:
        return rejected.reason
    return None


def test_the_samples_request_is_written_as_it_was_read() -> None:
    request = AddCheckpoint.parse(REQUEST)
    assert request.old_size == 5
    assert Checkpoint.parse(request.note.text).size == 260
    assert bytes(request) == REQUEST


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"old 5", b"old 05", Reason.NUMBER_MALFORMED),
        (b"old 5", b"old -5", Reason.NUMBER_MALFORMED),
        (b"old 5", b"old  5", Reason.NUMBER_MALFORMED),
        (b"old 5", b"new 5", Reason.MALFORMED),
        (b"old 5\n", b"old 5\nAAAA\n", Reason.HASH_LENGTH),
        (b"old 5\n", b"old 5\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 62,
         Reason.PROOF_LENGTH),
        (b"old 5\n", b"old 5\n\n", Reason.SIGNATURE_DOUBLED),
        (b"\n", b"\r\n", Reason.CONTROL_CHARACTER),
    ],
)  # fmt: skip
def test_a_request_has_one_spelling(old: bytes, new: bytes, reason: Reason) -> None:
    changed = REQUEST.replace(old, new, 1)
    if reason is Reason.SIGNATURE_DOUBLED:
        # The hashes are then part of the note's text, which is no checkpoint any more.
        assert reason_of(lambda: Checkpoint.parse(AddCheckpoint.parse(changed).note.text))
    else:
        assert reason_of(lambda: AddCheckpoint.parse(changed)) is reason


def test_an_answer_is_lines_that_verify_for_the_checkpoint_that_was_sent() -> None:
    note = receipted().proof.note
    lines = note.signatures[1:]
    assert parse_cosignatures(format_cosignatures(lines)) == lines
    assert reason_of(lambda: parse_cosignatures(b"")) is Reason.FINAL_NEWLINE_MISSING
    assert reason_of(lambda: parse_cosignatures(b"\n")) is Reason.MALFORMED
    assert reason_of(lambda: parse_cosignatures(b"260\n")) is Reason.MALFORMED


def test_sizes_are_one_line() -> None:
    assert parse_size(format_size(260)) == 260
    for body in (b"", b"260", b"+260\n", b"260\n\n", b"0260\n", b"9" * 40 + b"\n"):
        assert reason_of(lambda: parse_size(body))  # noqa: B023


def test_where_a_witness_serves_a_log_follows_from_its_origin() -> None:
    assert monitoring_path("a.example") == sha256(b"a.example").hexdigest() + "/checkpoint"


def test_statuses_are_those_of_the_protocol() -> None:
    assert [answer.value for answer in Answer] == [200, 400, 403, 404, 409, 422]


def test_the_samples_cosignatures_are_reproduced_by_their_keys() -> None:
    text = AddCheckpoint.parse(REQUEST).note.text
    lines = {line.name: line for line in note_of(Checkpoint.parse(text)).signatures[1:]}
    stored = sample()["log/checkpoint"].decode()
    for line in lines.values():
        assert line.line in stored
    vkey = "witness.bureau.example/w1+b59df8b4+BCN8i15Nb6hxT3rabvWyUXEtgzEsCEdTtNoC/123hbk4"
    bureau = lines["witness.bureau.example/w1"]
    assert cosignature.verify(text, bureau, VerifierKey.parse(vkey)) == 1_798_761_662
