"""Heads, growth, splits and whole logs under a policy."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.evidence.logs_for_tests import (
    SEEN_AT,
    Log,
    filler,
    log_key,
    note_of,
    policy,
    sample,
    write_files,
)

from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import consistency_proof, leaf_hash, read_consistency
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.reasons import Reason
from counterfoil.evidence.formats.tile_directory import TileDirectory
from counterfoil.evidence.formats.verifying import (
    Freshness,
    Verdict,
    verify_checkpoint,
    verify_consistency,
    verify_request,
    verify_split,
)
from counterfoil.evidence.formats.verifying_log import verify_log
from counterfoil.evidence.formats.witness_protocol import AddCheckpoint

LOG = Log(tuple(filler(number) for number in range(600)))
FORKED = Log((*LOG.entries[:299], b"rewritten", *LOG.entries[300:]))
POLICY = policy()


def head(size: int, log: Log = LOG) -> bytes:
    return bytes(log.note(size))


def prove(old: int, new: int) -> list[bytes]:
    return consistency_proof(LOG.hashes, old, new)


def test_a_head_is_believed_with_its_quorum_and_its_age() -> None:
    verdict = verify_checkpoint(head(600), POLICY)
    assert verdict.facts["size"] == 600
    aged = verify_checkpoint(head(600), POLICY, Freshness(SEEN_AT + 61, 60))
    assert aged.refused is Reason.TOO_OLD
    assert verify_checkpoint(b"", POLICY).refused is Reason.FINAL_NEWLINE_MISSING
    alone = bytes(LOG.note(600, witnesses=("regulator",)))
    assert verify_checkpoint(alone, POLICY).shape() == {
        "accepted": False,
        "reason": "quorum_not_met",
        "detail": "only regulator cosigned",
    }


def test_the_empty_log_has_a_head() -> None:
    assert verify_checkpoint(head(0), POLICY).facts["size"] == 0
    assert verify_consistency(head(0), head(600), None, POLICY).is_accepted


def test_a_head_continues_another_if_the_proof_shows_it() -> None:
    verdict = verify_consistency(head(299), head(600), prove, POLICY)
    assert verdict.is_accepted
    assert (verdict.facts["old"]["size"], verdict.facts["new"]["has_quorum"]) == (299, True)
    for old, new, proof, reason in (
        (head(300), head(600, FORKED), prove, Reason.ROOT_MISMATCH),
        (head(300, FORKED), head(600), prove, Reason.ROOT_MISMATCH),
        (head(600), head(300), prove, Reason.OLD_IS_LARGER),
        (head(300), head(600), None, Reason.PROOF_MISSING),
        (head(300), head(600), lambda old, new: prove(old, new)[:-1], Reason.PROOF_LENGTH),
        (head(300), head(300), None, None),
        (head(300), head(300, FORKED), None, Reason.SPLIT),
    ):
        assert verify_consistency(old, new, proof, POLICY).refused is reason


def test_heads_of_two_logs_are_not_compared() -> None:
    other = log_key("other", "log.other.example")
    both = Policy.parse(f"log {other.verifier.text}\n".encode() + policy_bytes())
    foreign = bytes(note_of(Checkpoint("log.other.example", 5, leaf_hash(b"")), log=other))
    assert verify_split(head(5), foreign, both).refused is Reason.ORIGINS_DIFFER
    assert verify_consistency(head(5), foreign, None, both).refused is Reason.ORIGINS_DIFFER


def policy_bytes() -> bytes:
    key = log_key().verifier.text
    return f"log {key}\nquorum none\n".encode()


def test_growth_needs_the_logs_signatures_and_tells_who_witnessed() -> None:
    unwitnessed = bytes(LOG.note(300, witnesses=()))
    verdict = verify_consistency(unwitnessed, head(600), prove, POLICY)
    assert verdict.facts["old"]["has_quorum"] is False
    forged = bytes(LOG.note(300, log=log_key("forger")))
    assert verify_consistency(forged, head(600), prove, POLICY).refused is (
        Reason.LOG_SIGNATURE_MISSING
    )


def test_a_request_to_a_witness_brings_the_proof() -> None:
    believed = Policy.parse(sample()["policy"])
    old, request = sample()["checkpoint.old"], sample()["add-checkpoint.request"]
    assert verify_request(old, request, believed).is_accepted
    elsewhere = AddCheckpoint.parse(request)
    moved = bytes(AddCheckpoint(6, elsewhere.proof, elsewhere.note))
    assert verify_request(old, moved, believed).refused is Reason.SIZES_DIFFER
    cut = bytes(AddCheckpoint(5, elsewhere.proof[1:], elsewhere.note))
    assert verify_request(old, cut, believed).refused is Reason.PROOF_LENGTH
    assert verify_request(old, old, believed).refused is Reason.MALFORMED


def test_two_heads_of_one_size_are_a_proof_against_the_log() -> None:
    first = bytes(LOG.note(300, witnesses=("regulator", "bureau")))
    second = bytes(FORKED.note(300, witnesses=("auditor", "bureau")))
    verdict = verify_split(first, second, POLICY)
    assert verdict.shows_equivocation
    shape = verdict.shape()
    assert (shape["reason"], shape["under_both"]) == ("split", ["bureau"])
    assert (shape["first"]["has_quorum"], shape["second"]["has_quorum"]) == (True, False)
    assert verify_split(first, head(300), POLICY).is_accepted
    assert verify_split(first, head(301), POLICY).refused is Reason.SIZES_DIFFER
    forged = bytes(FORKED.note(300, log=log_key("forger")))
    assert verify_split(first, forged, POLICY).refused is Reason.LOG_SIGNATURE_MISSING


def test_a_split_across_two_keys_of_one_log_is_a_split() -> None:
    both = Policy.parse(f"log {log_key('next').verifier.text}\n".encode() + policy_bytes())
    second = bytes(FORKED.note(300, log=log_key("next")))
    assert verify_split(head(300), second, both).shows_equivocation


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return write_files(tmp_path, LOG.files())


def audited(directory: Path, *old: bytes, under: Policy = POLICY) -> Verdict:
    return verify_log(TileDirectory(directory), under, old)


def test_a_log_is_recomputed_and_its_old_heads_are_starts_of_it(directory: Path) -> None:
    verdict = audited(directory, head(0), head(1), head(255), head(256), head(257), head(600))
    assert verdict.is_accepted, verdict
    assert verdict.facts["old_heads"] == [0, 1, 255, 256, 257]
    assert verdict.facts["entries_by_type"] == {"decision": 600}
    assert audited(directory, head(300, FORKED)).refused is Reason.NOT_A_PREFIX
    assert audited(directory, head(300), head(300, FORKED)).refused is Reason.SPLIT
    assert audited(directory, head(600, FORKED)).shows_equivocation
    forged = bytes(LOG.note(300, log=log_key("forger")))
    assert audited(directory, forged).refused is Reason.LOG_SIGNATURE_MISSING


def test_the_samples_log_is_accepted(tmp_path: Path) -> None:
    files = {path[4:]: data for path, data in sample().items() if path.startswith("log/")}
    verdict = audited(
        write_files(tmp_path, files),
        sample()["checkpoint.old"],
        under=Policy.parse(sample()["policy"]),
    )
    assert verdict.facts["entries_by_type"] == {
        "consent_given": 1,
        "inquiry_intent": 1,
        "inquiry_outcome": 258,
    }


def test_an_empty_log_is_a_log(tmp_path: Path) -> None:
    assert audited(write_files(tmp_path, {"checkpoint": head(0)})).is_accepted


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("path", "change", "reason"),
    [
        ("tile/entries/000", flip(5), Reason.TILE_MISMATCH),
        ("tile/entries/000", flip(1), Reason.BUNDLE_MALFORMED),
        ("tile/entries/002.p/88", flip(5), Reason.TILE_MISMATCH),
        ("tile/entries/002.p/88", lambda data: data + b"\x00\x00", Reason.BUNDLE_MALFORMED),
        ("tile/entries/001", lambda data: data[:-36], Reason.BUNDLE_MALFORMED),
        ("tile/0/000", flip(0), Reason.TILE_MISMATCH),
        ("tile/0/000", lambda data: data + b"\x00", Reason.TILE_LENGTH),
        ("tile/0/001", lambda data: data[32:] + data[:32], Reason.TILE_MISMATCH),
        ("tile/0/002.p/88", flip(40), Reason.TILE_MISMATCH),
        ("tile/0/002.p/88", lambda data: data[:-32], Reason.TILE_LENGTH),
        ("tile/1/000.p/2", flip(63), Reason.TILE_MISMATCH),
    ],
)
def test_a_file_that_was_altered_is_found(
    directory: Path, path: str, change: Callable[[bytes], bytes], reason: Reason
) -> None:
    file = directory / path
    file.write_bytes(change(file.read_bytes()))
    assert audited(directory).refused is reason


@pytest.mark.parametrize(
    "path",
    ["tile/entries/001", "tile/entries/002.p/88", "tile/0/000", "tile/0/002.p/88",
     "tile/1/000.p/2", "checkpoint"],
)  # fmt: skip
def test_a_file_that_is_missing_is_named(directory: Path, path: str) -> None:
    (directory / path).unlink()
    verdict = audited(directory)
    assert (verdict.refused, verdict.detail) == (Reason.FILE_MISSING, path)


def test_entries_that_were_rewritten_with_their_tiles_do_not_have_the_signed_root(
    directory: Path,
) -> None:
    write_files(directory, {**FORKED.files(), "checkpoint": head(600)})
    assert audited(directory).refused is Reason.ROOT_MISMATCH


def test_a_log_that_lost_its_end_contradicts_what_it_signed(tmp_path: Path) -> None:
    shorter = write_files(tmp_path, LOG.files(500))
    assert audited(shorter).is_accepted
    assert audited(shorter, head(600)).refused is Reason.OLD_IS_LARGER


def test_files_in_strange_places_are_not_passed_over(directory: Path) -> None:
    for path in ("tile/0/3", "tile/0/000.p/256", "tile/index", "tile/0/.000.tmp"):
        stray = directory / path
        write_files(directory, {path: b""})
        assert audited(directory).refused is Reason.FILE_STRAY
        stray.unlink()
        if stray.parent.name.endswith(".p"):
            stray.parent.rmdir()
    write_files(directory, {"policy": b"outside of the tiles"})
    assert audited(directory).is_accepted


def test_partial_tiles_of_smaller_sizes_are_compared_too(directory: Path) -> None:
    earlier = {path: data for path, data in LOG.files(300).items() if ".p/" in path}
    assert {"tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"} <= earlier.keys()
    write_files(directory, earlier)
    assert audited(directory).is_accepted
    for path, data in earlier.items():
        for changed in (flip(3)(data), data[:-1], data + b"\x00"):
            write_files(directory, {path: changed})
            assert audited(directory).refused is Reason.TILE_MISMATCH
        write_files(directory, {path: data})


def test_partial_files_may_be_gone_once_the_full_ones_are_there(tmp_path: Path) -> None:
    """A log writes its tiles before its head, so an export may be ahead of the head."""
    ahead = LOG.files()
    kept = {path: data for path, data in ahead.items() if path != "checkpoint"}
    directory = write_files(tmp_path, {**kept, "checkpoint": head(300)})
    (directory / "tile/1/000.p/1").parent.mkdir(parents=True, exist_ok=True)
    write_files(directory, {"tile/1/000.p/1": LOG.files(300)["tile/1/000.p/1"]})
    verdict = audited(directory)
    assert verdict.is_accepted, verdict
    # The full tile and bundle 1, the partial ones 2, and the wider partial tile of level 1.
    assert verdict.facts["files_beyond"] == 5
    write_files(directory, {"tile/0/001": flip(0)(ahead["tile/0/001"])})
    assert audited(directory).refused is Reason.TILE_MISMATCH


def test_proofs_are_made_from_the_directory(directory: Path) -> None:
    def from_tiles(old: int, new: int) -> list[bytes]:
        return read_consistency(TileDirectory(directory).hashes(new), old, new)

    assert verify_consistency(head(299), head(600), from_tiles, POLICY).is_accepted
    # At size 500 the second tile was partial; the full one is as good. Of the first level up the
    # partial tile has to be there, because no full one is.
    at_500 = verify_consistency(head(299), head(500), from_tiles, POLICY)
    assert (at_500.refused, at_500.detail) == (Reason.FILE_MISSING, "tile/1/000.p/1")
    write_files(directory, {"tile/1/000.p/1": LOG.files(500)["tile/1/000.p/1"]})
    assert verify_consistency(head(299), head(500), from_tiles, POLICY).is_accepted
