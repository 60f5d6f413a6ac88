"""A stored decision is decided again to the same byte, or says what differs."""

from dataclasses import replace
from hashlib import sha256

import orjson
import pytest
from tests.unit.decisioning.cases import CLEAN, NEWCOMER, POLICY, asked, decide

from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.replay import asked_of, leaf_facts, record_of, replay
from counterfoil.kernel import ids

CASES: list[dict[str, Value | None]] = [
    CLEAN,
    NEWCOMER,
    {},
    CLEAN | {"age_years": 17},
    CLEAN | {"delay_months_latest": 3},
    CLEAN | {"is_student": True, "lenders_count": -1, "sex": 2},
    CLEAN | {"purpose": "旅行"},
]


@pytest.mark.parametrize("case", CASES)
def test_a_replay_gives_the_same_bytes(case: dict[str, Value | None]) -> None:
    stored = record_of(POLICY.decide(case, asked()))
    assert replay(POLICY, stored).is_same
    again = policy_of(orjson.loads(POLICY.canonical))
    assert replay(again, stored).is_same


def test_another_policy_shows_what_it_would_have_changed() -> None:
    stored = record_of(decide())
    document = orjson.loads(POLICY.canonical)
    document["grades"][0]["limits_minor"]["recorded"] = 4_000_000
    document["rules"][4]["when"] = ["literal", True]
    shown = replay(policy_of(document), stored)
    assert not shown.is_same
    assert "limit_minor" in shown.differences
    assert "R01" in shown.differences
    assert "E01" not in shown.differences


def test_an_altered_result_does_not_pass() -> None:
    stored = record_of(decide())
    altered = replace(stored, result=stored.result.replace(b"5000000", b"6000000"))
    assert not replay(POLICY, altered).is_same


def test_the_question_comes_back_as_it_was_asked() -> None:
    question = asked(requested_minor=100_000)
    assert asked_of(orjson.loads(orjson.dumps(question.document()))) == question


def test_the_leaf_names_no_person_and_follows_from_the_record() -> None:
    stored = record_of(decide())
    body = leaf_facts(7, stored, model=POLICY.model_sha256, by_person=None)
    assert body == {
        "application_id": ids.to_text(ids.APPLICATION, 7),
        "currency": "CNY",
        "decided_by": "policy",
        "input_hash": sha256(stored.inputs).hexdigest(),
        "limit_minor": 5_000_000,
        "outcome": "approved",
        "policy_hash": POLICY.hash,
        "policy_version": "2026-01",
        "rate_daily_e8": 25_000,
        "reasons": ["LIMIT_GRADE", "UTIL_PATTERN"],
        "versions": {
            "features": None,
            "model": POLICY.hash,
            "policy": POLICY.hash,
            "product": asked().product_version,
            "rules": None,
        },
    }
    ended = leaf_facts(7, stored, model="m" * 64, by_person=Outcome.DECLINED)
    assert (ended["decided_by"], ended["outcome"]) == ("person", "declined")
