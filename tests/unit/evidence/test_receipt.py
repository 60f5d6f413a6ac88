"""Receipts and proof files, taken apart byte by byte."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evidence.logs_for_tests import (
    BODY,
    KIND,
    SALT,
    SEEN_AT,
    policy,
    receipted,
    sample,
    vectors,
)

from counterfoil.evidence import leaf
from counterfoil.evidence.formats.merkle import leaf_hash
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.proof import TlogProof
from counterfoil.evidence.formats.reasons import Reason, RejectedError
from counterfoil.evidence.formats.receipt import Receipt, parse_body
from counterfoil.evidence.formats.receipt_qr import qr_of
from counterfoil.evidence.formats.verifying import (
    SPREAD_SECONDS_MAX,
    Freshness,
    Verdict,
    verify_proof,
    verify_receipt,
)

POLICY = policy()


def reason_of(read: Callable[[], object]) -> Reason | None:
    try:
        read()
    except RejectedError as rejected:
        return rejected.reason
    return None


def refused(data: bytes) -> Reason | None:
    return verify_receipt(data, POLICY).refused


def test_a_receipt_says_what_it_opens_and_when_it_was_seen() -> None:
    receipt = receipted()
    verdict = verify_receipt(bytes(receipt), POLICY)
    assert verdict.is_accepted
    facts = json.loads(json.dumps(verdict.shape()))
    assert facts["body"] == BODY
    assert (facts["accepted"], facts["reason"], facts["type_name"]) == (
        True,
        "accepted",
        "decision",
    )
    assert (facts["index"], facts["size"], facts["created"]) == (5, 21, SEEN_AT - 2)
    assert facts["witnesses"] == {"regulator": SEEN_AT, "bureau": SEEN_AT}
    assert facts["times"] == {"median": SEEN_AT, "earliest": SEEN_AT, "latest": SEEN_AT}


def test_a_receipt_is_written_as_it_was_read() -> None:
    data = bytes(receipted(extra=b"from the counter"))
    assert bytes(Receipt.parse(data)) == data
    assert Receipt.parse(data).proof.extra == b"from the counter"


@pytest.mark.parametrize("name", ["consent", "inquiry"])
def test_the_samples_openings_and_proofs_hold(name: str) -> None:
    opening = vectors("sample")["openings"][name]
    proof = TlogProof.parse(sample()[f"{name}.tlog-proof"])
    assert bytes(proof) == sample()[f"{name}.tlog-proof"]
    kind, salt = leaf.LeafType(opening["type"]), bytes.fromhex(opening["salt_hex"])
    receipt = Receipt(kind, salt, opening["jcs"].encode(), proof)
    assert leaf.commitment(kind, salt, receipt.body).hex() == opening["commitment_hex"]
    assert receipt.entry.hex() == opening["entry_hex"]
    assert receipt.entry == sample()[f"{name}.entry"]
    assert receipt.leaf_hash.hex() == opening["leaf_hash_hex"]
    believed = Policy.parse(sample()["policy"])
    verdict = verify_receipt(bytes(receipt), believed)
    assert verdict.facts["index"] == opening["index"]
    alone = verify_proof(sample()[f"{name}.tlog-proof"], receipt.entry, believed)
    assert alone.facts["leaf_hash"] == b64encode(receipt.leaf_hash).decode()


def test_any_other_byte_anywhere_is_rejected() -> None:
    """The receipt has no more cosignatures than the quorum needs, and no `extra`."""
    data = bytes(receipted())
    for place, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0x80, 0x0A, 0x20, 0x30} - {byte}:
            changed = data[:place] + bytes([other]) + data[place + 1 :]
            assert refused(changed), (place, other)


def test_a_byte_less_or_more_or_a_cut_is_rejected() -> None:
    data = bytes(receipted())
    for place in range(len(data)):
        assert refused(data[:place]), place
        assert refused(data[:place] + data[place + 1 :]), place
        for more in (b"\n", b" ", b"A", b"0"):
            assert refused(data[:place] + more + data[place:]), (place, more)
    assert refused(data + b"\n")
    assert refused(data.replace(b"\n", b"\r\n"))


def test_nothing_depends_on_extra() -> None:
    plain = verify_receipt(bytes(receipted()), POLICY)
    for extra in (b"", b"\x00", b"anything at all"):
        assert verify_receipt(bytes(receipted(extra=extra)), POLICY) == plain
    data = bytes(receipted(extra=b"note for the reader"))
    start = data.index(b"extra ") + len(b"extra ")
    for place in range(start, data.index(b"\n", start)):
        changed = data[:place] + b"B" + data[place + 1 :]
        assert verify_receipt(changed, POLICY) in (plain, Verdict(Reason.BASE64_MALFORMED)) or (
            refused(changed) is Reason.BASE64_MALFORMED
        )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("receipt/v1", "receipt/v2", Reason.MALFORMED),
        ("type 8", "type 10", Reason.ROOT_MISMATCH),
        ("type 8", "type 16", Reason.LEAF_TYPE_UNKNOWN),
        ("type 8", "type 08", Reason.NUMBER_MALFORMED),
        ("type 8", "type +8", Reason.NUMBER_MALFORMED),
        ("type 8", "kind 8", Reason.MALFORMED),
        ("type 8\n", "", Reason.MALFORMED),
        ("salt A", "salt AAAAA", Reason.SALT_LENGTH),
        ("12000.00", "12000.01", Reason.ROOT_MISMATCH),
        ('"v":1', '"v": 1', Reason.BODY_NOT_CANONICAL),
        ("tlog-proof@v1", "tlog-proof@v2", Reason.MALFORMED),
        ("index 5", "index 05", Reason.NUMBER_MALFORMED),
        ("index 5", "index -5", Reason.NUMBER_MALFORMED),
        ("index 5", "index 4", Reason.ROOT_MISMATCH),
        ("index 5", "index 6", Reason.ROOT_MISMATCH),
        ("index 5", "index 0", Reason.ROOT_MISMATCH),
        ("index 5", "index 20", Reason.PROOF_LENGTH),
        ("index 5", "index 21", Reason.INDEX_OUT_OF_RANGE),
        ("index 5\n", "", Reason.MALFORMED),
        ("index 5\n", "index 5\nextra AAAA\n", Reason.BASE64_MALFORMED),
        ("index 5\n", "index 5\n\n", Reason.EXTENSION_LINE),
        ("\n21\n", "\n22\n", Reason.SIGNATURE_WRONG),
        ("log.lender.example/2027\n21", "log.lender.example/2026\n21", Reason.ORIGIN_UNKNOWN),
    ],
)
def test_what_was_changed_is_named(old: str, new: str, reason: Reason) -> None:
    text = bytes(receipted()).decode()
    assert text.count(old) >= 1
    assert refused(text.replace(old, new, 1).encode()) is reason


def test_the_path_has_exactly_the_hashes_that_are_due() -> None:
    lines = bytes(receipted()).decode().split("\n")
    first = lines.index("index 5") + 1
    last = lines.index("", first)
    assert last - first == 5
    for place in range(first, last):
        dropped = "\n".join(lines[:place] + lines[place + 1 :]).encode()
        assert refused(dropped) is Reason.PROOF_LENGTH
        doubled = "\n".join(lines[: place + 1] + lines[place:]).encode()
        assert refused(doubled) is Reason.PROOF_LENGTH
    swapped = list(lines)
    swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
    assert refused("\n".join(swapped).encode()) is Reason.ROOT_MISMATCH
    padded = lines[:first] + [lines[first]] * 64 + lines[last:]
    assert refused("\n".join(padded).encode()) is Reason.PROOF_LENGTH


@pytest.mark.parametrize(
    ("witnesses", "reason"),
    [
        ((), Reason.WITNESSES_MISSING),
        (("regulator",), Reason.QUORUM_NOT_MET),
        (("bureau", "auditor", "fundbank"), Reason.QUORUM_NOT_MET),
        (("regulator", "stranger"), Reason.QUORUM_NOT_MET),
        (("regulator", "auditor"), None),
        ({"regulator": SEEN_AT, "bureau": SEEN_AT + SPREAD_SECONDS_MAX}, None),
        ({"regulator": SEEN_AT, "bureau": SEEN_AT + SPREAD_SECONDS_MAX + 1}, Reason.TIMES_SPREAD),
    ],
)
def test_a_quorum_of_witnesses_saw_it_at_about_one_time(
    witnesses: Any, reason: Reason | None
) -> None:
    assert refused(bytes(receipted(witnesses=witnesses))) is reason


def test_the_median_is_the_lower_one_of_two_in_the_middle() -> None:
    times = {"regulator": SEEN_AT + 9, "bureau": SEEN_AT, "auditor": SEEN_AT + 4}
    three = verify_receipt(bytes(receipted(witnesses=times)), POLICY)
    assert three.facts["times"]["median"] == SEEN_AT + 4
    four = verify_receipt(bytes(receipted(witnesses={**times, "fundbank": SEEN_AT + 6})), POLICY)
    assert four.facts["times"]["median"] == SEEN_AT + 4


@pytest.mark.parametrize(
    ("now", "seconds", "reason"),
    [
        (SEEN_AT, 0, None),
        (SEEN_AT + 100, 100, None),
        (SEEN_AT + 101, 100, Reason.TOO_OLD),
        (SEEN_AT - 60, 100, None),
        (SEEN_AT - 61, 100, Reason.FROM_THE_FUTURE),
    ],
)
def test_freshness_is_judged_where_it_is_asked_for(
    now: int, seconds: int, reason: Reason | None
) -> None:
    data = bytes(receipted())
    assert verify_receipt(data, POLICY, Freshness(now, seconds)).refused is reason


def test_a_leaf_cannot_know_a_checkpoint_that_holds_it() -> None:
    root = BODY["prev_checkpoint"]["root"]

    def knowing(size: int) -> bytes:
        return bytes(receipted(body={**BODY, "prev_checkpoint": {"size": size, "root": root}}))

    assert refused(knowing(5)) is None
    assert refused(knowing(6)) is Reason.BODY_AHEAD_OF_LOG


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":1.5}', Reason.BODY_NOT_CANONICAL),
        (b'{"a":NaN}', Reason.BODY_NOT_CANONICAL),
        (b'{"a":1,"a":1}', Reason.BODY_NOT_CANONICAL),
        (b'{"b":1,"a":1}', Reason.BODY_NOT_CANONICAL),
        (b'{"a":"\\u0041"}', Reason.BODY_NOT_CANONICAL),
        (b'{"a":"\\ud800"}', Reason.BODY_NOT_CANONICAL),
        (b'{"a":"\xff"}', Reason.BODY_NOT_CANONICAL),
        ('{"a":"e\u0301"}'.encode(), Reason.BODY_NOT_CANONICAL),
        (b'\xef\xbb\xbf{"a":1}', Reason.BODY_NOT_CANONICAL),
        ('{"a":1}'.encode("utf-16"), Reason.BODY_NOT_CANONICAL),
        (b'{"a":9007199254740993}', Reason.BODY_NOT_CANONICAL),
        (b"[" * 60_000, Reason.BODY_NOT_CANONICAL),
        (b"", Reason.BODY_NOT_CANONICAL),
        (b"[]", Reason.BODY_INCOMPLETE),
        (b'{"v":1}', Reason.BODY_INCOMPLETE),
        (b'"' + b"x" * 70_000 + b'"', Reason.TOO_LARGE),
    ],
)
def test_a_body_is_canonical_and_whole(body: bytes, reason: Reason) -> None:
    assert reason_of(lambda: parse_body(body)) is reason


@pytest.mark.parametrize(
    "change",
    [
        {"v": True},
        {"created": -1},
        {"created": "1798761600"},
        {"prev_checkpoint": None},
        {"prev_checkpoint": {"size": 3}},
        {"prev_checkpoint": {"size": -1, "root": "A"}},
        {"prev_checkpoint": {"size": 3, "root": "A", "time": 1}},
    ],
)
def test_every_body_says_when_and_after_what_it_was_written(change: dict[str, Any]) -> None:
    parse_body(rfc8785.dumps(BODY))
    assert reason_of(lambda: parse_body(rfc8785.dumps({**BODY, **change}))) is (
        Reason.BODY_INCOMPLETE
    )


def test_nothing_is_null_from_the_second_version_of_bodies_on() -> None:
    for wrong in ({"limit": None}, {"changes": [{"before": None}]}):
        parse_body(rfc8785.dumps({**BODY, "v": 1, **wrong}))
        body = rfc8785.dumps({**BODY, "v": 2, **wrong})
        with pytest.raises(RejectedError) as rejected:
            parse_body(body)
        assert rejected.value.reason is Reason.BODY_WITH_NULL


def test_a_proof_is_bound_to_its_entry() -> None:
    receipt = receipted()
    data = bytes(receipt.proof)
    assert verify_proof(data, receipt.entry, POLICY).is_accepted
    assert verify_proof(data, receipt.entry + b"\x00", POLICY).refused is Reason.ROOT_MISMATCH
    assert verify_proof(bytes(receipt), receipt.entry, POLICY).refused is Reason.MALFORMED


def test_a_receipt_of_a_large_log_stays_small_and_fits_into_a_qr_code() -> None:
    receipt = receipted()
    witnesses = ("regulator", "bureau", "fundbank", "auditor")
    note = receipted(witnesses=witnesses).proof.note
    long = TlogProof(999_999, (leaf_hash(b""),) * 20, note)
    data = bytes(Receipt(KIND, SALT, receipt.body, long))
    assert len(data) <= 2_500
    assert qr_of(data).error == "L"
    assert reason_of(lambda: qr_of(data * 2)) is Reason.TOO_LARGE


@given(st.data())
def test_a_damaged_receipt_is_rejected_and_never_crashes(data: st.DataObject) -> None:
    whole = bytearray(bytes(receipted()))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert bytes(whole) == bytes(receipted()) or refused(bytes(whole))


@given(st.binary(max_size=300))
def test_any_bytes_are_rejected(data: bytes) -> None:
    assert refused(data)
    assert refused(b"counterfoil-receipt/v1\n" + data)
