"""Why a decision does not come out again, and which part of today's policy changes it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.unit.decisioning.cases import CLEAN, asked
from tests.unit.decisioning.policies import base_document, full_policy, rule

from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.document import BASE_POLICY, load_policy, policy_of
from counterfoil.decisioning.explanation import explain
from counterfoil.decisioning.policy_parts import Guards
from counterfoil.decisioning.replay import Standing, StoredDecision, record_of
from counterfoil.decisioning.replay_cause import Cause, Comparison, judge

BASE = load_policy(BASE_POLICY)
FUNCTION = compile_python(BASE).function


def recorded() -> tuple[StoredDecision, Standing]:
    decision = BASE.decide(CLEAN, asked())
    standing = Standing(
        grade=decision.grade,
        points=decision.points,
        limit_minor=decision.limit_minor,
        rate_daily_e8=decision.rate_daily_e8,
    )
    return record_of(decision), standing


def test_what_was_decided_comes_out_again() -> None:
    stored, standing = recorded()
    assert judge(BASE, FUNCTION, stored, standing).cause is Cause.NONE


def test_with_guards_it_comes_out_again_too() -> None:
    policy = full_policy()
    decision = policy.decide(
        CLEAN | {"delay_months_latest": 3}, asked(), Guards(tripped=frozenset({"*", "R01"}))
    )
    stored = record_of(decision)
    assert orjson.loads(stored.inputs)["guards"] == {"snoozed": [], "tripped": ["*", "R01"]}
    standing = Standing(grade=decision.grade, points=None, limit_minor=0, rate_daily_e8=None)
    found = judge(policy, compile_python(policy).function, stored, standing)
    assert found.cause is Cause.NONE


def test_each_cause_is_named() -> None:
    stored, standing = recorded()
    assert judge(None, None, stored, standing).cause is Cause.POLICY
    foreign = replace(
        stored, inputs=stored.inputs.replace(b'"history_months":6', b'"history_months":-6')
    )
    assert judge(BASE, FUNCTION, foreign, standing).cause is Cause.DATA
    other_policy = replace(stored, inputs=stored.inputs.replace(BASE.hash.encode(), b"0" * 64))
    late = replace(other_policy, result=b'{"x":1,"verdicts":{}}')
    assert judge(BASE, FUNCTION, late, standing).cause is Cause.DATA
    altered = replace(stored, result=stored.result.replace(b"5000000", b"6000000"))
    found = judge(BASE, FUNCTION, altered, standing)
    assert found.cause is Cause.RECORD
    assert "limit_minor" in found.differences
    inputs = replace(
        stored,
        inputs=stored.inputs.replace(b'"utilisation_ppm":500000', b'"utilisation_ppm":990000'),
    )
    found = judge(BASE, FUNCTION, inputs, standing)
    assert (found.cause, "points" in found.differences) == (Cause.DATA_OR_ENGINE, True)


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("rules", lambda d: d["rules"][4].update(when=["literal", True])),
        ("model", lambda d: d["scorecard"].update(base_points=560)),
        ("limits", lambda d: d["grades"][0]["limits_minor"].update(recorded=4_000_000)),
        ("prices", lambda d: d["grades"][0].update(rate_daily_e8=24_000)),
    ],
)
def test_the_part_of_todays_policy_that_changes_a_decision_is_named(
    part: str, changed: Callable[[Any], None]
) -> None:
    stored, _ = recorded()
    document = base_document()
    changed(document)
    parts, differences = Comparison(BASE, policy_of(document)).changes(stored)
    assert parts == (part,)
    assert differences


def test_another_version_with_the_same_answer_changes_nothing() -> None:
    stored, _ = recorded()
    document = base_document() | {"version": "2026-02"}
    assert Comparison(BASE, policy_of(document)).changes(stored) == ((), ())
    document["rules"].append(rule("X01", "history_months = 6", "cap_line", cap_minor=6_000_000))
    parts, differences = Comparison(BASE, policy_of(document)).changes(stored)
    assert parts == ("rules",)
    assert "X01" in differences


def test_staff_see_what_each_rule_read_and_customers_only_factors() -> None:
    decision = BASE.decide(CLEAN | {"delay_months_latest": 3}, asked())
    stored = record_of(decision)
    told = explain(BASE, orjson.loads(stored.inputs), orjson.loads(stored.result))
    first = told["rules"][0]
    assert (first["rule"], first["verdict"], first["then"]) == ("R01", "true", "decline")
    assert first["read"] == {"history_months": 6, "delay_months_latest": 3}
    assert told["customer_is_told"]["zh"] == ["您有尚未还清的逾期款项"]
    result = orjson.loads(stored.result) | {"reasons": ["DLQ_NOW", "gone"]}
    told = explain(BASE, orjson.loads(stored.inputs), result)
    assert told["customer_is_told"]["en"] == ["You have an overdue amount that is not yet paid"]
    lost = explain(None, orjson.loads(stored.inputs), orjson.loads(stored.result))
    assert (lost["rules"], lost["outcome"]) == ([], "declined")
