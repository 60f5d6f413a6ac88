"""Staged leaves: bodies as canonical JSON, dated on both sides, and cheap for every answer."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
import rfc8785

from counterfoil.evidence.leaf import LeafType, commitment, entry
from counterfoil.evidence.staging import (
    NOTHING_WITNESSED,
    Leaves,
    Witnessed,
    body_of_answer,
    canonical_body,
)
from counterfoil.kernel.clock import TestClock

START = datetime(2026, 11, 22, tzinfo=UTC)
LATER = Witnessed(5, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
ANSWER = '{"amount_minor":200000,"id":"lo_1","tenors":[3,6]}'


@pytest.mark.parametrize("witnessed", [NOTHING_WITNESSED, LATER])
def test_the_body_of_an_answer_is_canonical(witnessed: Witnessed) -> None:
    body = body_of_answer(ANSWER, created=1_790_000_000, witnessed=witnessed)
    assert rfc8785.dumps(orjson.loads(body)) == body
    assert orjson.loads(body) == {
        "answer": orjson.loads(ANSWER),
        "created": 1_790_000_000,
        "prev_checkpoint": {"root": witnessed.root, "size": witnessed.size},
        "v": 1,
    }


def test_a_leaf_commits_to_its_body_and_follows_clock_and_checkpoint() -> None:
    clock = TestClock(START)
    leaves = Leaves(clock)
    for seconds, witnessed in ((0, NOTHING_WITNESSED), (3, NOTHING_WITNESSED), (3, LATER)):
        clock.advance(timedelta(seconds=seconds))
        leaves.note_witnessed(witnessed)
        leaf = leaves.stage_answer(7, 8, LeafType.MONEY_MOVEMENT, 9, "key", ANSWER)
        created = clock.milliseconds() // 1_000
        body = body_of_answer(ANSWER, created=created, witnessed=witnessed)
        assert (leaf.created, leaf.checkpoint_size, leaf.body) == (created, witnessed.size, None)
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
    assert orjson.loads(body)["v"] == 1


def test_an_entry_is_version_type_and_commitment() -> None:
    assert entry(LeafType.DECISION, b"c" * 32) == b"\x01\x08" + b"c" * 32
