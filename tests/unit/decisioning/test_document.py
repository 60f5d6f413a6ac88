"""A policy's document: its identity, and every fault named by its place."""

import tomllib
from collections.abc import Callable
from importlib import resources
from typing import Any

import orjson
import pytest

from counterfoil.decisioning.canonical import NotCanonicalError, canonical_bytes
from counterfoil.decisioning.document import BASE_POLICY, load_policy, policy_of, read_policy
from counterfoil.decisioning.expression import features_read
from counterfoil.decisioning.policy_parts import Stage
from counterfoil.decisioning.reading import InvalidPolicyError

TEXT = (
    resources.files("counterfoil.decisioning")
    .joinpath("policies", f"{BASE_POLICY}.toml")
    .read_text(encoding="utf-8")
)


def stored() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(load_policy(BASE_POLICY).canonical)
    return document


def test_the_base_policy_is_sound_and_keeps_its_identity() -> None:
    # A published version never changes: a new content needs a new file and a new version.
    assert load_policy(BASE_POLICY).hash == (
        "dc48e14695250ec44be2ce015b99bb243bd9873d0fd1a2c1da61b5ea84d5cc94"
    )


def test_comments_blanks_and_order_do_not_change_the_identity() -> None:
    lines = [line.partition(" #")[0] for line in TEXT.splitlines() if not line.startswith("#")]
    stripped = "\n".join(lines).replace('"age_years < 18"', '"(age_years   <  18)"')
    assert read_policy(stripped).hash == load_policy(BASE_POLICY).hash


def test_a_changed_limit_is_another_policy() -> None:
    changed = TEXT.replace("recorded = 1_500_000", "recorded = 1_500_001")
    assert read_policy(changed).hash != load_policy(BASE_POLICY).hash


def test_the_stored_document_gives_the_same_policy() -> None:
    policy = load_policy(BASE_POLICY)
    again = policy_of(stored())
    assert again.hash == policy.hash
    assert [rule.when for rule in again.rules] == [rule.when for rule in policy.rules]


def test_nobody_is_scored_on_age_sex_marriage_or_education() -> None:
    policy = load_policy(BASE_POLICY)
    assert not {"sex", "marriage", "education"} & {item.name for item in policy.features}
    assert "age_years" not in {item.feature for item in policy.scorecard.characteristics}
    readers = {rule.stage for rule in policy.rules if "age_years" in features_read(rule.when)}
    assert readers == {Stage.ELIGIBILITY}


def test_every_declared_feature_is_read() -> None:
    # What no policy reads is not collected.
    policy = load_policy(BASE_POLICY)
    read = {name for rule in policy.rules for name in features_read(rule.when)}
    read |= {item.feature for item in policy.scorecard.characteristics}
    read |= {policy.capacity.income_feature, policy.capacity.debt_feature}
    assert {item.name for item in policy.features} == read


def test_every_reason_has_both_texts_and_is_used() -> None:
    policy = load_policy(BASE_POLICY)
    assert policy.explain(("DLQ_NOW",), "zh") == ("您有尚未还清的逾期款项",)
    assert policy.explain(("DLQ_NOW",), "en") == (
        "You have an overdue amount that is not yet paid",
    )
    used = {rule.reason for rule in policy.rules} | set(policy.bound_reasons.values())
    used |= {item.reason for item in policy.scorecard.characteristics}
    used |= {item.reason_unknown for item in policy.scorecard.characteristics}
    assert used == policy.reasons.keys()


Change = Callable[[dict[str, Any]], object]

FAULTS: list[tuple[str, Change]] = [
    ("policy.code", lambda d: d.pop("code")),
    ("policy.colour", lambda d: d.update(colour="red")),
    ("policy.offer_valid_days", lambda d: d.update(offer_valid_days=0)),
    ("policy.offer_valid_days", lambda d: d.update(offer_valid_days=True)),
    ("policy.currency", lambda d: d.update(currency=1)),
    ("policy.rules", lambda d: d.update(rules=[])),
    ("policy.rules[E01]", lambda d: d["rules"].append(dict(d["rules"][0]))),
    ("policy.rules[E01].when", lambda d: d["rules"][0].update(when=["feature", "nobody"])),
    ("policy.rules[E01].when", lambda d: d["rules"][0].update(when=["feature", "age_years"])),
    ("policy.rules[E01].when", lambda d: d["rules"][0].pop("when")),
    ("policy.reasons", lambda d: d["segments"][0].update(reason="NOBODY")),
    (
        "policy.segments[recorded].protections",
        lambda d: d["segments"][0].update(protections=["kindness"]),
    ),
    (
        "policy.segments[recorded].protections",
        lambda d: d["segments"][0].update(protections=["call_back", "call_back"]),
    ),
    ("policy.rules[E01].stage", lambda d: d["rules"][0].update(stage="later")),
    ("policy.rules[E01].on_unknown", lambda d: d["rules"][0].update(on_unknown="ignore")),
    ("policy.rules[E01].on_unknown", lambda d: d["rules"][0].update(on_unknown="flag")),
    ("policy.rules[E01].action", lambda d: d["rules"][0].update(action="ignore")),
    ("policy.rules[E01].cap_minor", lambda d: d["rules"][0].update(cap_minor=1)),
    ("policy.rules[grid].code", lambda d: d["rules"][0].update(code="grid")),
    ("policy.rules[E01].when", lambda d: d["rules"][0].update(stage="risk")),
    ("policy.rules[R04].cap_minor", lambda d: d["rules"][7].pop("cap_minor")),
    ("policy.features[age_years]", lambda d: d["features"].append(dict(d["features"][0]))),
    ("policy.features[sex_code].name", lambda d: d["features"][0].update(name="sex_code")),
    ("policy.features[Age].name", lambda d: d["features"][0].update(name="Age")),
    ("policy.features[age_years].lowest", lambda d: d["features"][0].update(lowest=131)),
    ("policy.features[purpose].values", lambda d: d["features"][1].update(values=[])),
    ("policy.features[age_years].source", lambda d: d["features"][0].update(source="friends")),
    ("policy.segments", lambda d: d["segments"].reverse()),
    ("policy.segments", lambda d: d["segments"].pop()),
    ("policy.grades[B].rate_daily_e8", lambda d: d["grades"][1].update(rate_daily_e8=24_999)),
    ("policy.grades[E].rate_daily_e8", lambda d: d["grades"][4].update(rate_daily_e8=65_754)),
    ("policy.grades[A].rate_daily_e8", lambda d: d["grades"][0].update(rate_daily_e8=0)),
    ("policy.grades[B].points_min", lambda d: d["grades"][1].update(points_min=650)),
    ("policy.grades[B].tenor_months_max", lambda d: d["grades"][1].update(tenor_months_max=25)),
    (
        "policy.grades[B].limits_minor.recorded",
        lambda d: d["grades"][1]["limits_minor"].update(recorded=5_000_001),
    ),
    (
        "policy.grades[B].limits_minor",
        lambda d: d["grades"][1]["limits_minor"].pop("recorded"),
    ),
    ("policy.grades", lambda d: d["grades"][4].update(points_min=500)),
    (
        "policy.scorecard.characteristics[delay_months_latest].points",
        lambda d: d["scorecard"]["characteristics"][0]["points"].pop(),
    ),
    (
        "policy.scorecard.characteristics[delay_months_latest].edges",
        lambda d: d["scorecard"]["characteristics"][0].update(edges=[2, 1]),
    ),
    (
        "policy.scorecard.characteristics[age_years].feature",
        lambda d: d["scorecard"]["characteristics"][0].update(feature="age_years"),
    ),
    (
        "policy.scorecard.characteristics[purpose].feature",
        lambda d: d["scorecard"]["characteristics"][0].update(feature="purpose"),
    ),
    ("policy.capacity.share_percent", lambda d: d["capacity"].update(share_percent=101)),
    ("policy.bound_reasons", lambda d: d["bound_reasons"].pop("asked")),
    ("policy.reasons", lambda d: d["reasons"].pop()),
    ("policy.reasons[ELIG_PRODUCT].zh", lambda d: d["reasons"][0].update(zh="")),
]


@pytest.mark.parametrize(("place", "change"), FAULTS)
def test_a_fault_is_named_by_its_place(place: str, change: Change) -> None:
    document = stored()
    change(document)
    with pytest.raises(InvalidPolicyError) as caught:
        policy_of(document)
    assert caught.value.place == place


def test_the_text_of_a_rule_that_is_malformed_is_named() -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        read_policy(TEXT.replace('"age_years < 18"', '"age_years % 2 < 9"'))
    assert caught.value.place == "policy.rules[E01].when"


def test_what_is_not_toml_is_refused() -> None:
    with pytest.raises(InvalidPolicyError, match="TOML"):
        read_policy("code = ")
    assert tomllib.loads(TEXT)["code"] == "base"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        ({"€": 1, "\r": 2, "1": 3, "ö": 4}, '{"\\r":2,"1":3,"ö":4,"€":1}'),
        ({"text": '\x0f\n\t"\\/'}, '{"text":"\\u000f\\n\\t\\"\\\\/"}'),
        (-(2**53) + 1, "-9007199254740991"),
    ],
)
def test_the_canonical_form_is_that_of_rfc_8785(document: object, text: str) -> None:
    assert canonical_bytes(document).decode() == text


@pytest.mark.parametrize("document", [1.5, {"a": 2**53}, {1: "a"}, {"a": b""}, {"\U0001f600": 1}])
def test_what_canonical_json_cannot_carry_is_refused(document: object) -> None:
    with pytest.raises(NotCanonicalError):
        canonical_bytes(document)
