"""The verdict of a rule on one case: true, false or unknown, exactly as SQL has it.

Invariant   Kleene's logic: false AND unknown is false, true OR unknown is true, every other mix
            with unknown is unknown, and NOT leaves it so. Unknown is never silently false.
Speed       A tree is turned into nested functions once; a case costs one call of them. Nothing
            is generated as text and nothing is looked up by name but the features.
"""

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, assert_never

from counterfoil.decisioning.expression import (
    And,
    Arithmetic,
    Compare,
    Comparison,
    FeatureRef,
    IsIn,
    IsUnknown,
    Literal,
    Node,
    Not,
    Operator,
    Or,
    Value,
)

#: What is known about a case; None is unknown.
Features = Mapping[str, Value | None]

_Value = Callable[[Features], Value | None]
_Pair = Callable[[Any, Any], Any]

_COMPARE: dict[Comparison, _Pair] = {
    Comparison.EQUAL: operator.eq,
    Comparison.UNEQUAL: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
}
_CALCULATE: dict[Operator, _Pair] = {
    Operator.PLUS: operator.add,
    Operator.MINUS: operator.sub,
    Operator.TIMES: operator.mul,
}


class Verdict(StrEnum):
    """What a rule says about a case."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


def verdict_function(rule: Node) -> Callable[[Features], Verdict]:
    """Return the function that gives the verdict of a checked rule."""
    test = _compile(rule)

    def judge(features: Features) -> Verdict:
        answer = test(features)
        if answer is None:
            return Verdict.UNKNOWN
        return Verdict.TRUE if answer else Verdict.FALSE

    return judge


def _compile(node: Node) -> _Value:
    match node:
        case FeatureRef():
            name = node.name
            return lambda features: features[name]
        case Literal():
            value = node.value
            return lambda _: value
        case Arithmetic():
            return _pair(_CALCULATE[node.operator], node.left, node.right)
        case Compare():
            return _pair(_COMPARE[node.comparison], node.left, node.right)
        case IsIn():
            return _is_in(node)
        case IsUnknown():
            item = _compile(node.item)
            return lambda features: item(features) is None
        case Not():
            return _opposite(_compile(node.item))
        case And():
            return _decisive(tuple(map(_compile, node.items)), decided_by=False)
        case Or():
            return _decisive(tuple(map(_compile, node.items)), decided_by=True)
        case _:
            assert_never(node)


def _pair(function: _Pair, left_node: Node, right_node: Node) -> _Value:
    left, right = _compile(left_node), _compile(right_node)

    def run(features: Features) -> Value | None:
        a = left(features)
        if a is None:
            return None
        b = right(features)
        if b is None:
            return None
        result: Value = function(a, b)
        return result

    return run


def _is_in(node: IsIn) -> _Value:
    item, values = _compile(node.item), frozenset(node.values)

    def run(features: Features) -> bool | None:
        value = item(features)
        return None if value is None else value in values

    return run


def _opposite(item: _Value) -> _Value:
    def run(features: Features) -> bool | None:
        value = item(features)
        return None if value is None else not value

    return run


def _decisive(items: tuple[_Value, ...], *, decided_by: bool) -> _Value:
    """Return AND (decided by the first false) or OR (decided by the first true)."""

    def run(features: Features) -> bool | None:
        answer: bool | None = not decided_by
        for item in items:
            value = item(features)
            if value is decided_by:
                return decided_by
            if value is None:
                answer = None
        return answer

    return run
