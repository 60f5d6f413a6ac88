"""Algorithms of signature lines: whatever stands in the table signs, verifies and is believed."""

from base64 import b64decode
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tests.unit.evidence.logs_for_tests import ORIGIN, SEEN_AT, log_key, note_of, seed_of

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats.algorithms import (
    OF_LOGS,
    OF_WITNESSES,
    SCHEMES,
    Algorithm,
    new_seed,
)
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.cosignature import cosign, verify
from counterfoil.evidence.formats.note import (
    Note,
    NoteRejectedError,
    SigningKey,
    VerifierKey,
    parse_note,
)
from counterfoil.evidence.formats.policy import Policy, PolicyRejectedError
from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.witness.home import WitnessHomeError
from counterfoil.witness.key import ALGORITHMS, format_key, new_key, parse_key

HEAD = Checkpoint(ORIGIN, 260, sha256(b"root").digest())
NAME = "witness.regulator.example/w2"


def key_of(algorithm: Algorithm) -> SigningKey:
    return SigningKey.from_seed(NAME, algorithm, seed_of("regulator"))


def policy_with(key: SigningKey) -> Policy:
    return Policy.parse(
        f"log {log_key().verifier.text}\nwitness regulator {key.verifier.text}\nquorum regulator\n"
    )


def test_every_algorithm_has_its_row_and_its_place() -> None:
    assert set(SCHEMES) == set(Algorithm)
    assert frozenset(Algorithm) == OF_LOGS | OF_WITNESSES
    assert not OF_LOGS & OF_WITNESSES
    assert len(new_seed()) == 32
    assert new_seed() != new_seed()


@pytest.mark.parametrize("algorithm", sorted(OF_WITNESSES))
def test_a_witness_of_any_algorithm_is_believed_through_policy_note_and_key_file(
    algorithm: Algorithm,
) -> None:
    """What an algorithm that is added has to pass, and nothing but its row makes it."""
    key = key_of(algorithm)
    assert parse_key(format_key(key)) == key
    assert VerifierKey.parse(key.verifier.text) == key.verifier
    note = note_of(HEAD, ()).joined([cosign(HEAD.text, key, SEEN_AT)])
    policy = policy_with(key)
    assert policy.check(parse_note(bytes(note))).times == {"regulator": SEEN_AT}
    word = SCHEMES[algorithm].word
    assert new_key(NAME, ALGORITHMS[word]).verifier.algorithm is algorithm
    with pytest.raises(NoteRejectedError):
        policy.check(note_of(HEAD, ("regulator",)))


@pytest.mark.parametrize("algorithm", sorted(OF_WITNESSES))
def test_a_line_of_any_algorithm_holds_for_its_head_time_and_name_alone(
    algorithm: Algorithm,
) -> None:
    key = key_of(algorithm)
    line = cosign(HEAD.text, key, SEEN_AT)
    others = (
        replace(HEAD, size=261),
        replace(HEAD, root=sha256(b"another").digest()),
        replace(HEAD, origin="log.other.example/2027"),
    )
    moved = [(head.text, line) for head in others]
    blob = bytearray(line.blob)
    for place in (7, 8, len(blob) // 2, len(blob) - 1):
        changed = bytearray(blob)
        changed[place] ^= 1
        moved.append((HEAD.text, line._replace(blob=bytes(changed))))
    moved += [(HEAD.text, line._replace(blob=line.blob + b"\0"))]
    moved += [(HEAD.text, line._replace(blob=line.blob[:-1]))]
    for text, wrong in moved:
        with pytest.raises(NoteRejectedError):
            verify(text, wrong, key.verifier)
    assert verify(HEAD.text, line, key.verifier) == SEEN_AT


def test_an_ml_dsa_line_signs_the_message_that_the_format_says() -> None:
    """Written out from the published structure; checked with the library alone."""
    key = key_of(Algorithm.COSIGNATURE_ML_DSA_44)
    line = cosign(HEAD.text, key, SEEN_AT)
    time, signature = line.blob[:8], line.blob[8:]
    message = b"subtree/v1\n\x00" + bytes([len(NAME)]) + NAME.encode() + time
    message += bytes([len(ORIGIN)]) + ORIGIN.encode()
    message += bytes(8) + (260).to_bytes(8) + HEAD.root
    public = MLDSA44PrivateKey.from_seed_bytes(seed_of("regulator")).public_key()
    public.verify(signature, message)
    assert (len(signature), int.from_bytes(time)) == (2_420, SEEN_AT)
    raw = public.public_bytes_raw()
    assert len(raw) == 1_312
    # A signature that commits to the name: the same key under another one did not sign it.
    other = VerifierKey("witness.other.example/w2", key.algorithm, raw)
    with pytest.raises(NoteRejectedError):
        verify(HEAD.text, line._replace(name=other.name, key_id=other.key_id), other)
    assert key.verifier.key_id == sha256(f"{NAME}\n".encode() + b"\x06" + raw).digest()[:4]
    assert b64decode(key.verifier.text.split("+", 2)[2]) == b"\x06" + raw


def test_kinds_of_keys_keep_to_their_places() -> None:
    ml_dsa = key_of(Algorithm.COSIGNATURE_ML_DSA_44)
    with pytest.raises(PolicyRejectedError):
        Policy.parse(f"log {ml_dsa.verifier.text}\nquorum none\n")
    with pytest.raises(PolicyRejectedError):
        policy_with(SigningKey.from_seed(NAME, Algorithm.ED25519, seed_of("regulator")))
    as_log = format_key(SigningKey.from_seed(NAME, Algorithm.ED25519, seed_of("x")))
    with pytest.raises(WitnessHomeError):
        parse_key(as_log)
    with pytest.raises(ValueError, match="secret bytes"):
        SigningKey.from_seed(NAME, Algorithm.COSIGNATURE_ML_DSA_44, bytes(31))


def test_what_the_message_cannot_hold_is_rejected_and_never_a_crash() -> None:
    key = SigningKey.from_seed("w" * 256, Algorithm.COSIGNATURE_ML_DSA_44, seed_of("regulator"))
    with pytest.raises(RejectedError):
        cosign(HEAD.text, key, SEEN_AT)
    short = key_of(Algorithm.COSIGNATURE_ML_DSA_44)
    line = cosign(HEAD.text, short, SEEN_AT)
    for text in ("", "a\n", f"{HEAD.text}extension\n", HEAD.text.replace("260", "0260")):
        with pytest.raises(RejectedError):
            verify(text, line, short.verifier)


def test_both_kinds_of_lines_stand_beside_each_other() -> None:
    """Whoever knows one of them ignores the other, so a log may change while readers do not."""
    old, new = key_of(Algorithm.COSIGNATURE_ED25519), key_of(Algorithm.COSIGNATURE_ML_DSA_44)
    both = Note(
        HEAD.text,
        (
            checkpoints.sign(HEAD, log_key()),
            cosign(HEAD.text, old, SEEN_AT),
            cosign(HEAD.text, new, SEEN_AT + 1),
        ),
    )
    assert policy_with(old).check(both).times == {"regulator": SEEN_AT}
    assert policy_with(new).check(both).times == {"regulator": SEEN_AT + 1}
