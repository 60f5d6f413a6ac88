"""Expressions of the rule language as Python source: one form for complete values, one for others.

Method      Where every value that an expression reads is known, SQL's logic is Python's: one
            plain expression. Where one is missing, the expression is written out step by step,
            each step True, False, a value or None, so that unknown is never taken for false.
Names       Locals are numbered and never taken from the document; literals are written by repr
            of checked values. No text of a policy becomes code.
"""

from collections.abc import Mapping
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
    features_read,
    walk,
)

_COMPARE = {
    Comparison.EQUAL: "==",
    Comparison.UNEQUAL: "!=",
    Comparison.LESS: "<",
    Comparison.LESS_OR_EQUAL: "<=",
    Comparison.GREATER: ">",
    Comparison.GREATER_OR_EQUAL: ">=",
}
_CALCULATE = {
    Operator.PLUS: "+",
    Operator.MINUS: "-",
    Operator.TIMES: "*",
    Operator.DIVIDE: "//",
}


def least_known(*values: Any) -> Any:
    """Return the least of what is known."""
    return min((value for value in values if value is not None), default=None)


def greatest_known(*values: Any) -> Any:
    """Return the greatest of what is known."""
    return max((value for value in values if value is not None), default=None)


#: What generated code may call; it has no other names.
FUNCTIONS = {
    "absolute": abs,
    "least": min,
    "greatest": max,
    "least_known": least_known,
    "greatest_known": greatest_known,
}


class Lines:
    """Source under way, with its indentation and the sets that it refers to."""

    def __init__(self) -> None:
        """Start with nothing written."""
        self.lines: list[str] = []
        self.level = 0
        #: Values that the source names, such as the sets of IN.
        self.names: dict[str, object] = {}
        self._steps = 0

    def add(self, text: str) -> None:
        """Write one line."""
        self.lines.append("    " * self.level + text)

    def step(self, text: str) -> str:
        """Write a step and return its name."""
        self._steps += 1
        name = f"t{self._steps}"
        self.add(f"{name} = {text}")
        return name

    def hold(self, prefix: str, value: object) -> str:
        """Return a name for a value that is no literal."""
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name


def can_lose(node: Node) -> bool:
    """Tell whether an expression can be unknown although all that it reads is known."""
    return any(
        isinstance(part, UnknownIf) or (isinstance(part, Case) and part.otherwise is None)
        for part in walk(node)
    )


def write_value(out: Lines, target: str, node: Node, local: Mapping[str, str]) -> None:
    """Write the value of an expression into a local: True, False, a value or None."""
    _by_presence(out, node, local, f"{target} = {{}}", f"{target} = {{}}")


def write_verdict(out: Lines, target: str, node: Node, local: Mapping[str, str]) -> None:
    """Write the verdict of a condition into a local: T, F or U."""
    _by_presence(
        out,
        node,
        local,
        f"{target} = T if {{}} else F",
        f"{target} = T if {{0}} else (F if {{0}} is False else U)",
    )


def write_branches(
    out: Lines, node: Node, local: Mapping[str, str], true: list[str], unknown: list[str]
) -> None:
    """Write what is done when a condition is true and when it is unknown; false does nothing."""
    read = [local[name] for name in features_read(node)]
    word = "if"
    if can_lose(node) or read:
        if not can_lose(node):
            out.add(f"if {' or '.join(f'{name} is None' for name in read)}:")
            out.level += 1
        step = _step(out, node, local)
        _branch(out, f"if {step}:", true)
        _branch(out, f"elif {_absent(step)}:", unknown)
        if can_lose(node):
            return
        out.level -= 1
        word = "elif"
    _branch(out, f"{word} {_plain(out, node, local)}:", true)


def _branch(out: Lines, head: str, lines: list[str]) -> None:
    out.add(head)
    out.level += 1
    for line in lines:
        out.add(line)
    out.level -= 1


def _by_presence(
    out: Lines, node: Node, local: Mapping[str, str], complete: str, partial: str
) -> None:
    read = [local[name] for name in features_read(node)]
    if can_lose(node):
        out.add(partial.format(_step(out, node, local)))
        return
    if not read:
        out.add(complete.format(_plain(out, node, local)))
        return
    out.add(f"if {' or '.join(f'{name} is None' for name in read)}:")
    out.level += 1
    out.add(partial.format(_step(out, node, local)))
    out.level -= 1
    out.add("else:")
    out.level += 1
    out.add(complete.format(_plain(out, node, local)))
    out.level -= 1


def _plain(out: Lines, node: Node, local: Mapping[str, str]) -> str:  # noqa: C901, PLR0912 - by node
    """Return an expression over known values."""

    def of(inner: Node) -> str:
        return _plain(out, inner, local)

    match node:
        case FeatureRef():
            return local[node.name]
        case Literal():
            return repr(node.value)
        case Arithmetic():
            return f"({of(node.left)} {_CALCULATE[node.operator]} {of(node.right)})"
        case Compare():
            return f"({of(node.left)} {_COMPARE[node.comparison]} {of(node.right)})"
        case IsIn():
            return f"({of(node.item)} in {_set(out, node)})"
        case IsUnknown():
            return "False"
        case Not():
            return f"(not {of(node.item)})"
        case And():
            return f"({' and '.join(map(of, node.items))})"
        case Or():
            return f"({' or '.join(map(of, node.items))})"
        case Absolute():
            return f"absolute({of(node.item)})"
        case Extreme():
            # A single value is its own least and greatest; the functions want two.
            items = [*map(of, node.items)]
            word = node.choice.value
            return f"{word}({', '.join(items)})" if len(items) > 1 else items[0]
        case FirstKnown():
            return of(node.items[0])
        case Differs():
            return f"({of(node.left)} != {of(node.right)})"
        case Case():
            assert node.otherwise is not None, "without it the value can be lost"
            tests = "".join(f"{of(value)} if {of(test)} else " for test, value in node.branches)
            return f"({tests}{of(node.otherwise)})"
        case UnknownIf():
            raise AssertionError("a value that can be lost is written step by step")
        case _:
            assert_never(node)


def _step(out: Lines, node: Node, local: Mapping[str, str]) -> str:  # noqa: C901, PLR0912 - by node
    """Write the steps of an expression over what may be missing; return the name of the last."""

    def of(inner: Node) -> str:
        return _step(out, inner, local)

    match node:
        case FeatureRef():
            return local[node.name]
        case Literal():
            return repr(node.value)
        case Arithmetic():
            left, right = of(node.left), of(node.right)
            sign = _CALCULATE[node.operator]
            absent = _absent(left, right)
            if node.operator is Operator.DIVIDE:
                # No division by zero either: 0 is as false as None.
                absent = f"{_absent(left)} or not {right}"
            return out.step(f"None if {absent} else {left} {sign} {right}")
        case Compare():
            left, right = of(node.left), of(node.right)
            sign = _COMPARE[node.comparison]
            return out.step(f"None if {_absent(left, right)} else {left} {sign} {right}")
        case IsIn():
            item = of(node.item)
            return out.step(f"None if {_absent(item)} else {item} in {_set(out, node)}")
        case IsUnknown():
            return out.step(_absent(of(node.item)))
        case Not():
            item = of(node.item)
            return out.step(f"None if {_absent(item)} else not {item}")
        case And():
            return _decisive(out, [*map(of, node.items)], "False", "True")
        case Or():
            return _decisive(out, [*map(of, node.items)], "True", "False")
        case Absolute():
            item = of(node.item)
            return out.step(f"None if {_absent(item)} else absolute({item})")
        case Extreme():
            word = "least_known" if node.choice is Choice.LEAST else "greatest_known"
            return out.step(f"{word}({', '.join(map(of, node.items))})")
        case FirstKnown():
            *others, last = map(of, node.items)
            known = "".join(f"{item} if not ({_absent(item)}) else " for item in others)
            return out.step(f"{known}{last}")
        case UnknownIf():
            item = of(node.item)
            return out.step(f"None if {item} == {node.value!r} else {item}")
        case Differs():
            left, right = of(node.left), of(node.right)
            return out.step(f"{left} != {right}")
        case Case():
            pairs = [(of(test), of(value)) for test, value in node.branches]
            last = "None" if node.otherwise is None else of(node.otherwise)
            tests = "".join(f"{value} if {test} else " for test, value in pairs)
            return out.step(f"{tests}{last}")
        case _:
            assert_never(node)


def _decisive(out: Lines, items: list[str], decided: str, otherwise: str) -> str:
    decisive = " or ".join(f"{item} is {decided}" for item in items)
    missing = _absent(*items)
    return out.step(f"{decided} if {decisive} else (None if {missing} else {otherwise})")


def _absent(*items: str) -> str:
    """Return the test whether any of some locals is missing; literals never are."""
    names = [item for item in items if item[0] in "vt"]
    return " or ".join(f"{item} is None" for item in names) or "False"


def _set(out: Lines, node: IsIn) -> str:
    return out.hold("S", frozenset(node.values))
