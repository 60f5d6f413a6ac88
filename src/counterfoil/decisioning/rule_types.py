"""The types and ranges of a rule, checked once before a policy may decide anything.

Invariant   A rule that passes cannot fail at a decision: every feature is declared, every
            comparison is between values of one type, and no integer can leave 64 bits whatever
            the features' values within their declared ranges.
Overflow    64 bits signed, ends included, for every intermediate result, not only for the last:
            an engine that wraps silently never gets the chance.
Division    Only what cannot be below zero, by what cannot be zero or below; a divisor that may be
            zero is written NULLIF(divisor, 0) and makes the quotient unknown there. Engines round
            negative quotients differently, so there are none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from counterfoil.decisioning.expression import (
    Absolute,
    And,
    Arithmetic,
    Case,
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
    children,
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

    def __init__(self, reason: str, node: Node | None = None) -> None:
        """Take the reason and the part of the rule at fault, None for the whole of it."""
        super().__init__(reason)
        self.node = node


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The type of a value and, for integers, the range that it cannot leave."""

    type: ValueType
    lowest: int = 0
    highest: int = 0
    #: The values that a text can have; None where any can come.
    values: tuple[str, ...] | None = None


BOOLEAN = Shape(type=ValueType.BOOLEAN)
TEXT = Shape(type=ValueType.TEXT)


def check_rule(node: Node, shapes: Mapping[str, Shape]) -> None:
    """Raise RuleTypeError unless the tree is a sound boolean over the declared features."""
    if shape_of(node, shapes).type is not ValueType.BOOLEAN:
        raise RuleTypeError("a rule is true or false; this one is neither", node)


def shape_of(node: Node, shapes: Mapping[str, Shape]) -> Shape:  # noqa: C901, PLR0912 - by node
    """Return type and range of a sound expression; raise RuleTypeError for any other."""
    match node:
        case FeatureRef():
            if node.name not in shapes:
                declared = ", ".join(sorted(shapes)) or "none"
                raise RuleTypeError(
                    f"the feature {node.name} is not declared; declared are {declared[:400]}", node
                )
            return shapes[node.name]
        case Literal():
            return _literal_shape(node.value, node)
        case Arithmetic():
            return _arithmetic_shape(node, shapes)
        case Compare():
            _check_comparison(node, shapes)
        case IsIn():
            wanted = shape_of(node.item, shapes).type
            if any(_literal_shape(value, node).type is not wanted for value in node.values):
                raise RuleTypeError(f"IN compares {wanted} with values of another type", node)
        case IsUnknown():
            shape_of(node.item, shapes)
        case Not():
            _demand_boolean(node.item, shapes)
        case And() | Or():
            for item in node.items:
                _demand_boolean(item, shapes)
        case Differs():
            _same(node, [shape_of(item, shapes) for item in children(node)])
        case _:
            return _value_shape(node, shapes)
    return BOOLEAN


def _value_shape(
    node: Absolute | Extreme | FirstKnown | UnknownIf | Case, shapes: Mapping[str, Shape]
) -> Shape:
    match node:
        case Absolute():
            item = _demand_integer(node, shape_of(node.item, shapes), "ABS")
            low, high = abs(item.lowest), abs(item.highest)
            least = 0 if item.lowest <= 0 <= item.highest else min(low, high)
            return _integer(least, max(low, high), node)
        case Extreme():
            word = node.choice.value.upper()
            items = [_demand_integer(node, shape_of(item, shapes), word) for item in node.items]
            return _extreme_shape(node, items)
        case FirstKnown():
            return _united(node, [shape_of(item, shapes) for item in node.items])
        case UnknownIf():
            return _unknown_if_shape(node, shape_of(node.item, shapes))
        case Case():
            for test, _ in node.branches:
                _demand_boolean(test, shapes)
            values = [value for _, value in node.branches]
            if node.otherwise is not None:
                values.append(node.otherwise)
            return _united(node, [shape_of(value, shapes) for value in values])
        case _:
            assert_never(node)


def _extreme_shape(node: Extreme, items: list[Shape]) -> Shape:
    """Return the range of the least or greatest; what is unknown is passed over, so it is wide."""
    lows, highs = [item.lowest for item in items], [item.highest for item in items]
    return _integer(min(lows), max(highs), node)


def _unknown_if_shape(node: UnknownIf, item: Shape) -> Shape:
    """Return the range without the literal where the literal is an end of it."""
    if _literal_shape(node.value, node).type is not item.type:
        raise RuleTypeError(f"NULLIF compares {item.type} with a value of another type", node)
    if item.type is not ValueType.INTEGER:
        return item
    lowest = item.lowest + (item.lowest == node.value)
    highest = item.highest - (item.highest == node.value)
    if lowest > highest:
        raise RuleTypeError("NULLIF leaves nothing known", node)
    return _integer(lowest, highest, node)


def _same(node: Node, items: list[Shape]) -> ValueType:
    types = {item.type for item in items}
    if len(types) != 1:
        raise RuleTypeError(f"{' and '.join(sorted(types))} do not go together", node)
    return types.pop()


def _united(node: Node, items: list[Shape]) -> Shape:
    """Return the shape of what may be any of some values."""
    kind = _same(node, items)
    if kind is ValueType.INTEGER:
        lows, highs = [item.lowest for item in items], [item.highest for item in items]
        return _integer(min(lows), max(highs), node)
    if kind is ValueType.BOOLEAN or any(item.values is None for item in items):
        return BOOLEAN if kind is ValueType.BOOLEAN else TEXT
    texts = dict.fromkeys(value for item in items for value in item.values or ())
    return Shape(type=ValueType.TEXT, values=tuple(texts))


def _literal_shape(value: Value, node: Node) -> Shape:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return Shape(type=ValueType.TEXT, values=(value,))
    return _integer(value, value, node)


def _integer(lowest: int, highest: int, node: Node) -> Shape:
    if lowest < INTEGER_MIN or highest > INTEGER_MAX:
        raise RuleTypeError(
            f"the rule can reach a number of more than 64 bits ({lowest} to {highest})", node
        )
    return Shape(type=ValueType.INTEGER, lowest=lowest, highest=highest)


def _arithmetic_shape(node: Arithmetic, shapes: Mapping[str, Shape]) -> Shape:
    left = _demand_integer(node, shape_of(node.left, shapes), node.operator.value)
    right = _demand_integer(node, shape_of(node.right, shapes), node.operator.value)
    match node.operator:
        case Operator.PLUS:
            return _integer(left.lowest + right.lowest, left.highest + right.highest, node)
        case Operator.MINUS:
            return _integer(left.lowest - right.highest, left.highest - right.lowest, node)
        case Operator.TIMES:
            corners = [
                a * b for a in (left.lowest, left.highest) for b in (right.lowest, right.highest)
            ]
            return _integer(min(corners), max(corners), node)
        case Operator.DIVIDE:
            return _quotient_shape(node, left, right)
        case _:
            assert_never(node.operator)


def _quotient_shape(node: Arithmetic, left: Shape, right: Shape) -> Shape:
    if right.lowest < 0 or left.lowest < 0:
        raise RuleTypeError(
            "a division of or by what can be below 0 rounds differently in different engines",
            node.left if left.lowest < 0 else node.right,
        )
    if right.lowest == 0:
        raise RuleTypeError(
            "the divisor can be 0; write NULLIF(divisor, 0), which makes the quotient unknown "
            "there, or compare products instead",
            node.right,
        )
    return _integer(left.lowest // right.highest, left.highest // right.lowest, node)


def _check_comparison(node: Compare, shapes: Mapping[str, Shape]) -> None:
    left, right = shape_of(node.left, shapes).type, shape_of(node.right, shapes).type
    if left is not right:
        reason = f"{node.comparison.value} compares {left} with {right}; both sides have to be of"
        raise RuleTypeError(f"{reason} one type, 5 being an integer and '5' a text", node)
    ordered = node.comparison not in (Comparison.EQUAL, Comparison.UNEQUAL)
    # Texts have no order here: collation would make two engines disagree.
    if ordered and left is not ValueType.INTEGER:
        raise RuleTypeError(f"{node.comparison.value} needs two integers", node)


def _demand_integer(node: Node, shape: Shape, word: str) -> Shape:
    if shape.type is not ValueType.INTEGER:
        raise RuleTypeError(f"{word} needs two integers, not {shape.type}", node)
    return shape


def _demand_boolean(node: Node, shapes: Mapping[str, Shape]) -> None:
    if shape_of(node, shapes).type is not ValueType.BOOLEAN:
        raise RuleTypeError("AND, OR and NOT need true or false on each side", node)
