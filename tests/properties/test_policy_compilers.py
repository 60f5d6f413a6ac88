"""Reference, generated Python and Polars agree on policies and applications nobody thought of."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.unit.decisioning.cases import asked
from tests.unit.decisioning.policies import base_document, full_policy, tree

from counterfoil.decisioning.batch_frame import frame_of
from counterfoil.decisioning.batch_rows import result_of_row
from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.compile_polars import decided
from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gate import publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Guards
from counterfoil.decisioning.reading import InvalidPolicyError

INTEGERS = {"a": (0, 4), "b": (-3, 9), "m": (0, 10**12)}
QUESTIONS = (
    asked(),
    asked(requested_minor=120_000),
    asked(rate_daily_max_e8=31_000, tenors_months=(3, 18)),
    asked(limit_step_minor=1, limit_min_minor=400_000),
)


def feature(name: str, kind: str, **more: Any) -> dict[str, Any]:
    common = {"name_en": name, "name_zh": name, "unit": "count", "nullable": True}
    return {
        "name": name,
        "type": kind,
        **common,
        "source": "applicant",
        "legal_basis": "law",
        **more,
    }


FEATURES = [
    *(feature(name, "integer", lowest=low, highest=high) for name, (low, high) in INTEGERS.items()),
    feature("income", "integer", lowest=0, highest=10**9),
    feature("debt", "integer", lowest=0, highest=10**9),
    feature("t", "text", values=["x", "y", "it's"]),
    feature("u", "text", values=["y", "z"]),
    feature("p", "boolean"),
    feature("q", "boolean"),
]

numbers: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["a", "b", "m"]),
        st.integers(-4, 10).map(str),
        st.tuples(numbers, st.sampled_from("+-*"), st.integers(-3, 3)).map(
            lambda part: f"({part[0]} {part[1]} ({part[2]}))"
        ),
        st.tuples(numbers, numbers).map(lambda pair: f"LEAST({pair[0]}, {pair[1]})"),
        st.tuples(numbers, numbers).map(lambda pair: f"GREATEST({pair[0]}, {pair[1]})"),
        st.tuples(numbers, numbers).map(lambda pair: f"COALESCE({pair[0]}, {pair[1]})"),
        numbers.map(lambda item: f"ABS({item})"),
        st.tuples(numbers, st.integers(0, 3)).map(lambda pair: f"NULLIF({pair[0]}, {pair[1]})"),
        st.tuples(st.sampled_from(["a", "m"]), st.sampled_from(["NULLIF(a, 0)", "3", "7"])).map(
            lambda pair: f"{pair[0]} / {pair[1]}"
        ),
        st.tuples(conditions, numbers, numbers).map(
            lambda part: f"(CASE WHEN {part[0]} THEN {part[1]} ELSE {part[2]} END)"
        ),
        st.tuples(conditions, numbers).map(lambda p: f"(CASE WHEN {p[0]} THEN {p[1]} END)"),
    )
)
compared = st.tuples(
    numbers,
    st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]),
    numbers,
).map(lambda part: f"({part[0]} {part[1]} {part[2]})")
conditions: st.SearchStrategy[str] = st.recursive(
    st.one_of(
        compared,
        st.sampled_from(
            [
                *("p", "q", "p = q", "p <> TRUE", "t = 'x'", "t <> u", "t IN ('y', 'it''s')"),
                *("t IS NULL", "p IS NOT NULL", "a IN (0, 3)", "b NOT IN (-3, 1, 2, 5, 8)"),
                *("b BETWEEN a AND 5", "COALESCE(p, q)", "NULLIF(p, TRUE)", "t = 'nowhere'"),
                *("CASE WHEN p THEN q WHEN a > 2 THEN NOT q END", "NULLIF(t, 'x') = u"),
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda items: f"({' AND '.join(items)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: f"({' OR '.join(items)})"),
        inner.map(lambda item: f"(NOT {item})"),
    ),
    max_leaves=5,
)


@st.composite
def rules(draw: st.DrawFn, number: int) -> dict[str, Any]:
    stage = draw(st.sampled_from(["eligibility", "risk", "risk"]))
    actions = ["decline", "ask", "refer"]
    if stage == "risk":
        actions += ["cap_line", "add_margin", "flag"]
    action = draw(st.sampled_from(actions))
    made = {
        "code": f"R{number}",
        "stage": stage,
        "class": draw(st.sampled_from(["law", "risk", "product"])),
        "when": tree(draw(conditions)),
        "action": action,
        "on_unknown": draw(st.sampled_from(["decline", "refer", "ask"])),
        "reason": draw(st.sampled_from(["DLQ_NOW", "CAP_DSR", "INC_UNVER", "LIMIT_GRADE"])),
    }
    if made["class"] != "law" and draw(st.booleans()):
        made["on_unknown"] = "ignore"
    if action == "cap_line":
        made["cap_minor"] = draw(st.sampled_from([60_000, 300_000, 300_001]))
    if action == "add_margin":
        made["margin_daily_e8"] = draw(st.sampled_from([1, 7_000]))
    if draw(st.booleans()):
        made["segments"] = ["first"]
    return made


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    document = base_document()
    del document["tests"]
    made = [draw(rules(number)) for number in range(draw(st.integers(1, 5)))]
    edges = sorted(draw(st.sets(st.integers(-2, 9), min_size=1, max_size=4)))
    points = st.integers(-30, 30)
    document |= {
        "features": FEATURES,
        "derived": [
            {"name": "k", "name_en": "k", "name_zh": "k", "unit": "x", "is": tree(draw(numbers))}
        ],
        "segments": [
            {"code": "first", "name_en": "1", "name_zh": "1", "cap_minor": 4_000_000}
            | {"when": tree(draw(conditions))},
            {"code": "rest", "name_en": "2", "name_zh": "2", "cap_minor": 900_000}
            | ({"reason": draw(st.sampled_from(["HIST_SHORT", "CAP_DSR"]))} if made[1:] else {}),
        ],
        "rules": made,
        "scorecard": {
            "base_points": 600,
            "characteristics": [
                {
                    "feature": name,
                    "edges": edges,
                    "points": [draw(points) for _ in range(len(edges) + 1)],
                    "points_unknown": draw(points),
                    "reason": reason,
                    "reason_unknown": draw(st.sampled_from(["HIST_SHORT", reason])),
                }
                for name, reason in (("a", "DLQ_NOW"), ("b", "UTIL_HIGH"), ("a", "LIMIT_GRADE"))
            ],
        },
        "growth": {"when": tree(draw(conditions))},
    }
    for grade in document["grades"]:
        grade["points_min"] -= 40
        high, low = grade["limits_minor"]["recorded"], grade["limits_minor"]["first_time"]
        grade["limits_minor"] = {"first": high, "rest": low}
        grade["limits_grown_minor"] = {"first": high + 7, "rest": low * 3}
        rate = grade["rate_daily_e8"]
        grade["rates_daily_e8"] = {"first": rate, "rest": rate + 3}
    document["capacity"] |= {"income_feature": "income", "debt_feature": "debt"}
    return policy_of(document)


def questions(cases: list[dict[str, Value | None]]) -> list[GateCase]:
    return [GateCase(case, QUESTIONS[n % len(QUESTIONS)]) for n, case in enumerate(cases)]


#: What ranges forbid: a number beyond 64 bits, a divisor, a value that cannot be.
FORBIDDEN = ("64 bits", "divi", "NULLIF", "below 0")


def sound_policy(data: st.DataObject) -> Policy | None:
    """Return a policy, or None where the ranges of what was drawn forbid it."""
    try:
        return data.draw(policies())
    except InvalidPolicyError as fault:
        if not any(word in fault.reason for word in FORBIDDEN):
            raise
        return None


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_three_engines_agree_on_any_policy_at_its_borders(data: st.DataObject) -> None:
    policy = sound_policy(data)
    assume(policy is not None)
    assert policy is not None
    report = publication_check(policy, questions(generated_cases(policy, most=160)), [])
    assert report.differences == []


ODD: list[Value | None] = [None, -4, 0, 3, 10**12, 10**12 + 1, True, False, "x", "it's", "other"]


FULL = full_policy()
COMPILED = compile_python(FULL)
NAMES = [item.name for item in FULL.features]


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(ODD)))
def test_the_generated_function_takes_whatever_it_is_given_like_the_reference(
    case: dict[str, Value | None],
) -> None:
    policy, compiled = FULL, COMPILED
    for given_case in (case, case | {"nobody": 1}):
        expected = policy.decide(given_case, asked())
        found = compiled.decide(given_case, asked())
        assert found == expected
        assert found.inputs() == expected.inputs()
        assert found.result() == expected.result()


@pytest.mark.parametrize(
    "guards",
    [
        Guards(tripped=frozenset({"R01", "F01"})),
        Guards(tripped=frozenset({"*"})),
        Guards(snoozed=frozenset({"R09", "M01", "R12", "A01"})),
        Guards(tripped=frozenset({"*"}), snoozed=frozenset({"R04", "R01"})),
    ],
)
def test_what_guards_hold_back_is_the_same_in_every_engine(guards: Guards) -> None:
    policy = full_policy()
    compiled = compile_python(policy)
    cases = generated_cases(policy, most=1_500)
    question: Asked = replace(asked(), requested_minor=None)
    batch = decided(
        policy, frame_of(policy, cases), question, guards=guards, shows_parts=True
    ).collect()
    held = 0
    for case, row in zip(cases, batch.iter_rows(named=True), strict=True):
        expected = policy.decide(case, question, guards)
        held += bool(expected.guarded)
        assert compiled.decide(case, question, guards) == expected
        told = result_of_row(policy, row, expected.features, guards)
        assert told == orjson.loads(expected.result())
    assert held > 50


def test_more_rules_and_reasons_than_fit_into_one_word() -> None:
    document = base_document()
    names = [f"Q{number}" for number in range(150)]
    document["reasons"] += [{"code": name, "zh": "原因", "en": "A reason"} for name in names]
    document["rules"] += [
        {
            "code": name,
            "stage": "risk",
            "class": "risk",
            "when": tree(f"utilisation_ppm > {number * 6_000} AND NOT is_student"),
            "action": ("decline", "refer", "flag", "cap_line")[number % 4],
            "on_unknown": ("ignore", "refer")[number % 2],
            "reason": name,
            **({"cap_minor": 100_000 + number} if number % 4 == 3 else {}),
        }
        for number, name in enumerate(names)
    ]
    policy = policy_of(document)
    report = publication_check(policy, questions(generated_cases(policy, most=1_200)), [])
    assert report.differences == []
