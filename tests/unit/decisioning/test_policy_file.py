"""A fault in a policy's file is told with file, line, column, place, reason and what is allowed."""

import pytest
from tests.unit.decisioning.policies import TEXT

from counterfoil.decisioning.policy_file import FaultyPolicyError, position_of, read_policy_file
from counterfoil.decisioning.reading import InvalidPolicyError

#: What stands there, what is written instead, what the position points at, the reason.
# ruff: noqa: E501 - a table
FAULTS: list[tuple[str, str, str, str]] = [
    ("delay_months_latest >= 2", "delay_months_latest / late_months_count >= 2",
     "late_months_count >= 2", "divisor can be 0"),
    ("AND late_months_count >= 4", "AND nobody >= 4", "nobody >= 4", "not declared; declared are age"),
    ("rate_daily_e8 = 30_000", "rate_daily_e8 = 20_000", "20_000", "better than a better"),
    ("lenders_count BETWEEN 4 AND 6", "round(lenders_count) > 4", "round", "not allowed; allowed are"),
    ('action = "flag"', 'action = "flog"', "flog", "none of decline, ask"),
    ("'mortgage_repayment', 'shares'", "mortgage_repayment, 'shares'", "mortgage_repayment,",
     "not an integer, a text"),
    ("edges = [1, 2]\npoints = [25", "edges = [2, 1]\npoints = [25", "[2, 1]", "does not ascend"),
    ('code = "base"', "code = base", "base", "is not TOML"),
    ("recorded = 3_000_000", "recorded = 9_000_000", "{ recorded = 9_000_000", "above a better"),
    ("debt_monthly_minor * 100 > income_monthly_minor * 70",
     "debt_monthly_minor * 100 > income_monthly_minor * 7000000000", "income_monthly_minor * 7",
     "more than 64 bits"),
    ("lenders_count >= 7", "lenders_count >= '7'", "lenders_count >= '7'", "compares integer with text"),
    ("lenders_count >= 7", "lenders_count + 1", "lenders_count + 1", "true or false"),
    ('when = "is_student"', 'when = "is_student AND (SELECT 1)"', "1)", "not allowed"),
    ("lenders_count >= 7", "lenders_count >= 7 -- AND is_student", "-- AND", "beside the rule"),
    ("lenders_count >= 7", "lenders_count >= 9007199254740993", "lenders_count", "beyond 2"),
    ("offer_valid_days = 30", "offer_valid_days = 99999999999", "999", "between 1 and 366"),
    ('on_unknown = "refer"', 'on_unkown = "refer"', "[[rules]]", "is missing; there is on_unkown"),
    ('name_zh = "', 'name_zh = "\\u202e', "\\u202e", r"that nobody sees: U\+202E"),
    ("offer_valid_days = 30", "offer_valid_days = 1.5", "1.5", "is a fraction"),
    ('code = "R02"', 'code = "R01"', "[[rules]]", "stands there twice"),
    ('version = "', "deep = " + "[" * 5_000 + "]" * 5_000 + '\nversion = "', "", "deeper"),
    ('version = "', "huge = " + "9" * 5_000 + '\nversion = "', "", "is not TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("was", "becomes", "points_at", "reason"), FAULTS)
def test_a_fault_is_found_where_it_stands(
    was: str, becomes: str, points_at: str, reason: str
) -> None:
    assert was in TEXT
    text = TEXT.replace(was, becomes, 1)
    with pytest.raises(FaultyPolicyError, match=reason) as caught:
        read_policy_file("mine.toml", text)
    found = caught.value
    line = text.splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith(points_at.split("\n", maxsplit=1)[0])
    assert str(found).startswith(f"mine.toml:{found.line}:{found.column}: {found.place}: ")


def test_what_stands_nowhere_is_at_the_beginning() -> None:
    assert position_of(TEXT, InvalidPolicyError("policy.colour", "is missing")) == (1, 1)
    assert position_of("", InvalidPolicyError("policy", "is empty")) == (1, 1)


def test_a_sound_file_is_a_policy_and_an_endless_one_is_not() -> None:
    assert read_policy_file("mine.toml", TEXT).code == "base"
    with pytest.raises(FaultyPolicyError, match="longer than 1,000,000"):
        read_policy_file("mine.toml", TEXT + "#" * 1_000_000)
