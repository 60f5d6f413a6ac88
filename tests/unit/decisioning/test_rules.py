"""The rule language: what it takes, what it refuses, and its three verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.decisioning.evaluate import Verdict, verdict_function
from counterfoil.decisioning.expression import (
    MalformedTreeError,
    features_read,
    from_json,
    to_json,
    to_sql,
)
from counterfoil.decisioning.rule_text import MalformedRuleError, parse_rule
from counterfoil.decisioning.rule_types import BOOLEAN, TEXT, RuleTypeError, Shape, ValueType
from counterfoil.decisioning.rule_types import check_rule as check

SHAPES = {
    "a": Shape(type=ValueType.INTEGER, lowest=0, highest=1_000),
    "b": Shape(type=ValueType.INTEGER, lowest=-5, highest=2**40),
    "t": TEXT,
    "p": BOOLEAN,
    "q": BOOLEAN,
}
NAMES = {Verdict.TRUE: "T", Verdict.FALSE: "F", Verdict.UNKNOWN: "U"}
KLEENE = {"T": True, "F": False, "U": None}


def judge(rule: str, **features: int | str | bool | None) -> str:
    tree = parse_rule(rule)
    check(tree, SHAPES)
    values = {name: features.get(name) for name in SHAPES}
    return NAMES[verdict_function(tree)(values)]


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ("p AND q", "TT=T TF=F TU=U FT=F FF=F FU=F UT=U UF=F UU=U"),
        ("p OR q", "TT=T TF=T TU=T FT=T FF=F FU=U UT=T UF=U UU=U"),
        ("NOT p", "TT=F FT=T UT=U"),
        ("NOT (p AND q)", "TU=U FU=T UU=U"),
        ("NOT (p OR q)", "TU=F FU=U UU=U"),
        ("p = q", "TT=T TF=F FF=T TU=U UU=U"),
        ("p IS NULL", "TT=F UT=T"),
        ("p IS NOT NULL", "TT=T UT=F"),
    ],
)
def test_unknown_follows_kleene(rule: str, row: str) -> None:
    for cell in row.split():
        given_values, expected = cell.split("=")
        p, q = (KLEENE[letter] for letter in given_values)
        assert judge(rule, p=p, q=q) == expected, cell


@pytest.mark.parametrize(
    ("rule", "a", "expected"),
    [
        ("a > 5", 5, "F"),
        ("a > 5", 6, "T"),
        ("a >= 5", 5, "T"),
        ("a < 5", 4, "T"),
        ("a <= 5", 6, "F"),
        ("a <> 5", 5, "F"),
        ("a BETWEEN 2 AND 4", 2, "T"),
        ("a BETWEEN 2 AND 4", 4, "T"),
        ("a BETWEEN 2 AND 4", 5, "F"),
        ("a NOT BETWEEN 2 AND 4", None, "U"),
        ("a IN (1, 2)", 2, "T"),
        ("a NOT IN (1, 2)", 3, "T"),
        ("a NOT IN (1, 2)", None, "U"),
        ("NOT (a > 5)", None, "U"),
        ("a * 100 > 7 * 70 + 9", 5, "T"),
        ("a - 3 = -1", 2, "T"),
        ("a + b > 0", 5, "U"),
        ("a + b > 0 OR a = 5", 5, "T"),
        ("t = 'x' OR a > 1", 2, "T"),
    ],
)
def test_comparisons_and_arithmetic(rule: str, a: int | None, expected: str) -> None:
    assert judge(rule, a=a) == expected


def test_a_quote_in_a_text_survives() -> None:
    assert judge("t = 'it''s'", t="it's") == "T"
    tree = parse_rule("t IN ('it''s', 'b')")
    assert parse_rule(to_sql(tree)) == tree


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "   ",
        "a >",
        "a > 1; DROP TABLE x",
        "a > 1;",
        "a % 2 = 1",
        "f(a) > 1",
        "a > (SELECT 1)",
        "a IN (SELECT 1)",
        "a IN (1, NULL)",
        "a IN ()",
        "a > 1 -- AND p",
        "a--3 > 1",
        "a > 1 /* AND */ AND p",
        "a > 1 {# AND p #}",
        "a = NULL",
        "a > 1.5",
        "a > 1e3",
        "a::text = '1'",
        "CAST(a AS text) = '1'",
        "t LIKE 'x%'",
        "t ~ 'x'",
        "t || 'x' = 'xx'",
        "a > CURRENT_DATE",
        "a > $1",
        "a > :x",
        "s.a > 1",
        '"a" > 1',
        "p IS TRUE",
        "EXISTS (SELECT 1)",
        "CASE a WHEN 1 THEN p END",
        "COALESCE() > 1",
        "NULLIF(a, b) = 1",
        "NVL2(a, 1, 2) > 1",
        "LEAST(a, NULL) > 1",
        "ROUND(a) > 1",
        "a > ALL (ARRAY[1])",
        "a > 0x10",
        "-a > 1",
        "'abc",
        "(" * 300 + "p" + ")" * 300,
        " AND ".join(["p"] * 500),
        "NOT " * 60 + "p",
        "p AND " + "q" * 5_000,
    ],
)
def test_what_is_not_on_the_list_is_malformed(rule: str) -> None:
    with pytest.raises(MalformedRuleError):
        parse_rule(rule)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("x > 1", "not declared"),
        ("a", "true or false"),
        ("a + 1", "true or false"),
        ("a AND p", "true or false"),
        ("NOT a", "true or false"),
        ("a = 'x'", "compares"),
        ("t > 'x'", "two integers"),
        ("p > q", "two integers"),
        ("t + 1 = 2", "two integers"),
        ("a IN ('x')", "another type"),
        ("t IN ('x', 1)", "another type"),
        ("p = 1", "compares"),
        ("b * b > 1", "64 bits"),
        ("b * 9223372036854775807 > 1", "64 bits"),
        ("a > 9223372036854775808", "64 bits"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_case(rule: str, fault: str) -> None:
    with pytest.raises(RuleTypeError, match=fault):
        check(parse_rule(rule), SHAPES)


RULES = st.recursive(
    st.sampled_from(
        [
            "p",
            "q",
            "a > 5",
            "a BETWEEN 1 AND b",
            "a * 3 - 1 <= b",
            "t IN ('x', 'y')",
            "a IS NULL",
            "t = 'x'",
            "p = TRUE",
            "a IN (1, -2)",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) AND ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) OR ({pair[1]})"),
        inner.map(lambda rule: f"NOT ({rule})"),
    ),
    max_leaves=8,
)


@given(RULES)
def test_text_tree_and_stored_form_say_the_same(rule: str) -> None:
    tree = parse_rule(rule)
    assert parse_rule(to_sql(tree)) == tree
    assert from_json(to_json(tree)) == tree


def test_a_chain_of_the_same_word_is_flat() -> None:
    assert to_json(parse_rule("p AND q AND (p AND q)")) == [
        "and",
        *[["feature", name] for name in "pqpq"],
    ]


def test_the_features_of_a_rule_are_named_once() -> None:
    assert features_read(parse_rule("a > 1 AND b > a OR p")) == ("a", "b", "p")


@pytest.mark.parametrize(
    "form",
    [
        None,
        [],
        ["and"],
        ["and", ["feature", "p"]],
        ["in", ["feature", "a"], []],
        ["in", ["feature", "a"], [None]],
        ["literal", None],
        ["literal", 1.5],
        ["feature", 1],
        ["call", "f"],
        ["%", ["feature", "a"], ["literal", 2]],
        ["case", [], None],
        ["case", [["literal", True]], None],
        ["coalesce"],
        ["nullif", ["feature", "a"], None],
        "p",
    ],
)
def test_a_stored_form_that_is_no_rule_is_refused(form: object) -> None:
    with pytest.raises(MalformedTreeError):
        from_json(form)
