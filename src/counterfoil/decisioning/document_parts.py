"""Parts that documents of every kind have: features, derived values, rules as trees, reasons."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from counterfoil.decisioning.evaluate import value_function
from counterfoil.decisioning.expression import (
    MalformedTreeError,
    Node,
    features_read,
    from_json,
    to_json,
)
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.feature_source import LEGAL_BASES, SOURCES
from counterfoil.decisioning.policy_parts import ActionCap, Derived, OnTrip, Reason
from counterfoil.decisioning.reading import InvalidPolicyError, Table
from counterfoil.decisioning.rule_text import MalformedRuleError, parse_rule
from counterfoil.decisioning.rule_types import (
    RuleTypeError,
    Shape,
    ValueType,
    check_rule,
    shape_of,
)

#: Traits on which nobody is scored or judged; a feature of such a name is refused.
PROTECTED = frozenset(
    {"sex", "gender", "marriage", "marital", "education", "religion", "ethnicity", "blood_type"}
)
#: What a rule or a segment may be called.
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_MILLION = 1_000_000
_WEEK_HOURS = 168
_YEAR_DAYS = 366
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_Word = TypeVar("_Word", bound=StrEnum)


def read_feature(table: Table) -> Feature:
    """Return a feature that the document declares."""
    kind = read_word(table, "type", ValueType)
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
        source=one_of(table, "source", tuple(SOURCES)),
        legal_basis=one_of(table, "legal_basis", LEGAL_BASES),
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


def read_derived(table: Table, shapes: dict[str, Shape]) -> tuple[Derived, ...]:
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


def read_action_cap(table: Table) -> ActionCap | None:
    """Return the cap on automatic adverse actions, None where there is none."""
    part = table.table_if_any("action_cap")
    if part is None:
        return None
    cap = ActionCap(
        count_min=part.integer("count_min"),
        share_ppm=part.integer("share_ppm"),
        window_hours=part.integer("window_hours"),
        on_trip=_on_trip(part),
    )
    part.finish()
    if cap.count_min <= 0 or not 0 < cap.share_ppm <= _MILLION:
        raise part.fault("count_min", "and share_ppm are above 0, the share at most a million")
    if not 0 < cap.window_hours <= _WEEK_HOURS:
        raise part.fault("window_hours", f"lies between 1 and {_WEEK_HOURS}")
    return cap


def _on_trip(part: Table) -> OnTrip:
    """Return what a document says of a version that tripped; to people where it says nothing."""
    word = part.text("on_trip", default=OnTrip.REFER.value)
    if word not in set(OnTrip):
        raise part.fault("on_trip", f"is one of {', '.join(OnTrip)}")
    return OnTrip(word)


def read_snooze_days_max(table: Table) -> int | None:
    """Return how long a rule may be suppressed for a customer; None where none may be."""
    part = table.table_if_any("snooze")
    if part is None:
        return None
    days = part.integer("days_max")
    part.finish()
    if not 0 < days <= _YEAR_DAYS:
        raise part.fault("days_max", f"lies between 1 and {_YEAR_DAYS}")
    return days


def read_reason(table: Table) -> Reason:
    """Return a reason with its texts."""
    reason = Reason(code=table.text("code"), text_en=table.text("en"), text_zh=table.text("zh"))
    table.finish()
    return reason


def with_tree(key: str, item: object) -> object:
    """Return an entry of a list with the text of its rule replaced by its tree."""
    word = "is" if key == "derived" else "when"
    if not isinstance(item, dict) or not isinstance(item.get(word), str):
        return item
    try:
        return item | {word: to_json(parse_rule(item[word]))}
    except MalformedRuleError as error:
        name = item.get("code", item.get("name"))
        place = "policy.growth" if key == "growth" else f"policy.{key}[{name}]"
        raise InvalidPolicyError(f"{place}.{word}", str(error)) from error


def _form(table: Table, key: str) -> Node:
    try:
        return from_json(table.something(key))
    except MalformedTreeError as error:
        raise table.fault(key, str(error)) from error


def read_tree(table: Table, form: object, shapes: dict[str, Shape]) -> Node:
    """Return the checked tree of a rule."""
    try:
        tree = from_json(form)
        check_rule(tree, shapes)
    except (MalformedTreeError, RuleTypeError) as error:
        raise table.fault("when", str(error)) from error
    return tree


def read_word(table: Table, key: str, words: type[_Word]) -> _Word:
    """Return a word of a list of words."""
    return words(one_of(table, key, [word.value for word in words]))


def one_of(table: Table, key: str, words: Sequence[str], *, default: str | None = None) -> str:
    """Return a text that has to be one of several."""
    value = table.text(key, default=default)
    if value not in words:
        raise table.fault(key, f"is none of {', '.join(words)}")
    return value
