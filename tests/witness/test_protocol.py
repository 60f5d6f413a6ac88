"""The answers of the protocol's table, each with what it leaves behind."""

import json
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from tests.witness.conftest import NAME, Desk
from tests.witness.log import ORIGIN, Log, a_key, time_of

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.note import (
    Note,
    NoteSignature,
    SigningKey,
    parse_note,
)
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.witness_protocol import (
    REQUEST_BYTES_MAX,
    SIZE_CONTENT_TYPE,
    AddCheckpoint,
    parse_size,
)
from counterfoil.witness.witness import HELD_SECONDS_MAX

VECTORS = Path(__file__).parents[1] / "unit" / "evidence" / "vectors"


def reasons(desk: Desk) -> list[tuple[int, str]]:
    """Return what was kept, as status and reason."""
    return [(kept.status, kept.reason) for kept in desk.home.refusals()]


def size_of(desk: Desk) -> int | None:
    head = desk.home.head(ORIGIN)
    return None if head is None else int(head.split(b"\n")[1])


def test_a_log_is_cosigned_as_it_grows(desk: Desk, log: Log) -> None:
    for old, size in ((0, 1), (1, 2), (2, 7), (7, 7), (7, 8), (8, 260)):
        reply = desk.witness.add_checkpoint(log.request(old, size))
        assert reply.status == 200
        assert time_of(reply.body, log.note(size), desk.key.verifier) == desk.now
        assert size_of(desk) == size
    assert reasons(desk) == []


def test_a_witness_of_the_other_algorithm_does_the_same_after_a_restart_too(
    tmp_path: Path, log: Log
) -> None:
    key = a_key("witness", Algorithm.COSIGNATURE_ML_DSA_44, NAME)
    desk = Desk(tmp_path / "other", key)
    try:
        desk.home.trust(log.key.name, log.key.verifier.text)
        for old, size in ((0, 2), (2, 7)):
            reply = desk.open().add_checkpoint(log.request(old, size))
            assert reply.status == 200
            assert time_of(reply.body, log.note(size), key.verifier) == desk.now
        assert desk.witness.add_checkpoint(Log(fork_at=1).request(7, 8)).status == 422
    finally:
        desk.close()


def test_an_empty_log_is_cosigned_and_grows_from_nothing(desk: Desk, log: Log) -> None:
    for old, size in ((0, 0), (0, 0), (0, 5)):
        assert desk.witness.add_checkpoint(log.request(old, size)).status == 200
    assert size_of(desk) == 5


def test_what_is_kept_is_the_signed_head_with_the_lines_of_log_and_witness_alone(
    desk: Desk, log: Log
) -> None:
    stranger = a_key("stranger", Algorithm.COSIGNATURE_ED25519, "witness.other.example/w1")
    note = log.note(3)
    note = note.joined([NoteSignature(stranger.name, stranger.verifier.key_id, bytes(72))])
    reply = desk.witness.add_checkpoint(bytes(AddCheckpoint(0, (), note)))
    held = parse_note(desk.home.head(ORIGIN) or b"")
    assert held.text == note.text
    assert [line.name for line in held.signatures] == [ORIGIN, desk.key.name]
    assert held.signatures[1].line.encode() == reply.body
    assert held.signatures[0] == log.note(3).signatures[0]


def test_two_keys_of_a_log_are_a_rotation(desk: Desk, log: Log) -> None:
    second = Log(key=a_key("second", Algorithm.ED25519))
    assert desk.witness.add_checkpoint(log.request(0, 3)).status == 200
    assert desk.witness.add_checkpoint(second.request(3, 4)).status == 403
    assert desk.home.trust(ORIGIN, second.key.verifier.text)
    assert not desk.home.trust(ORIGIN, second.key.verifier.text)
    assert desk.witness.add_checkpoint(second.request(3, 4)).status == 200
    both = log.note(6).joined(second.note(6).signatures)
    grown = AddCheckpoint.parse(log.request(4, 6))
    assert desk.witness.add_checkpoint(bytes(replace(grown, note=both))).status == 200
    assert len(parse_note(desk.home.head(ORIGIN) or b"").signatures) == 3


def test_an_unknown_log_is_404(desk: Desk) -> None:
    other = Log(key=a_key("log", Algorithm.ED25519, "log.other.example/2027"))
    assert desk.witness.add_checkpoint(other.request(0, 3)).status == 404
    assert reasons(desk) == []


def test_no_trusted_signature_is_403(desk: Desk) -> None:
    other = Log(key=a_key("not the log", Algorithm.ED25519))
    assert desk.witness.add_checkpoint(other.request(0, 3)).status == 403
    assert reasons(desk) == []  # anybody could fill the disk with these


def test_a_trusted_line_that_does_not_verify_is_403(desk: Desk, log: Log) -> None:
    head = log.checkpoint(3)
    line = checkpoints.sign(head, log.key)
    wrong = line._replace(blob=bytes([line.blob[0] ^ 1]) + line.blob[1:])
    request = bytes(AddCheckpoint(0, (), Note(head.text, (wrong,))))
    assert desk.witness.add_checkpoint(request).status == 403
    twice = bytes(AddCheckpoint(0, (), Note(head.text, (line, wrong))))
    assert desk.witness.add_checkpoint(twice).status == 403
    assert size_of(desk) is None


def test_a_good_line_beside_a_bad_one_of_another_trusted_key_is_403_and_kept(
    desk: Desk, log: Log
) -> None:
    second = Log(key=a_key("second", Algorithm.ED25519))
    desk.home.trust(ORIGIN, second.key.verifier.text)
    bad = second.note(4).signatures[0]
    request = bytes(AddCheckpoint(0, (), log.note(3).joined([bad])))
    assert desk.witness.add_checkpoint(request).status == 403
    assert reasons(desk) == [(403, "signature_wrong")]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda text: b"old\n" + text,
        lambda text: text.replace(b"old 0\n", b""),
        lambda text: text.replace(b"old 0", b"old 00"),
        lambda text: text.replace(b"old 0", b"old +0"),
        lambda text: text.replace(b"old 0", b"old -1"),
        lambda text: text.replace(b"old 0", b"old 9223372036854775808"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text[:-1],
        lambda text: text.replace(b"old 0\n", b"old 0\nAAAA\n"),
        lambda text: text.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\nx\n"),
        lambda text: text.replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64),
        lambda text: text.replace(b"\n3\n", b"\n03\n"),
        lambda text: text.partition(b"\n\n\xe2")[0] + b"\n",
        lambda text: b"\xff" + text,
        lambda text: text + b"x" * REQUEST_BYTES_MAX,
    ],
)
def test_what_is_not_a_request_is_400(desk: Desk, log: Log, change: object) -> None:
    assert callable(change)
    request = log.request(0, 3)
    changed = change(request)
    assert changed != request
    assert desk.witness.add_checkpoint(changed).status == 400
    assert size_of(desk) is None


def test_an_old_size_above_the_size_is_400_and_kept(desk: Desk, log: Log) -> None:
    request = bytes(AddCheckpoint(4, (), log.note(3)))
    assert desk.witness.add_checkpoint(request).status == 400
    assert reasons(desk) == [(400, "size_out_of_range")]


def test_an_extension_line_is_400_and_kept(desk: Desk, log: Log) -> None:
    text = log.checkpoint(3).text + "more\n"
    note = Note(text, (log.key.sign(text.encode()),))
    assert desk.witness.add_checkpoint(bytes(AddCheckpoint(0, (), note))).status == 400
    assert reasons(desk) == [(400, "extension_line")]


@pytest.mark.parametrize("old", [0, 1, 4, 6])
def test_another_old_size_is_409_with_the_size_that_is_held(desk: Desk, log: Log, old: int) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    reply = desk.witness.add_checkpoint(log.request(old, 7))
    assert (reply.status, reply.content_type) == (409, SIZE_CONTENT_TYPE)
    assert parse_size(reply.body) == 5
    assert reply.body == b"5\n"
    assert reasons(desk) == [(409, "sizes_differ")]
    assert desk.witness.add_checkpoint(log.request(5, 7)).status == 200


def test_an_old_size_where_nothing_is_held_is_409_with_zero(desk: Desk, log: Log) -> None:
    reply = desk.witness.add_checkpoint(log.request(2, 7))
    assert (reply.status, reply.body) == (409, b"0\n")


def test_a_smaller_checkpoint_never_takes_the_place_of_a_larger(desk: Desk, log: Log) -> None:
    desk.witness.add_checkpoint(log.request(0, 9))
    for old in (0, 3, 5):
        assert desk.witness.add_checkpoint(log.request(old, 5)).status == 409
    assert desk.witness.add_checkpoint(log.request(9, 5)).status == 400
    assert size_of(desk) == 9


def test_a_proof_that_fails_is_422_and_kept_with_the_head_that_was_held(
    desk: Desk, log: Log
) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    forked = Log(fork_at=4).request(5, 9)
    assert desk.witness.add_checkpoint(forked).status == 422
    (kept,) = desk.home.refusals()
    assert (kept.status, kept.reason, kept.received) == (422, "root_mismatch", desk.now)
    assert kept.request.encode() == forked
    assert (kept.held or "").encode() == desk.home.head(ORIGIN)
    assert size_of(desk) == 5


def test_every_change_of_a_proof_is_422(desk: Desk, log: Log) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    asked = AddCheckpoint.parse(log.request(5, 9))
    proof = asked.proof
    strange = sha256(b"strange").digest()
    for wrong in (
        (),
        proof[1:],
        proof[:-1],
        (*proof, strange),
        (strange, *proof[1:]),
        tuple(reversed(proof)),
    ):
        request = bytes(replace(asked, proof=wrong))
        assert desk.witness.add_checkpoint(request).status == 422
    assert size_of(desk) == 5
    assert len(reasons(desk)) == 2  # once for each reason: the signed head is the same


def test_hashes_where_none_is_due_are_422(desk: Desk, log: Log) -> None:
    extra = (sha256(b"").digest(),)
    first = bytes(AddCheckpoint(0, extra, log.note(3)))
    assert desk.witness.add_checkpoint(first).status == 422
    desk.witness.add_checkpoint(log.request(0, 3))
    again = bytes(AddCheckpoint(3, extra, log.note(3)))
    assert desk.witness.add_checkpoint(again).status == 422


def test_size_zero_with_another_root_is_422_and_kept(desk: Desk, log: Log) -> None:
    text = log.checkpoint(3).text.replace("\n3\n", "\n0\n")
    note = Note(text, (log.key.sign(text.encode()),))
    assert desk.witness.add_checkpoint(bytes(AddCheckpoint(0, (), note))).status == 422
    assert reasons(desk) == [(422, "empty_root_mismatch")]
    unsigned = Note(text, (a_key("x", Algorithm.ED25519).sign(text.encode()),))
    assert desk.witness.add_checkpoint(bytes(AddCheckpoint(0, (), unsigned))).status == 403


def test_one_size_with_two_roots_is_422_and_proves_the_fork(desk: Desk, log: Log) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    assert desk.witness.add_checkpoint(Log(fork_at=4).request(5, 5)).status == 422
    (kept,) = desk.home.refusals()
    assert kept.reason == "split"
    held = parse_note((kept.held or "").encode())
    other = AddCheckpoint.parse(kept.request.encode()).note
    for note in (held, other):
        line = note.signed_by(log.key.verifier)
        assert line is not None
        checkpoints.verify(note.text, line, log.key.verifier)
    assert held.text.split("\n")[:2] == other.text.split("\n")[:2]
    assert held.text != other.text


def test_a_fork_is_kept_as_one_even_if_its_old_size_is_wrong(desk: Desk, log: Log) -> None:
    desk.witness.add_checkpoint(log.request(0, 5))
    assert desk.witness.add_checkpoint(Log(fork_at=4).request(0, 5)).status == 409
    assert reasons(desk) == [(409, "split")]


def test_the_drawer_of_one_reason_is_bounded_and_leaves_room_for_others(
    desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.witness.home.REFUSALS_MAX", 2)
    desk.witness.add_checkpoint(log.request(0, 5))
    for size in (6, 7, 8, 9):
        assert desk.witness.add_checkpoint(log.request(0, size)).status == 409
    assert len(reasons(desk)) == 2
    assert desk.witness.add_checkpoint(Log(fork_at=4).request(5, 5)).status == 422
    assert (422, "split") in reasons(desk)


def test_times_follow_the_clock_and_are_held_when_it_steps_back_a_little(
    desk: Desk, log: Log
) -> None:
    start = desk.now
    times = []
    for size, step in ((1, 0), (2, 5), (3, -5), (4, 4), (5, 6)):
        desk.now += step
        reply = desk.witness.add_checkpoint(log.request(size - 1, size))
        times.append(time_of(reply.body, log.note(size), desk.key.verifier) - start)
    assert times == [0, 5, 5, 5, 10]


def test_a_clock_that_steps_back_far_is_refused_until_it_is_right_after_a_restart_too(
    desk: Desk, log: Log
) -> None:
    desk.witness.add_checkpoint(log.request(0, 3))
    start = desk.now
    desk.now -= HELD_SECONDS_MAX + 1
    assert desk.witness.add_checkpoint(log.request(3, 4)).status == 503
    assert desk.open().add_checkpoint(log.request(3, 4)).status == 503
    assert size_of(desk) == 3
    desk.now += 1
    reply = desk.witness.add_checkpoint(log.request(3, 4))
    assert time_of(reply.body, log.note(4), desk.key.verifier) == start


def test_a_time_that_one_log_has_seen_holds_for_all_logs(desk: Desk, log: Log) -> None:
    other = Log(key=a_key("other", Algorithm.ED25519, "log.other.example/2027"))
    desk.home.trust(other.key.name, other.key.verifier.text)
    desk.witness.add_checkpoint(log.request(0, 3))
    desk.now -= 3
    reply = desk.open().add_checkpoint(other.request(0, 3))
    assert time_of(reply.body, other.note(3), desk.key.verifier) == desk.now + 3


def test_the_sample_that_others_verified_is_cosigned_byte_for_byte(tmp_path: Path) -> None:
    """The lines under the sample's receipt were accepted by a verifier on golang.org/x/mod."""
    files = json.loads((VECTORS / "sample.json").read_text())["files"]
    sample = {name: b64decode(files[name]) for name in files}
    policy = Policy.parse(sample["policy"])
    final = parse_note(sample["log/checkpoint"])
    for witness in ("regulator", "bureau"):
        name = f"witness.{witness}.example/w1"
        desk = Desk(tmp_path / witness, sample_key(witness, name))
        (log_key,) = [log.key for log in policy.logs]
        desk.home.trust(log_key.name, log_key.text)
        desk.witness.advance(sample["checkpoint.old"])
        desk.now = policy.inspect(final).times[witness]
        reply = desk.witness.add_checkpoint(sample["add-checkpoint.request"])
        assert reply.status == 200
        line = final.signed_by(desk.key.verifier)
        assert line is not None
        assert reply.body == line.line.encode()
        desk.close()


def sample_key(word: str, name: str) -> SigningKey:
    seed = sha256(f"counterfoil sample {word}".encode()).digest()
    return SigningKey.from_seed(name, Algorithm.COSIGNATURE_ED25519, seed)
