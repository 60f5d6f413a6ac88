"""Expressions of the rule language as Polars expressions, with SQL's three-valued logic.

Logic       Polars' AND and OR over nullable booleans are Kleene's; null is unknown. What differs
            from SQL (floor of a quotient, IS DISTINCT FROM) is written out or cannot occur.
Integers    64 bits; no intermediate result leaves them (`rule_types.py`), so nothing wraps.
Texts       Are numbers in one list of all texts of a policy: equality is all that is asked of them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Final, assert_never

import polars as pl

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

_Pair = Callable[[pl.Expr, pl.Expr], pl.Expr]

_COMPARE: Final[dict[Comparison, _Pair]] = {
    Comparison.EQUAL: lambda a, b: a == b,
    Comparison.UNEQUAL: lambda a, b: a != b,
    Comparison.LESS: lambda a, b: a < b,
    Comparison.LESS_OR_EQUAL: lambda a, b: a <= b,
    Comparison.GREATER: lambda a, b: a > b,
    Comparison.GREATER_OR_EQUAL: lambda a, b: a >= b,
}
_CALCULATE: Final[dict[Operator, _Pair]] = {
    Operator.PLUS: lambda a, b: a + b,
    Operator.MINUS: lambda a, b: a - b,
    Operator.TIMES: lambda a, b: a * b,
    # Both sides are 0 or above, and zero below a line gives null.
    Operator.DIVIDE: lambda a, b: a // b,
}
#: Up to so many values IN is written as comparisons, beyond it as membership.
_IN_WRITTEN_MAX: Final = 4
#: Up to so many cells a table is read by conditions, beyond it by a join.
_CELLS_WRITTEN_MAX: Final = 32


class Texts:
    """The texts of a policy, numbered."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Take the texts, each once."""
        self.texts = tuple(texts)
        self._numbers = {text: number for number, text in enumerate(self.texts)}

    def literal(self, value: Value) -> pl.Expr:
        """Return a literal, a text as its number."""
        return pl.lit(self.number(value), dtype=_type_of(value))

    def number(self, value: Value) -> int | bool:
        """Return what stands for a value."""
        return self._numbers[value] if isinstance(value, str) else value


def _type_of(value: Value) -> type[pl.DataType]:
    if isinstance(value, bool):
        return pl.Boolean
    return pl.UInt32 if isinstance(value, str) else pl.Int64


def expression_of(node: Node, columns: Mapping[str, str], texts: Texts) -> pl.Expr:  # noqa: C901, PLR0912 - by node
    """Return the expression of a checked tree over columns by feature."""

    def of(inner: Node) -> pl.Expr:
        return expression_of(inner, columns, texts)

    match node:
        case FeatureRef():
            return pl.col(columns[node.name])
        case Literal():
            return texts.literal(node.value)
        case Arithmetic():
            return _CALCULATE[node.operator](of(node.left), of(node.right))
        case Compare():
            return _COMPARE[node.comparison](of(node.left), of(node.right))
        case IsIn():
            return _is_in(of(node.item), node.values, texts)
        case IsUnknown():
            return of(node.item).is_null()
        case Not():
            return ~of(node.item)
        case And():
            return balanced([*map(of, node.items)], lambda a, b: a & b)
        case Or():
            return balanced([*map(of, node.items)], lambda a, b: a | b)
        case Absolute():
            return of(node.item).abs()
        case Extreme():
            items = [*map(of, node.items)]
            least = node.choice is Choice.LEAST
            return pl.min_horizontal(items) if least else pl.max_horizontal(items)
        case FirstKnown():
            return pl.coalesce([*map(of, node.items)])
        case UnknownIf():
            item = of(node.item)
            return pl.when(item != texts.literal(node.value)).then(item)
        case Differs():
            return of(node.left).ne_missing(of(node.right))
        case Case():
            return _case(node, of)
        case _:
            assert_never(node)


def _is_in(item: pl.Expr, values: tuple[Value, ...], texts: Texts) -> pl.Expr:
    wanted = tuple(dict.fromkeys(values))
    if len(wanted) <= _IN_WRITTEN_MAX:
        return balanced([item == texts.literal(value) for value in wanted], lambda a, b: a | b)
    kind = _type_of(wanted[0])
    # As a series of the item's type: integers beyond 32 bits keep their width.
    series = pl.Series([texts.number(value) for value in wanted], dtype=kind)
    return item.is_in(series.implode())


def _case(node: Case, of: Callable[[Node], pl.Expr]) -> pl.Expr:
    last = pl.lit(None) if node.otherwise is None else of(node.otherwise)
    result = last
    for test, value in reversed(node.branches):
        result = pl.when(of(test)).then(of(value)).otherwise(result)
    return result


def balanced(items: Sequence[pl.Expr], pair: _Pair) -> pl.Expr:
    """Return items joined in a tree of halves: a chain of a thousand would be too deep."""
    if len(items) == 1:
        return items[0]
    middle = len(items) // 2
    return pair(balanced(items[:middle], pair), balanced(items[middle:], pair))


def any_of(items: Sequence[pl.Expr]) -> pl.Expr:
    """Return whether any of some conditions holds; false where there is none."""
    return balanced(items, lambda a, b: a | b) if items else pl.lit(value=False)


def packed(items: Sequence[pl.Expr], prefix: str) -> list[pl.Expr]:
    """Return conditions as bits of 64-bit words, named by prefix and number; never null.

    Eight at a time in one byte, which is an eighth of the work.
    """
    words = []
    for number in range(max((len(items) + 63) // 64, 1)):
        here = items[number * 64 : number * 64 + 64]
        octets = [here[start : start + 8] for start in range(0, len(here), 8)]
        parts = [
            _octet(octet).cast(pl.UInt64) * pl.lit(256**place, dtype=pl.UInt64)
            for place, octet in enumerate(octets)
        ]
        zero = pl.lit(0, dtype=pl.UInt64)
        word = reduce(lambda a, b: a | b, parts) if parts else zero
        words.append(word.alias(f"{prefix}_{number}"))
    return words


def _octet(items: Sequence[pl.Expr]) -> pl.Expr:
    bits = [
        pl.when(item).then(pl.lit(1 << place, dtype=pl.UInt8)).otherwise(pl.lit(0, dtype=pl.UInt8))
        for place, item in enumerate(items)
    ]
    return balanced(bits, lambda a, b: a | b)


def looked_up(index: pl.Expr, cells: Sequence[int | None], dtype: type[pl.DataType]) -> pl.Expr:
    """Return the cell of a table by its number; neighbours of the same value are one condition."""
    if len(set(cells)) == 1:
        return pl.lit(cells[0], dtype=dtype)
    if len(cells) > _CELLS_WRITTEN_MAX:
        numbers = list(range(len(cells)))
        return index.replace_strict(numbers, list(cells), default=None, return_dtype=dtype)
    result = pl.lit(cells[-1], dtype=dtype)
    for number in range(len(cells) - 2, -1, -1):
        if cells[number] != cells[number + 1]:
            result = (
                pl.when(index <= number).then(pl.lit(cells[number], dtype=dtype)).otherwise(result)
            )
    return result
