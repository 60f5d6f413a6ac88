"""The types and ranges of a rule, checked once before a policy may decide anything.

Invariant   A rule that passes cannot fail at a decision: every feature is declared, every
            comparison is between values of one type, and no integer can leave 64 bits whatever
            the features' values within their declared ranges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

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

INTEGER_MAX = 2**63 - 1
INTEGER_MIN = -(2**63)


class ValueType(StrEnum):
    """What a feature's value is."""

    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"


class RuleTypeError(ValueError):
    """The rule compares what cannot be compared, or can leave the range of an integer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The type of a value and, for integers, the range that it cannot leave."""

    type: ValueType
    lowest: int = 0
    highest: int = 0


BOOLEAN = Shape(type=ValueType.BOOLEAN)
TEXT = Shape(type=ValueType.TEXT)


def check_rule(node: Node, shapes: Mapping[str, Shape]) -> None:
    """Raise RuleTypeError unless the tree is a sound boolean over the declared features."""
    if _shape(node, shapes).type is not ValueType.BOOLEAN:
        raise RuleTypeError("a rule is true or false; this one is neither")


def _shape(node: Node, shapes: Mapping[str, Shape]) -> Shape:  # noqa: C901 - a branch a node
    match node:
        case FeatureRef():
            if node.name not in shapes:
                raise RuleTypeError(f"the feature {node.name} is not declared")
            return shapes[node.name]
        case Literal():
            return _literal_shape(node.value)
        case Arithmetic():
            return _arithmetic_shape(node, shapes)
        case Compare():
            _check_comparison(node, shapes)
        case IsIn():
            wanted = _shape(node.item, shapes).type
            if any(_literal_shape(value).type is not wanted for value in node.values):
                raise RuleTypeError(f"IN compares {wanted} with values of another type")
        case IsUnknown():
            _shape(node.item, shapes)
        case Not():
            _demand_boolean(node.item, shapes)
        case And() | Or():
            for item in node.items:
                _demand_boolean(item, shapes)
        case _:
            assert_never(node)
    return BOOLEAN


def _literal_shape(value: Value) -> Shape:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return TEXT
    return _integer(value, value)


def _integer(lowest: int, highest: int) -> Shape:
    if lowest < INTEGER_MIN or highest > INTEGER_MAX:
        raise RuleTypeError("the rule can reach a number of more than 64 bits")
    return Shape(type=ValueType.INTEGER, lowest=lowest, highest=highest)


def _arithmetic_shape(node: Arithmetic, shapes: Mapping[str, Shape]) -> Shape:
    left, right = _shape(node.left, shapes), _shape(node.right, shapes)
    if left.type is not ValueType.INTEGER or right.type is not ValueType.INTEGER:
        raise RuleTypeError(f"{node.operator.value} needs two integers")
    match node.operator:
        case Operator.PLUS:
            return _integer(left.lowest + right.lowest, left.highest + right.highest)
        case Operator.MINUS:
            return _integer(left.lowest - right.highest, left.highest - right.lowest)
        case Operator.TIMES:
            corners = [
                a * b for a in (left.lowest, left.highest) for b in (right.lowest, right.highest)
            ]
            return _integer(min(corners), max(corners))
        case _:
            assert_never(node.operator)


def _check_comparison(node: Compare, shapes: Mapping[str, Shape]) -> None:
    left, right = _shape(node.left, shapes).type, _shape(node.right, shapes).type
    if left is not right:
        raise RuleTypeError(f"{node.comparison.value} compares {left} with {right}")
    ordered = node.comparison not in (Comparison.EQUAL, Comparison.UNEQUAL)
    # Texts have no order here: collation would make two engines disagree.
    if ordered and left is not ValueType.INTEGER:
        raise RuleTypeError(f"{node.comparison.value} needs two integers")


def _demand_boolean(node: Node, shapes: Mapping[str, Shape]) -> None:
    if _shape(node, shapes).type is not ValueType.BOOLEAN:
        raise RuleTypeError("AND, OR and NOT need true or false on each side")
