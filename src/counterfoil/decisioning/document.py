"""From a policy's document to a policy that can decide, or to the place and reason of a fault.

Identity    The hash covers the canonical document: rules as trees, everything else as it
            stands. Comments, blanks and the order of keys do not change it.
Invariant   A document that passes cannot fail at a decision: rules are typed and in range,
            every score has a grade and every grade a limit for every segment, a better grade
            never gets a lower limit or a worse price, no price passes the stated yearly cap.
Fairness    Sex, marriage, education and the like cannot be declared at all; age can be read by
            rules of eligibility alone.
"""

import re
import tomllib
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib import resources
from itertools import pairwise
from typing import TypeVar

from counterfoil.decisioning.canonical import NotCanonicalError, canonical_bytes, content_hash
from counterfoil.decisioning.evaluate import Features, Verdict, verdict_function
from counterfoil.decisioning.expression import (
    MalformedTreeError,
    Node,
    features_read,
    from_json,
    to_json,
)
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.policy import (
    Action,
    Capacity,
    Grade,
    Policy,
    Reason,
    Rule,
    RuleClass,
    Segment,
    Stage,
)
from counterfoil.decisioning.reading import InvalidPolicyError, Table
from counterfoil.decisioning.rule_text import MalformedRuleError, parse_rule
from counterfoil.decisioning.rule_types import RuleTypeError, Shape, ValueType, check_rule
from counterfoil.decisioning.scorecard import Characteristic, Scorecard
from counterfoil.kernel.rates import RateDaily, annual_from_daily

#: The policy that decides where nothing else is configured.
BASE_POLICY = "base-2026-01"

#: Traits on which nobody is scored or judged; a feature of such a name is refused.
PROTECTED = frozenset(
    {"sex", "gender", "marriage", "marital", "education", "religion", "ethnicity", "blood_type"}
)
#: Read by rules of eligibility only.
AGE = "age_years"

BOUNDS = ("grid", "segment", "capacity", "product", "asked", "offer")
SOURCES = ("identity", "applicant", "application", "recorded_history")
LEGAL_BASES = ("contract", "consent", "law")

_WHOLE_PERCENT = 100
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_Word = TypeVar("_Word", bound=StrEnum)


def load_policy(name: str) -> Policy:
    """Return a policy that ships with the package."""
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    return read_policy(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def read_policy(text: str) -> Policy:
    """Return the policy of a TOML document; raise InvalidPolicyError with place and reason."""
    try:
        document: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicyError("policy", f"is not TOML: {error}") from error
    return policy_of(_with_trees(document))


def policy_of(document: dict[str, object]) -> Policy:
    """Return the policy of a canonical document, as it is stored."""
    try:
        canonical, digest = canonical_bytes(document), content_hash(document)
    except NotCanonicalError as error:
        raise InvalidPolicyError("policy", str(error)) from error
    table = Table("policy", document)
    features = tuple(map(_feature, table.tables("features")))
    shapes = {feature.name: feature.shape for feature in features}
    segments = tuple(_segment(item, shapes) for item in table.tables("segments"))
    rate_annual_max_e8 = table.integer("rate_annual_max_e8")
    policy = Policy(
        code=table.text("code"),
        version=table.text("version"),
        hash=digest.hex(),
        canonical=canonical,
        currency=table.text("currency"),
        offer_valid_days=table.integer("offer_valid_days"),
        features=features,
        segments=segments,
        rules=_by_precedence([_rule(item, shapes) for item in table.tables("rules")]),
        scorecard=_scorecard(table.table("scorecard"), shapes),
        grades=tuple(_grade(item, rate_annual_max_e8) for item in table.tables("grades")),
        capacity=_capacity(table.table("capacity"), shapes),
        bound_reasons=table.texts_by_key("bound_reasons"),
        reasons={item.code: item for item in map(_reason, table.tables("reasons"))},
    )
    table.finish()
    _check_whole(policy)
    return policy


def _with_trees(document: dict[str, object]) -> dict[str, object]:
    """Return the document with the text of every rule replaced by its tree."""

    def plant(key: str, items: object) -> object:
        if not isinstance(items, list):
            return items
        return [_with_tree(key, item) for item in items]

    planted = {key: plant(key, document[key]) for key in ("rules", "segments") if key in document}
    return document | planted


def _with_tree(key: str, item: object) -> object:
    if not isinstance(item, dict) or not isinstance(item.get("when"), str):
        return item
    try:
        return item | {"when": to_json(parse_rule(item["when"]))}
    except MalformedRuleError as error:
        raise InvalidPolicyError(f"policy.{key}[{item.get('code')}].when", str(error)) from error


def _feature(table: Table) -> Feature:
    kind = _word(table, "type", ValueType)
    integer = kind is ValueType.INTEGER
    feature = Feature(
        name=table.text("name"),
        name_en=table.text("name_en"),
        name_zh=table.text("name_zh"),
        type=kind,
        unit=table.text("unit"),
        lowest=table.integer("lowest") if integer else 0,
        highest=table.integer("highest") if integer else 0,
        values=table.texts("values") if kind is ValueType.TEXT else (),
        nullable=table.boolean("nullable"),
        source=_one_of(table, "source", SOURCES),
        legal_basis=_one_of(table, "legal_basis", LEGAL_BASES),
    )
    table.finish()
    if not _NAME.fullmatch(feature.name):
        raise table.fault("name", "is not a name in lower case")
    if PROTECTED & set(feature.name.split("_")) or feature.name in PROTECTED:
        raise table.fault("name", "is a trait on which nobody is judged")
    if feature.lowest > feature.highest:
        raise table.fault("lowest", "is above highest")
    if kind is ValueType.TEXT and not feature.values:
        raise table.fault("values", "is empty")
    return feature


def _segment(table: Table, shapes: dict[str, Shape]) -> Segment:
    form = table.anything("when")
    segment = Segment(
        code=table.text("code"),
        name_en=table.text("name_en"),
        name_zh=table.text("name_zh"),
        judge=None if form is None else verdict_function(_tree(table, form, shapes)),
        cap_minor=table.integer("cap_minor"),
    )
    table.finish()
    return segment


def _rule(table: Table, shapes: dict[str, Shape]) -> Rule:
    tree = _tree(table, table.anything("when"), shapes)
    judge: Callable[[Features], Verdict] = verdict_function(tree)
    rule = Rule(
        code=table.text("code"),
        stage=_word(table, "stage", Stage),
        rule_class=_word(table, "class", RuleClass),
        when=tree,
        judge=judge,
        action=_word(table, "action", Action),
        on_unknown=_word(table, "on_unknown", Action),
        reason=table.text("reason"),
        cap_minor=table.integer_or_none("cap_minor"),
    )
    table.finish()
    _check_rule(table, rule)
    return rule


def _by_precedence(rules: list[Rule]) -> tuple[Rule, ...]:
    classes = list(RuleClass)
    return tuple(sorted(rules, key=lambda rule: (classes.index(rule.rule_class), rule.code)))


def _check_rule(table: Table, rule: Rule) -> None:
    if not _CODE.fullmatch(rule.code) or rule.code in BOUNDS:
        raise table.fault("code", "is not a code for a rule")
    if rule.action is Action.IGNORE:
        raise table.fault("action", "would do nothing")
    if rule.on_unknown not in (Action.DECLINE, Action.REFER, Action.IGNORE):
        raise table.fault("on_unknown", "is decline, refer or ignore")
    if rule.rule_class is RuleClass.LAW and rule.on_unknown is Action.IGNORE:
        raise table.fault("on_unknown", "may not be ignore in a rule of law")
    if (rule.action is Action.CAP_LINE) != (rule.cap_minor is not None):
        raise table.fault("cap_minor", "belongs to rules that cap the line, and only to them")
    if rule.cap_minor is not None and rule.cap_minor <= 0:
        raise table.fault("cap_minor", "is not above 0")
    if AGE in features_read(rule.when) and rule.stage is not Stage.ELIGIBILITY:
        raise table.fault("when", "reads the age, which only eligibility may")


def _tree(table: Table, form: object, shapes: dict[str, Shape]) -> Node:
    try:
        tree = from_json(form)
        check_rule(tree, shapes)
    except (MalformedTreeError, RuleTypeError) as error:
        raise table.fault("when", str(error)) from error
    return tree


def _scorecard(table: Table, shapes: dict[str, Shape]) -> Scorecard:
    card = Scorecard(
        base_points=table.integer("base_points"),
        characteristics=tuple(
            _characteristic(item, shapes) for item in table.tables("characteristics")
        ),
    )
    table.finish()
    return card


def _characteristic(table: Table, shapes: dict[str, Shape]) -> Characteristic:
    item = Characteristic(
        feature=_integer_feature(table, "feature", shapes),
        edges=table.integers("edges"),
        points=table.integers("points"),
        points_unknown=table.integer("points_unknown"),
        reason=table.text("reason"),
        reason_unknown=table.text("reason_unknown"),
    )
    table.finish()
    if item.feature == AGE:
        raise table.fault("feature", "is the age, on which nobody is scored")
    if any(low >= high for low, high in pairwise(item.edges)):
        raise table.fault("edges", "does not ascend")
    if len(item.points) != len(item.edges) + 1:
        raise table.fault("points", "has not one number more than edges")
    return item


def _grade(table: Table, rate_annual_max_e8: int) -> Grade:
    grade = Grade(
        code=table.text("code"),
        points_min=table.integer("points_min"),
        rate_daily_e8=table.integer("rate_daily_e8"),
        tenor_months_max=table.integer("tenor_months_max"),
        limits_minor=table.integers_by_key("limits_minor"),
    )
    table.finish()
    if grade.rate_daily_e8 <= 0:
        raise table.fault("rate_daily_e8", "is not above 0")
    if annual_from_daily(RateDaily(grade.rate_daily_e8)) > rate_annual_max_e8:
        raise table.fault("rate_daily_e8", "passes the yearly cap")
    return grade


def _capacity(table: Table, shapes: dict[str, Shape]) -> Capacity:
    capacity = Capacity(
        income_feature=_integer_feature(table, "income_feature", shapes),
        debt_feature=_integer_feature(table, "debt_feature", shapes),
        share_percent=table.integer("share_percent"),
        months=table.integer("months"),
    )
    table.finish()
    if not 0 < capacity.share_percent <= _WHOLE_PERCENT or capacity.months <= 0:
        raise table.fault("share_percent", "and months are above 0, the share at most 100")
    return capacity


def _reason(table: Table) -> Reason:
    reason = Reason(code=table.text("code"), text_en=table.text("en"), text_zh=table.text("zh"))
    table.finish()
    return reason


def _integer_feature(table: Table, key: str, shapes: dict[str, Shape]) -> str:
    name = table.text(key)
    if name not in shapes or shapes[name].type is not ValueType.INTEGER:
        raise table.fault(key, "is not a declared feature of integers")
    return name


def _word(table: Table, key: str, words: type[_Word]) -> _Word:
    return words(_one_of(table, key, [word.value for word in words]))


def _one_of(table: Table, key: str, words: Sequence[str]) -> str:
    value = table.text(key)
    if value not in words:
        raise table.fault(key, f"is none of {', '.join(words)}")
    return value


def _check_whole(policy: Policy) -> None:
    """Check what takes more than one table of the document to see."""
    _check_unique("features", [feature.name for feature in policy.features])
    _check_unique("segments", [segment.code for segment in policy.segments])
    _check_unique("rules", [rule.code for rule in policy.rules])
    _check_unique("grades", [grade.code for grade in policy.grades])
    if policy.offer_valid_days <= 0:
        raise InvalidPolicyError("policy.offer_valid_days", "is not above 0")
    _check_segments(policy)
    _check_grades(policy)
    _check_reasons(policy)


def _check_unique(key: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise InvalidPolicyError(f"policy.{key}", "names something twice")


def _check_segments(policy: Policy) -> None:
    *others, last = policy.segments
    if last.judge is not None or any(segment.judge is None for segment in others):
        raise InvalidPolicyError(
            "policy.segments", "the last segment, and only it, takes everybody else"
        )


def _check_grades(policy: Policy) -> None:
    card = policy.scorecard
    lowest = card.base_points + sum(
        min(*item.points, item.points_unknown) for item in card.characteristics
    )
    if policy.grades[-1].points_min > lowest:
        raise InvalidPolicyError("policy.grades", f"no grade takes a score of {lowest}")
    codes = {segment.code for segment in policy.segments}
    for grade in policy.grades:
        if set(grade.limits_minor) != codes or min(grade.limits_minor.values()) < 0:
            raise InvalidPolicyError(
                f"policy.grades[{grade.code}].limits_minor", "needs one limit for each segment"
            )
    for better, worse in pairwise(policy.grades):
        _check_order(better, worse)


def _check_order(better: Grade, worse: Grade) -> None:
    place = f"policy.grades[{worse.code}]"
    if worse.points_min >= better.points_min:
        raise InvalidPolicyError(f"{place}.points_min", "is not below the grade before")
    if worse.rate_daily_e8 < better.rate_daily_e8:
        raise InvalidPolicyError(f"{place}.rate_daily_e8", "is better than a better grade's")
    if worse.tenor_months_max > better.tenor_months_max:
        raise InvalidPolicyError(f"{place}.tenor_months_max", "is above a better grade's")
    for code, limit_minor in worse.limits_minor.items():
        if limit_minor > better.limits_minor[code]:
            raise InvalidPolicyError(f"{place}.limits_minor.{code}", "is above a better grade's")


def _check_reasons(policy: Policy) -> None:
    if set(policy.bound_reasons) != set(BOUNDS):
        raise InvalidPolicyError("policy.bound_reasons", f"needs exactly {', '.join(BOUNDS)}")
    used = {rule.reason for rule in policy.rules} | set(policy.bound_reasons.values())
    for item in policy.scorecard.characteristics:
        used |= {item.reason, item.reason_unknown}
    for code in sorted(used - policy.reasons.keys()):
        raise InvalidPolicyError("policy.reasons", f"has no text for {code}")
