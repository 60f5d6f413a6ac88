"""Every bad policy that somebody may bring is refused with a place and a reason, at once."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.decisioning.policies import TEXT, base_document, derived, rule

from counterfoil.decisioning.document import policy_of, read_policy
from counterfoil.decisioning.gate import publication_check
from counterfoil.decisioning.reading import InvalidPolicyError

Change = Callable[[dict[str, Any]], object]


def with_rule(when: str) -> Change:
    return lambda document: document["rules"].append(rule("X01", when))


def another_purpose(document: dict[str, Any]) -> None:
    for feature in document["features"]:
        if feature["name"] == "history_months":
            feature["legal_basis"] = "consent"
            feature["consent_purpose"] = "inquiry_review"


def cycle(document: dict[str, Any]) -> None:
    document["derived"] = [derived("one", "two + 1"), derived("two", "one + 1")]


BAD: list[tuple[str, Change, str, str]] = [
    ("unknown feature", with_rule("shoe_size > 40"), "rules[X01].when", "not declared"),
    ("wrong type", with_rule("lenders_count = 'many'"), "rules[X01].when", "compares integer"),
    ("no condition", with_rule("lenders_count + 1"), "rules[X01].when", "true or false"),
    (
        "division by zero",
        with_rule("lenders_count / late_months_count > 1"),
        "rules[X01].when",
        "divisor can be 0",
    ),
    ("cycle", cycle, "derived", "reads"),
    (
        "10,000 rules",
        lambda d: d.update(rules=[rule(f"X{n}", "lenders_count > 1") for n in range(10_000)]),
        "rules",
        "10,000 entries; 1,000 are allowed",
    ),
    (
        "unbounded text",
        lambda d: d["reasons"][0].update(en="because " * 100_000),
        "reasons[ELIG_PRODUCT].en",
        "longer than 500",
    ),
    ("another consent's field", another_purpose, "features[history_months].consent_purpose",
     "may read only what was consented to"),
    (
        "protected trait",
        lambda d: d["features"].append(d["features"][2] | {"name": "sex_code"}),
        "features[sex_code].name",
        "nobody is judged",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "place", "reason"), [bad[1:] for bad in BAD],
                         ids=[bad[0] for bad in BAD])  # fmt: skip
def test_a_bad_policy_is_refused_with_place_and_reason(
    change: Change, place: str, reason: str
) -> None:
    document = base_document()
    change(document)
    with pytest.raises(InvalidPolicyError, match=reason) as caught:
        policy_of(document)
    assert caught.value.place.removeprefix("policy.").startswith(place)


def test_a_rule_of_unbounded_text_is_refused_before_it_is_parsed() -> None:
    endless = "lenders_count > 1 OR " * 10_000 + "is_student"
    text = TEXT.replace('when = "is_student"', f'when = "{endless}"', 1)
    with pytest.raises(InvalidPolicyError, match="4096 characters"):
        read_policy(text)


@pytest.mark.parametrize(
    ("when", "reason"),
    [("lenders_count > 1000", "never be true"), ("lenders_count >= 0", "never be false")],
)
def test_a_condition_that_says_always_the_same_does_not_pass_the_gate(
    when: str, reason: str
) -> None:
    document = base_document()
    document["rules"].append(rule("X01", when))
    policy = policy_of(document)
    reasons = {item.place: item.reason for item in publication_check(policy, [], []).faults}
    assert reason in reasons["policy.rules[X01].when"]


def test_a_rule_that_reads_itself_through_others_is_a_cycle() -> None:
    document = base_document()
    document["derived"] = [derived("one", "one + 1")]
    with pytest.raises(InvalidPolicyError):
        policy_of(document)
