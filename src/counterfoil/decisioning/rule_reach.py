"""Whether a sound rule can ever be true, or ever be false, within the declared ranges.

Invariant   What is called impossible is impossible; what is called possible may still not be
            (two features can be bound to each other in ways that ranges do not show). The gate
            therefore also looks for a case of each verdict (`boundary.py`).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from counterfoil.decisioning.expression import (
    And,
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
    Or,
    UnknownIf,
    Value,
    children,
)
from counterfoil.decisioning.rule_types import Shape, ValueType, shape_of


class Reach(NamedTuple):
    """Which verdicts a condition can have, unknown aside."""

    can_be_true: bool
    can_be_false: bool


ANY = Reach(can_be_true=True, can_be_false=True)

OPPOSITE = {
    Comparison.EQUAL: Comparison.UNEQUAL,
    Comparison.UNEQUAL: Comparison.EQUAL,
    Comparison.LESS: Comparison.GREATER_OR_EQUAL,
    Comparison.LESS_OR_EQUAL: Comparison.GREATER,
    Comparison.GREATER: Comparison.LESS_OR_EQUAL,
    Comparison.GREATER_OR_EQUAL: Comparison.LESS,
}
_MIRRORED = {
    Comparison.EQUAL: Comparison.EQUAL,
    Comparison.UNEQUAL: Comparison.UNEQUAL,
    Comparison.LESS: Comparison.GREATER,
    Comparison.LESS_OR_EQUAL: Comparison.GREATER_OR_EQUAL,
    Comparison.GREATER: Comparison.LESS,
    Comparison.GREATER_OR_EQUAL: Comparison.LESS_OR_EQUAL,
}


def dead(condition: Node, shapes: Mapping[str, Shape]) -> str | None:
    """Return why a condition decides nothing; None where it may be true and may be false."""
    can = reach(condition, shapes)
    if not can.can_be_true:
        return "can never be true within the declared ranges"
    return None if can.can_be_false else "can never be false within the declared ranges"


def reach(node: Node, shapes: Mapping[str, Shape]) -> Reach:
    """Return which verdicts a sound condition can have."""
    match node:
        case Literal():
            return Reach(can_be_true=node.value is True, can_be_false=node.value is False)
        case Compare():
            return _compare(node, shapes)
        case IsIn():
            return _is_in(node, shapes)
        case IsUnknown():
            return Reach(can_be_true=_may_be_unknown(node.item), can_be_false=True)
        case Not():
            inner = reach(node.item, shapes)
            return Reach(can_be_true=inner.can_be_false, can_be_false=inner.can_be_true)
        case And():
            return _all_of(node.items, shapes)
        case Or():
            # a OR b is NOT (NOT a AND NOT b).
            inner = _all_of(tuple(map(negated, node.items)), shapes)
            return Reach(can_be_true=inner.can_be_false, can_be_false=inner.can_be_true)
        case Case():
            values = [value for _, value in node.branches]
            return _any_of([*values, node.otherwise] if node.otherwise else values, shapes)
        case FirstKnown():
            return _any_of(node.items, shapes)
        case _:
            return ANY


def negated(node: Node) -> Node:
    """Return the opposite of a condition, pushed down to its comparisons."""
    match node:
        case Not():
            return node.item
        case Compare():
            return Compare(OPPOSITE[node.comparison], node.left, node.right)
        case And():
            return Or(tuple(map(negated, node.items)))
        case Or():
            return And(tuple(map(negated, node.items)))
        case _:
            return Not(node)


def _any_of(nodes: Iterable[Node], shapes: Mapping[str, Shape]) -> Reach:
    each = [reach(node, shapes) for node in nodes]
    return Reach(
        can_be_true=any(one.can_be_true for one in each),
        can_be_false=any(one.can_be_false for one in each),
    )


def _all_of(items: tuple[Node, ...], shapes: Mapping[str, Shape]) -> Reach:
    flat = [part for item in items for part in (item.items if isinstance(item, And) else (item,))]
    each = [reach(item, shapes) for item in flat]
    return Reach(
        can_be_true=all(one.can_be_true for one in each) and not _contradicts(flat, shapes),
        can_be_false=any(one.can_be_false for one in each),
    )


def _contradicts(items: list[Node], shapes: Mapping[str, Shape]) -> bool:
    """Tell whether comparisons of one feature with literals leave it no value."""
    bounds: dict[str, tuple[int, int]] = {}
    texts: dict[str, frozenset[Value]] = {}
    for item in items:
        found = _against_literal(item)
        if found is None:
            continue
        name, comparison, value = found
        shape = shapes[name]
        if shape.type is ValueType.INTEGER and isinstance(value, int):
            low, high = bounds.get(name, (shape.lowest, shape.highest))
            bounds[name] = _narrowed(low, high, comparison, value)
        elif comparison is Comparison.EQUAL:
            texts[name] = texts.get(name, frozenset({value})) & {value}
    return any(low > high for low, high in bounds.values()) or not all(texts.values())


def _against_literal(node: Node) -> tuple[str, Comparison, Value] | None:
    match node:
        case Compare(comparison, FeatureRef(name), Literal(value)):
            return name, comparison, value
        case Compare(comparison, Literal(value), FeatureRef(name)):
            return name, _MIRRORED[comparison], value
        case _:
            return None


def _narrowed(low: int, high: int, comparison: Comparison, value: int) -> tuple[int, int]:
    match comparison:
        case Comparison.EQUAL:
            return max(low, value), min(high, value)
        case Comparison.LESS:
            return low, min(high, value - 1)
        case Comparison.LESS_OR_EQUAL:
            return low, min(high, value)
        case Comparison.GREATER:
            return max(low, value + 1), high
        case Comparison.GREATER_OR_EQUAL:
            return max(low, value), high
        case Comparison.UNEQUAL:
            return low + (low == value), high - (high == value)


def _compare(node: Compare, shapes: Mapping[str, Shape]) -> Reach:
    if node.left == node.right:
        holds = node.comparison in (
            Comparison.EQUAL,
            Comparison.LESS_OR_EQUAL,
            Comparison.GREATER_OR_EQUAL,
        )
        return Reach(can_be_true=holds, can_be_false=not holds)
    left, right = shape_of(node.left, shapes), shape_of(node.right, shapes)
    if left.type is ValueType.TEXT:
        return _texts(node.comparison, left, right)
    if left.type is ValueType.BOOLEAN:
        return ANY
    comparison = node.comparison
    return Reach(
        can_be_true=_possible(comparison, left, right),
        can_be_false=_possible(OPPOSITE[comparison], left, right),
    )


def _possible(comparison: Comparison, left: Shape, right: Shape) -> bool:
    match comparison:
        case Comparison.EQUAL:
            return left.lowest <= right.highest and right.lowest <= left.highest
        case Comparison.UNEQUAL:
            return not left.lowest == left.highest == right.lowest == right.highest
        case Comparison.LESS:
            return left.lowest < right.highest
        case Comparison.LESS_OR_EQUAL:
            return left.lowest <= right.highest
        case Comparison.GREATER:
            return left.highest > right.lowest
        case Comparison.GREATER_OR_EQUAL:
            return left.highest >= right.lowest


def _texts(comparison: Comparison, left: Shape, right: Shape) -> Reach:
    if left.values is None or right.values is None:
        return ANY
    shared = set(left.values) & set(right.values)
    equal = Reach(
        can_be_true=bool(shared),
        can_be_false=not (len(left.values) == len(right.values) == len(shared) == 1),
    )
    if comparison is Comparison.EQUAL:
        return equal
    return Reach(can_be_true=equal.can_be_false, can_be_false=equal.can_be_true)


def _is_in(node: IsIn, shapes: Mapping[str, Shape]) -> Reach:
    shape = shape_of(node.item, shapes)
    wanted = set(node.values)
    if shape.type is ValueType.TEXT and shape.values is not None:
        there = wanted & set(shape.values)
        return Reach(can_be_true=bool(there), can_be_false=len(there) < len(set(shape.values)))
    if shape.type is ValueType.INTEGER:
        inside = [
            value
            for value in wanted
            if isinstance(value, int) and shape.lowest <= value <= shape.highest
        ]
        width = shape.highest - shape.lowest + 1
        return Reach(can_be_true=bool(inside), can_be_false=len(inside) < width)
    return Reach(can_be_true=True, can_be_false=wanted != {True, False})


def _may_be_unknown(node: Node) -> bool:
    """Tell whether a value can be unknown; any feature can, also one that may not be lacking."""
    match node:
        case Literal() | IsUnknown() | Differs():
            return False
        case FeatureRef() | UnknownIf():
            return True
        case FirstKnown() | Extreme():
            return all(map(_may_be_unknown, node.items))
        case Case():
            values = [value for _, value in node.branches]
            return node.otherwise is None or any(map(_may_be_unknown, [*values, node.otherwise]))
        case _:
            return any(map(_may_be_unknown, children(node)))
