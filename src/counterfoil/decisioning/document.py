"""From a policy's document to a policy that can decide, or to the place and reason of a fault.

Identity    The hash covers the canonical document: rules as trees, everything else as it
            stands. Comments, blanks and the order of keys do not change it.
Invariant   A document that passes cannot fail at a decision: rules are typed and in range,
            every score has a grade and every grade a limit for every segment, a better grade
            never gets a lower limit or a worse price, no price passes the stated yearly cap.
Fairness    Sex, marriage, education and the like cannot be declared at all; age can be read by
            eligibility and by who belongs to a segment alone.
Bounds      1 MB of text, 1,000 rules, 500 features, 200 derived values, 200 characteristics of
            100 bins, 50 segments, 50 grades, 500 reasons, texts of 500 characters: a document
            beyond any of them is refused, not slowly obeyed.
"""

import re
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from importlib import resources
from itertools import pairwise
from typing import TypeVar

from counterfoil.decisioning.canonical import NotCanonicalError, canonical_bytes, content_hash
from counterfoil.decisioning.document_checks import AGE, BOUNDS, check_whole
from counterfoil.decisioning.evaluate import value_function, verdict_function
from counterfoil.decisioning.expression import (
    MalformedTreeError,
    Node,
    features_read,
    from_json,
    to_json,
)
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.feature_source import (
    CONSENT_PURPOSES,
    LEGAL_BASES,
    ORIGINATION,
    SOURCES,
)
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import (
    ON_UNKNOWN,
    Action,
    ActionCap,
    Capacity,
    Derived,
    Grade,
    Growth,
    Reason,
    Rule,
    RuleClass,
    Segment,
    Stage,
)
from counterfoil.decisioning.reading import InvalidPolicyError, Table
from counterfoil.decisioning.rule_text import MalformedRuleError, parse_rule
from counterfoil.decisioning.rule_types import (
    RuleTypeError,
    Shape,
    ValueType,
    check_rule,
    shape_of,
)
from counterfoil.decisioning.scorecard import Characteristic, Scorecard

#: The policy that decides where nothing else is configured.
BASE_POLICY = "base-2026-01"

#: Traits on which nobody is scored or judged; a feature of such a name is refused.
PROTECTED = frozenset(
    {"sex", "gender", "marriage", "marital", "education", "religion", "ethnicity", "blood_type"}
)
TEXT_LENGTH_MAX = 1_000_000
#: Longest list by its key.
COUNTS_MAX = {
    "features": 500,
    "derived": 200,
    "segments": 50,
    "rules": 1_000,
    "characteristics": 200,
    "edges": 100,
    "grades": 50,
    "reasons": 500,
    "values": 1_000,
}
_WHOLE_PERCENT = 100
_MILLION = 1_000_000
_WEEK_HOURS, _YEAR_DAYS = 168, 366
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_Word = TypeVar("_Word", bound=StrEnum)


def load_policy(name: str) -> Policy:
    """Return a policy that ships with the package."""
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    return read_policy(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def read_policy(text: str) -> Policy:
    """Return the policy of a TOML document; raise InvalidPolicyError with place and reason."""
    if len(text) > TEXT_LENGTH_MAX:
        raise InvalidPolicyError("policy", f"is longer than {TEXT_LENGTH_MAX:,} characters")
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
    table = Table("policy", document, COUNTS_MAX)
    features = tuple(map(_feature, table.tables("features")))
    shapes = {feature.name: feature.shape for feature in features}
    derived = _derived(table, shapes)
    segments = tuple(_segment(item, shapes) for item in table.tables("segments"))
    policy = Policy(
        code=table.text("code"),
        version=table.text("version"),
        hash=digest.hex(),
        canonical=canonical,
        currency=table.text("currency"),
        purpose=_one_of(table, "purpose", tuple(CONSENT_PURPOSES), default=ORIGINATION),
        offer_valid_days=table.integer("offer_valid_days"),
        rate_annual_max_e8=table.integer("rate_annual_max_e8"),
        features=features,
        derived=derived,
        segments=segments,
        rules=_by_precedence([_rule(item, shapes) for item in table.tables("rules")]),
        scorecard=_scorecard(table.table("scorecard"), shapes),
        grades=tuple(map(_grade, table.tables("grades"))),
        growth=_growth(table, shapes),
        capacity=_capacity(table.table("capacity"), shapes),
        bound_reasons=table.texts_by_key("bound_reasons"),
        reasons={item.code: item for item in map(_reason, table.tables("reasons"))},
        action_cap=_action_cap(table),
        snooze_days_max=_snooze_days_max(table),
    )
    table.finish()
    check_whole(policy)
    return policy


def _with_trees(document: dict[str, object]) -> dict[str, object]:
    """Return the document with the text of every rule replaced by its tree."""

    def plant(key: str, items: object) -> object:
        if not isinstance(items, list):
            return items
        return [_with_tree(key, item) for item in items]

    keys = ("rules", "segments", "derived")
    planted = {key: plant(key, document[key]) for key in keys if key in document}
    growth = document.get("growth")
    return document | planted | ({"growth": _with_tree("growth", growth)} if growth else {})


def _with_tree(key: str, item: object) -> object:
    word = "is" if key == "derived" else "when"
    if not isinstance(item, dict) or not isinstance(item.get(word), str):
        return item
    try:
        return item | {word: to_json(parse_rule(item[word]))}
    except MalformedRuleError as error:
        name = item.get("code", item.get("name"))
        place = "policy.growth" if key == "growth" else f"policy.{key}[{name}]"
        raise InvalidPolicyError(f"{place}.{word}", str(error)) from error


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
        source=_one_of(table, "source", tuple(SOURCES)),
        legal_basis=_one_of(table, "legal_basis", LEGAL_BASES),
        consent_purpose=table.text("consent_purpose", default=""),
        licence=table.text("licence", default=""),
    )
    table.finish()
    _check_name(table, feature.name)
    if feature.lowest > feature.highest:
        raise table.fault("lowest", "is above highest")
    if kind is ValueType.TEXT and not feature.values:
        raise table.fault("values", "is empty")
    return feature


def _check_name(table: Table, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise table.fault("name", "is not a name in lower case")
    if PROTECTED & set(name.split("_")) or name in PROTECTED:
        raise table.fault("name", "is a trait on which nobody is judged")


def _derived(table: Table, shapes: dict[str, Shape]) -> tuple[Derived, ...]:
    """Return what is computed from features, in order, and add its shapes to theirs."""
    waiting = {item.text("name"): item for item in table.tables_if_any("derived")}
    trees = {name: _form(item, "is") for name, item in waiting.items()}
    found: list[Derived] = []
    while waiting:
        ready = [name for name in waiting if not waiting.keys() & set(features_read(trees[name]))]
        if not ready:
            name = min(waiting)
            chain = " reads ".join([*_cycle(name, trees), name])
            raise waiting[name].fault("is", f"goes round in a circle: {chain}")
        for name in ready:
            item = _derived_value(waiting.pop(name), name, trees[name], shapes)
            found.append(item)
            shapes[name] = item.shape
    return tuple(found)


def _cycle(name: str, trees: dict[str, Node]) -> list[str]:
    """Return the names from one round to itself, or as far as there is one among the waiting."""
    path = [name]
    while True:
        here = path[-1]
        step = next(
            (item for item in features_read(trees[here]) if item in trees and item in path), None
        ) or next(item for item in features_read(trees[here]) if item in trees)
        if step in path:
            return path[path.index(step) :]
        path.append(step)


def _derived_value(table: Table, name: str, tree: Node, shapes: dict[str, Shape]) -> Derived:
    _check_name(table, name)
    try:
        shape = shape_of(tree, shapes)
    except RuleTypeError as error:
        raise table.fault("is", str(error)) from error
    if shape.type is ValueType.TEXT:
        raise table.fault("is", "is a text; a derived value is an integer or a boolean")
    item = Derived(
        name=name,
        name_en=table.text("name_en"),
        name_zh=table.text("name_zh"),
        unit=table.text("unit"),
        tree=tree,
        shape=shape,
        compute=value_function(tree),
    )
    table.finish()
    return item


def _segment(table: Table, shapes: dict[str, Shape]) -> Segment:
    form = table.anything("when")
    tree = None if form is None else _tree(table, form, shapes)
    segment = Segment(
        code=table.text("code"),
        name_en=table.text("name_en"),
        name_zh=table.text("name_zh"),
        when=tree,
        judge=None if tree is None else verdict_function(tree),
        cap_minor=table.integer("cap_minor"),
    )
    table.finish()
    if not _CODE.fullmatch(segment.code):
        raise table.fault("code", "is not a code for a segment")
    return segment


def _growth(table: Table, shapes: dict[str, Shape]) -> Growth | None:
    part = table.table_if_any("growth")
    if part is None:
        return None
    tree = _tree(part, part.anything("when"), shapes)
    part.finish()
    return Growth(when=tree, judge=verdict_function(tree))


def _action_cap(table: Table) -> ActionCap | None:
    part = table.table_if_any("action_cap")
    if part is None:
        return None
    cap = ActionCap(
        count_min=part.integer("count_min"),
        share_ppm=part.integer("share_ppm"),
        window_hours=part.integer("window_hours"),
    )
    part.finish()
    if cap.count_min <= 0 or not 0 < cap.share_ppm <= _MILLION:
        raise part.fault("count_min", "and share_ppm are above 0, the share at most a million")
    if not 0 < cap.window_hours <= _WEEK_HOURS:
        raise part.fault("window_hours", f"lies between 1 and {_WEEK_HOURS}")
    return cap


def _snooze_days_max(table: Table) -> int | None:
    part = table.table_if_any("snooze")
    if part is None:
        return None
    days = part.integer("days_max")
    part.finish()
    if not 0 < days <= _YEAR_DAYS:
        raise part.fault("days_max", f"lies between 1 and {_YEAR_DAYS}")
    return days


def _rule(table: Table, shapes: dict[str, Shape]) -> Rule:
    tree = _tree(table, table.anything("when"), shapes)
    rule = Rule(
        code=table.text("code"),
        stage=_word(table, "stage", Stage),
        rule_class=_word(table, "class", RuleClass),
        when=tree,
        judge=verdict_function(tree),
        action=_word(table, "action", Action),
        on_unknown=_word(table, "on_unknown", Action),
        reason=table.text("reason"),
        cap_minor=table.integer_or_none("cap_minor"),
        margin_daily_e8=table.integer_or_none("margin_daily_e8"),
        segments=table.texts("segments"),
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
    if rule.on_unknown not in ON_UNKNOWN:
        raise table.fault("on_unknown", "is decline, refer, ask or ignore")
    if rule.rule_class is RuleClass.LAW and rule.on_unknown is Action.IGNORE:
        raise table.fault("on_unknown", "may not be ignore in a rule of law")
    if (rule.action is Action.CAP_LINE) != (rule.cap_minor is not None):
        raise table.fault("cap_minor", "belongs to rules that cap the line, and only to them")
    if rule.cap_minor is not None and rule.cap_minor <= 0:
        raise table.fault("cap_minor", "is not above 0")
    if (rule.action is Action.ADD_MARGIN) != (rule.margin_daily_e8 is not None):
        raise table.fault("margin_daily_e8", "belongs to rules that add a margin, and only to them")
    if rule.margin_daily_e8 is not None and rule.margin_daily_e8 <= 0:
        raise table.fault("margin_daily_e8", "is not above 0")
    late = rule.action in (Action.CAP_LINE, Action.ADD_MARGIN, Action.FLAG)
    if late and rule.stage is Stage.ELIGIBILITY:
        raise table.fault(
            "action", "has no effect before the score; eligibility declines or refers"
        )


def _form(table: Table, key: str) -> Node:
    try:
        return from_json(table.anything(key))
    except MalformedTreeError as error:
        raise table.fault(key, str(error)) from error


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


def _grade(table: Table) -> Grade:
    grade = Grade(
        code=table.text("code"),
        points_min=table.integer("points_min"),
        rate_daily_e8=table.integer("rate_daily_e8"),
        rates_daily_e8=table.integers_by_key_if_any("rates_daily_e8"),
        tenor_months_max=table.integer("tenor_months_max"),
        limits_minor=table.integers_by_key("limits_minor"),
        limits_grown_minor=table.integers_by_key_if_any("limits_grown_minor"),
    )
    table.finish()
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


def _one_of(table: Table, key: str, words: Sequence[str], *, default: str | None = None) -> str:
    value = table.text(key, default=default)
    if value not in words:
        raise table.fault(key, f"is none of {', '.join(words)}")
    return value
