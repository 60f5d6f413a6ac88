"""The verdict of a rule on one case: true, false or unknown, exactly as SQL has it.

Invariant   Kleene's logic: false AND unknown is false, true OR unknown is true, every other mix
            with unknown is unknown, and NOT leaves it so. Unknown is never silently false.
Integers    Exact. Types and ranges were checked before (`rule_types.py`): no intermediate result
            leaves 64 bits, so that engines which wrap at 64 bits cannot differ from this one.
Division    Drops the rest; what is divided by an unknown or by zero is unknown.
Speed       A tree is turned into nested functions once; a case costs one call of them. Nothing
            is generated as text. This is the reference to which `compile_python.py` and
            `compile_polars.py` have to be equal.
"""

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, assert_never

from counterfoil.decisioning.expression import (
    Absolute,
    And,
    Arithmetic,
    Case,
    Choice,
    Compare,
    Comparison,
    Differs,
    Extreme,
    FeatureRef,
    FirstKnown,
    IsIn,
    IsUnknown,
    Literal,
    Node,
    Not,
    Operator,
    Or,
    UnknownIf,
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
    Operator.DIVIDE: operator.floordiv,
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


def value_function(node: Node) -> _Value:
    """Return the function that gives the value of a checked expression, None if unknown."""
    return _compile(node)


def _compile(node: Node) -> _Value:  # noqa: C901 - one branch for each kind of node
    match node:
        case FeatureRef():
            name = node.name
            return lambda features: features[name]
        case Literal():
            value = node.value
            return lambda _: value
        case Arithmetic():
            if node.operator is Operator.DIVIDE:
                return _quotient(_compile(node.left), _compile(node.right))
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
            return _compile_value(node)


def _compile_value(node: Absolute | Extreme | FirstKnown | UnknownIf | Differs | Case) -> _Value:
    match node:
        case Absolute():
            return _absolute(_compile(node.item))
        case Extreme():
            pick: Callable[[Any], Any] = min if node.choice is Choice.LEAST else max
            return _extreme(tuple(map(_compile, node.items)), pick)
        case FirstKnown():
            return _first_known(tuple(map(_compile, node.items)))
        case UnknownIf():
            return _unknown_if(_compile(node.item), node.value)
        case Differs():
            left, right = _compile(node.left), _compile(node.right)
            # None is equal to None alone, which is what IS DISTINCT FROM asks for.
            return lambda features: left(features) != right(features)
        case Case():
            return _case(node)
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


def _quotient(left: _Value, right: _Value) -> _Value:
    def run(features: Features) -> Value | None:
        a: Any = left(features)
        b: Any = right(features)
        return a // b if a is not None and b else None

    return run


def _absolute(item: _Value) -> _Value:
    def run(features: Features) -> Value | None:
        value: Any = item(features)
        return None if value is None else abs(value)

    return run


def _extreme(items: tuple[_Value, ...], pick: Callable[[Any], Any]) -> _Value:
    def run(features: Features) -> Value | None:
        known = [value for item in items if (value := item(features)) is not None]
        result: Value | None = pick(known) if known else None
        return result

    return run


def _first_known(items: tuple[_Value, ...]) -> _Value:
    def run(features: Features) -> Value | None:
        return next((value for item in items if (value := item(features)) is not None), None)

    return run


def _unknown_if(item: _Value, unwanted: Value) -> _Value:
    def run(features: Features) -> Value | None:
        value = item(features)
        return None if value == unwanted else value

    return run


def _case(node: Case) -> _Value:
    branches = [(_compile(test), _compile(value)) for test, value in node.branches]
    otherwise = None if node.otherwise is None else _compile(node.otherwise)

    def run(features: Features) -> Value | None:
        for test, value in branches:
            if test(features):
                return value(features)
        return None if otherwise is None else otherwise(features)

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
