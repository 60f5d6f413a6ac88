"""Staged leaves: bodies as canonical JSON, dated on both sides, and cheap for every answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import rfc8785
from tests import leaf_bodies

from counterfoil.evidence.body import Booked, stated
from counterfoil.evidence.leaf import LeafType, commitment, entry
from counterfoil.evidence.staging import (
    NOTHING_WITNESSED,
    Leaves,
    Witnessed,
    body_of_answer,
    canonical_body,
)
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import RefusedError

START = datetime(2026, 11, 22, tzinfo=UTC)
LATER = Witnessed(5, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
ANSWER: dict[str, Any] = {
    "amount_minor": 200000,
    "currency": "CNY",
    "fee_minor": -5,
    "id": "lo_1",
    "next_due_date": None,
    "parts": [{"fee_id": "f", "fee_minor": 7, "note": None}],
    "rate_daily_e8": 40_000,
    "tenors": [3, 6],
}
BOOKED = Booked("key", "repay", "CNY", 2, b"j" * 32, {})
MORE = BOOKED._replace(more={"loans": ["lo_1"], "value_date": "2026-11-22"})


def body_of(answer: dict[str, Any], kept: bytes, created: int, witnessed: Witnessed) -> bytes:
    text = orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode()
    body = body_of_answer(
        "repay", text, command="key", kept=kept, created=created, witnessed=witnessed
    )
    assert body is not None
    return body


@pytest.mark.parametrize("witnessed", [NOTHING_WITNESSED, LATER])
@pytest.mark.parametrize("booked", [BOOKED, MORE])
def test_the_body_of_an_answer_is_canonical_and_says_money_as_decimals(
    witnessed: Witnessed, booked: Booked
) -> None:
    body = body_of(ANSWER, booked.kept, 1_790_000_000, witnessed)
    assert rfc8785.dumps(orjson.loads(body)) == body
    assert orjson.loads(body) == {
        "answer": {
            "amount": "2000.00",
            "currency": "CNY",
            "fee": "-0.05",
            "id": "lo_1",
            "parts": [{"fee_id": "f", "fee": "0.07"}],
            "rate_daily_e8": 40_000,
            "tenors": [3, 6],
        },
        "booked": {
            "command": "key",
            "currency": "CNY",
            "journals": 2,
            "journals_sha256": "6a" * 32,
            "kind": "repay",
            **booked.more,
        },
        "created": 1_790_000_000,
        "prev_checkpoint": {"root": witnessed.root, "size": witnessed.size},
        "v": 2,
    }


def test_a_leaf_of_the_first_version_keeps_its_body() -> None:
    text = orjson.dumps(ANSWER, option=orjson.OPT_SORT_KEYS).decode()
    body = body_of(ANSWER, b"", 1_790_000_000, LATER)
    assert (
        body
        == (
            f'{{"answer":{text},"created":1790000000,"prev_checkpoint":'
            f'{{"root":"{LATER.root}","size":5}},"v":1}}'
        ).encode()
    )
    assert rfc8785.dumps(orjson.loads(body)) == body


@pytest.mark.parametrize("cut", [b"\x03", b"\x02CNY", b"\x02XXX" + bytes(34), b"\x01CNY"])
def test_what_was_kept_and_is_altered_makes_no_body(cut: bytes) -> None:
    made = body_of_answer("repay", "{}", command="k", kept=cut, created=1, witnessed=LATER)
    assert made is None
    for text in ("no answer", "[]", '{"amount_minor":1} ', '{"a":1,"a":1}'):
        altered = body_of_answer(
            "repay", text, command="k", kept=BOOKED.kept, created=1, witnessed=LATER
        )
        assert altered is None


def test_amounts_follow_the_exponent_of_the_nearest_currency() -> None:
    fields = {"currency": "CNY", "a_minor": 1, "in": {"currency": "JPY", "a_minor": 100}}
    assert stated(fields) == {"currency": "CNY", "a": "0.01", "in": {"currency": "JPY", "a": "100"}}
    with pytest.raises(KeyError):
        stated({"a_minor": 1})
    with pytest.raises(AssertionError, match="the same name"):
        stated({"currency": "CNY", "a_minor": 1, "a": 2})


def test_a_text_in_another_form_than_nfc_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        canonical_body({"name": "e\u0301"}, created=1, witnessed=LATER)
    assert refused.value.refused.code == "text_not_normalised"


def test_a_leaf_commits_to_its_body_and_follows_clock_and_checkpoint() -> None:
    clock = TestClock(START)
    leaves = Leaves(clock)
    for seconds, witnessed in ((0, NOTHING_WITNESSED), (3, NOTHING_WITNESSED), (3, LATER)):
        clock.advance(timedelta(seconds=seconds))
        leaves.note_witnessed(witnessed)
        leaf = leaves.stage_answer(7, 8, LeafType.MONEY_MOVEMENT, 9, ANSWER, MORE)
        created = clock.milliseconds() // 1_000
        body = body_of(ANSWER, MORE.kept, created, witnessed)
        assert (leaf.created, leaf.checkpoint_size, leaf.body) == (
            created,
            witnessed.size,
            MORE.kept,
        )
        assert leaf.commitment == commitment(LeafType.MONEY_MOVEMENT, leaf.salt, body)


def test_no_two_leaves_share_a_salt_and_an_earlier_checkpoint_is_not_taken() -> None:
    leaves = Leaves(TestClock(START))
    leaves.note_witnessed(LATER)
    leaves.note_witnessed(Witnessed(4, NOTHING_WITNESSED.root))
    assert leaves.witnessed == LATER
    staged = [
        leaves.stage(1, number, LeafType.KEY_CHANGE, 0, {"old": "a", "new": "b"})
        for number in range(100)
    ]
    assert len({leaf.salt for leaf in staged}) == 100
    assert len({leaf.commitment for leaf in staged}) == 100


def test_fields_cannot_stand_in_for_the_frame() -> None:
    body = canonical_body({"created": 1, "v": 9}, created=2, witnessed=NOTHING_WITNESSED)
    assert orjson.loads(body)["created"] == 2
    assert orjson.loads(body)["v"] == 2


def test_an_entry_is_version_type_and_commitment() -> None:
    assert entry(LeafType.DECISION, b"c" * 32) == b"\x01\x08" + b"c" * 32


def test_every_type_that_is_written_is_held_against_the_specification() -> None:
    assert leaf_bodies.SAYS.keys() == leaf_bodies.WRITTEN
    frame: dict[str, Any] = {
        "created": 1,
        "prev_checkpoint": {"root": LATER.root, "size": 5},
        "v": 2,
    }
    good: dict[str, Any] = {**frame, "channel": "portal", "consent": "c", "withdrawn_at": 1}
    leaf_bodies.check_body(LeafType.CONSENT_WITHDRAWN, rfc8785.dumps(good))
    for wrong in (
        {"withdrawn_at": "2026-11-22T10:00:00"},
        {"consent": ""},
        {"note": None},
        {"note": {"amount_minor": 1}},
        {"v": 1},
    ):
        with pytest.raises(AssertionError):
            leaf_bodies.check_body(LeafType.CONSENT_WITHDRAWN, rfc8785.dumps({**good, **wrong}))
