"""Notes, keys, checkpoints and cosignatures: one spelling each, and no other is read."""

from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evidence.logs_for_tests import (
    ORIGIN,
    SEEN_AT,
    log_key,
    note_of,
    sample,
    witness_key,
)

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats import cosignature
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import EMPTY_ROOT, leaf_hash
from counterfoil.evidence.formats.note import (
    SIGNATURES_MAX,
    Note,
    NoteRejectedError,
    NoteSignature,
    SigningKey,
    VerifierKey,
    parse_note,
)
from counterfoil.evidence.formats.reasons import Reason

HEAD = Checkpoint(ORIGIN, 7, leaf_hash(b"root"))


def reason_of(read: Callable[[], object]) -> Reason | None:
    try:
        read()
    except NoteRejectedError as rejected:
        return rejected.reason
    return None


def test_a_note_is_written_as_it_was_read() -> None:
    for path in ("checkpoint.old", "log/checkpoint"):
        assert bytes(parse_note(sample()[path])) == sample()[path]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\n", b"\r\n", Reason.CONTROL_CHARACTER),
        (b"log", b"l\tog", Reason.CONTROL_CHARACTER),
        (b"log", b"l\x00og", Reason.CONTROL_CHARACTER),
        (b"log", b"l\x7fog", Reason.CONTROL_CHARACTER),
        (b"log", b"l\xc2\x85og", Reason.CONTROL_CHARACTER),
        (b"log", b"l\xffog", Reason.NOT_UTF8),
        (b"\n\n", b"\n", Reason.SIGNATURES_MISSING),
        ("— ".encode(), b"- ", Reason.MALFORMED),
        ("— ".encode(), "—  ".encode(), Reason.MALFORMED),
        ("— ".encode(), "—\u00a0".encode(), Reason.MALFORMED),
        ("— log".encode(), "— lo\u2003g".encode(), Reason.MALFORMED),
        ("— log".encode(), "— lo+g".encode(), Reason.MALFORMED),
    ],
)
def test_what_is_written_otherwise_is_not_read(old: bytes, new: bytes, reason: Reason) -> None:
    data = bytes(note_of(HEAD))
    assert reason_of(lambda: parse_note(data.replace(old, new, 1))) is reason


def test_a_note_ends_in_a_newline_and_in_a_signature() -> None:
    data = bytes(note_of(HEAD))
    assert reason_of(lambda: parse_note(data[:-1])) is Reason.FINAL_NEWLINE_MISSING
    assert reason_of(lambda: parse_note(data + b"\n")) is Reason.SIGNATURES_MISSING
    assert reason_of(lambda: parse_note(data + b"x\n")) is Reason.MALFORMED
    assert reason_of(lambda: parse_note(b"")) is Reason.FINAL_NEWLINE_MISSING


def test_base64_has_one_spelling() -> None:
    text = bytes(note_of(HEAD, ())).decode()
    stem, padded = text.rstrip("\n").rsplit(" ", 1)
    assert padded.endswith("=")
    # Other padding bits decode to the same bytes in lenient readers.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = padded.rstrip("=")[-1]
    other = alphabet[alphabet.index(last) ^ 1]
    pads = "=" * padded.count("=")
    twin = padded.rstrip("=")[:-1] + other + pads
    assert b64decode(twin) == b64decode(padded)
    for spelling in (
        twin,
        padded.rstrip("="),
        padded + "=",
        padded.replace("A", "-"),
        "é" + padded,
    ):
        changed = f"{stem} {spelling}\n".encode()
        if spelling != padded:
            assert reason_of(lambda: parse_note(changed)) is Reason.MALFORMED  # noqa: B023


@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_signature_is_longer_than_its_key_id(length: int) -> None:
    line = f"— {ORIGIN} {b64encode(bytes(length)).decode()}\n"
    assert reason_of(lambda: parse_note(f"{HEAD.text}\n{line}".encode())) is Reason.MALFORMED


def test_sixteen_and_more_signatures_are_read_up_to_a_bound() -> None:
    def with_lines(count: int) -> bytes:
        lines = tuple(NoteSignature(f"w{n}", bytes(4), b"x") for n in range(count))
        return bytes(Note(HEAD.text, lines))

    assert len(parse_note(with_lines(16)).signatures) == 16
    assert len(parse_note(with_lines(SIGNATURES_MAX)).signatures) == SIGNATURES_MAX
    assert reason_of(lambda: parse_note(with_lines(SIGNATURES_MAX + 1))) is (
        Reason.SIGNATURES_TOO_MANY
    )
    assert reason_of(lambda: parse_note(b"x" * 600_000)) is Reason.TOO_LARGE


def test_the_text_may_have_empty_lines_and_ends_at_the_last_one() -> None:
    data = f"a\n\nb\n\n— {ORIGIN} {b64encode(bytes(9)).decode()}\n".encode()
    assert parse_note(data).text == "a\n\nb\n"


def test_keys_are_written_as_they_are_read_and_carry_their_own_id() -> None:
    key = log_key().verifier
    assert VerifierKey.parse(key.text) == key
    assert VerifierKey.parse(witness_key("bureau").verifier.text).algorithm is (
        Algorithm.COSIGNATURE_ED25519
    )
    taken_up = SigningKey.from_seed(ORIGIN, Algorithm.ED25519, log_key().seed)
    assert taken_up.verifier == key
    made = SigningKey.generate(ORIGIN, Algorithm.ED25519)
    assert made.verifier.key_id != key.key_id


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{name}+{id}", Reason.KEY_MALFORMED),
        ("{name} x+{id}+{key}", Reason.KEY_MALFORMED),
        ("+{id}+{key}", Reason.KEY_MALFORMED),
        ("{name}+{id}+", Reason.KEY_MALFORMED),
        ("{name}+{id}+{short}", Reason.KEY_MALFORMED),
        ("{name}+{id}+{key}!", Reason.KEY_MALFORMED),
        ("{name}+{upper}+{key}", Reason.KEY_ID_MISMATCH),
        ("{name}x+{id}+{key}", Reason.KEY_ID_MISMATCH),
        ("{name}+{id}+{unknown}", Reason.ALGORITHM_UNKNOWN),
        ("{name}+{id}+{mldsa}", Reason.KEY_MALFORMED),
    ],
)
def test_a_key_that_is_not_understood_is_refused(text: str, reason: Reason) -> None:
    name, digits, key = witness_key("fundbank").verifier.text.split("+", 2)
    assert digits != digits.upper()
    # The same bytes under type 0x06 are too few, under 0x07 nobody knows what they are.
    kinds = {"mldsa": f"Bg{key[2:]}", "unknown": f"Bw{key[2:]}"}
    written = text.format(
        name=name, id=digits, key=key, short=key[:-4], upper=digits.upper(), **kinds
    )
    assert reason_of(lambda: VerifierKey.parse(written)) is reason


def test_a_key_cannot_be_made_under_a_name_that_no_note_could_bear() -> None:
    for name in ("", "a b", "a+b", "a\u00a0b"):
        assert reason_of(lambda: SigningKey.generate(name, Algorithm.ED25519))  # noqa: B023


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("log\n7\n", Reason.MALFORMED),
        ("log\n7\n{root}", Reason.MALFORMED),
        ("\n7\n{root}\n", Reason.MALFORMED),
        ("log\n7\n\n", Reason.MALFORMED),
        ("log\n7\n{root}\nextension\n", Reason.EXTENSION_LINE),
        ("log\n7\n{root}\n\n", Reason.EXTENSION_LINE),
        ("log\n07\n{root}\n", Reason.NUMBER_MALFORMED),
        ("log\n+7\n{root}\n", Reason.NUMBER_MALFORMED),
        ("log\n-7\n{root}\n", Reason.NUMBER_MALFORMED),
        ("log\n 7\n{root}\n", Reason.NUMBER_MALFORMED),
        ("log\n７\n{root}\n", Reason.NUMBER_MALFORMED),
        ("log\n9223372036854775808\n{root}\n", Reason.NUMBER_MALFORMED),
        ("log\n7\n{root}=\n", Reason.BASE64_MALFORMED),
        ("log\n7\nAAAA\n", Reason.HASH_LENGTH),
        ("log\n0\n{root}\n", Reason.EMPTY_ROOT_MISMATCH),
    ],
)
def test_a_checkpoint_has_three_lines_and_no_other_spelling(text: str, reason: Reason) -> None:
    root = b64encode(HEAD.root).decode()
    assert reason_of(lambda: Checkpoint.parse(text.replace("{root}", root))) is reason


def test_heads_of_the_empty_log_and_of_the_largest_are_read() -> None:
    for head in (Checkpoint(ORIGIN, 0, EMPTY_ROOT), Checkpoint(ORIGIN, 2**63 - 1, HEAD.root)):
        assert Checkpoint.parse(head.text) == head


def test_a_log_signs_the_text_and_nothing_else_passes() -> None:
    line = checkpoints.sign(HEAD, log_key())
    checkpoints.verify(HEAD.text, line, log_key().verifier)
    other = Checkpoint(ORIGIN, 8, HEAD.root)
    wrong = line._replace(blob=line.blob[:-1] + bytes([line.blob[-1] ^ 1]))
    for text, signature, key in (
        (other.text, line, log_key()),
        (HEAD.text, wrong, log_key()),
        (HEAD.text, line._replace(blob=line.blob + b"\x00"), log_key()),
        (HEAD.text, line, log_key("another")),
    ):
        assert reason_of(lambda: checkpoints.verify(text, signature, key.verifier)) is (  # noqa: B023
            Reason.SIGNATURE_WRONG
        )


def test_a_cosignature_holds_for_its_checkpoint_and_its_second() -> None:
    key = witness_key("bureau")
    line = cosignature.cosign(HEAD.text, key, SEEN_AT)
    assert cosignature.verify(HEAD.text, line, key.verifier) == SEEN_AT
    moved = (SEEN_AT + 1).to_bytes(8) + line.blob[8:]
    far = (2**63).to_bytes(8) + line.blob[8:]
    for text, blob, reason in (
        (Checkpoint(ORIGIN, 8, HEAD.root).text, line.blob, Reason.SIGNATURE_WRONG),
        (HEAD.text, moved, Reason.SIGNATURE_WRONG),
        (HEAD.text, far, Reason.TIME_OUT_OF_RANGE),
        (HEAD.text, line.blob[:-1], Reason.SIGNATURE_WRONG),
    ):
        changed = line._replace(blob=blob)
        assert reason_of(lambda: cosignature.verify(text, changed, key.verifier)) is reason  # noqa: B023


def test_joining_lines_replaces_those_of_the_same_key() -> None:
    note = note_of(HEAD, {"regulator": SEEN_AT})
    later = cosignature.cosign(HEAD.text, witness_key("regulator"), SEEN_AT + 9)
    other = cosignature.cosign(HEAD.text, witness_key("bureau"), SEEN_AT)
    joined = note.joined([later, other])
    assert joined.signatures == (note.signatures[0], later, other)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_note_or_are_rejected(data: bytes) -> None:
    try:
        note = parse_note(data)
    except NoteRejectedError:
        return
    assert bytes(note) == data


@given(st.data())
def test_a_damaged_note_is_a_note_or_is_rejected(data: st.DataObject) -> None:
    whole = bytearray(bytes(note_of(HEAD, ())))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        note = parse_note(bytes(whole))
    except NoteRejectedError:
        return
    assert bytes(note) == bytes(whole)
