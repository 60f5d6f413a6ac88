"""The typed tree of a rule: few kinds of node over integers, texts and booleans.

Invariant   A tree and its JSON form say the same: `from_json(to_json(node)) == node`. The JSON
            form, not the text that somebody typed, is what a policy's hash covers.
Unknown     The tree has three verdicts: true, false, unknown (`evaluate.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

Value = int | str | bool


class Comparison(StrEnum):
    """How two values are compared."""

    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


class Operator(StrEnum):
    """Arithmetic on integers.

    Division drops the rest. It is sound only where nothing below zero is divided by something
    above it (`rule_types.py`): there all engines agree.
    """

    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    DIVIDE = "/"


class Choice(StrEnum):
    """One of several integers; what is unknown is passed over."""

    LEAST = "least"
    GREATEST = "greatest"


class MalformedTreeError(ValueError):
    """The JSON is not the form of a rule."""


@dataclass(frozen=True, slots=True)
class FeatureRef:
    """The value of a feature."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the rule."""

    value: Value


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two integers added, subtracted or multiplied."""

    operator: Operator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values compared; unknown when either is unknown."""

    comparison: Comparison
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class IsIn:
    """A value among literals; unknown when the value is unknown."""

    item: "Node"
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class IsUnknown:
    """Whether a value is unknown; the one question that always has an answer."""

    item: "Node"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    item: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """All of them: false as soon as one is false, else unknown as soon as one is unknown."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them: true as soon as one is true, else unknown as soon as one is unknown."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Absolute:
    """An integer without its sign."""

    item: "Node"


@dataclass(frozen=True, slots=True)
class Extreme:
    """The least or greatest of what is known; unknown when nothing is."""

    choice: Choice
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class FirstKnown:
    """The first value that is known; SQL's COALESCE."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class UnknownIf:
    """A value, but unknown where it equals a literal; SQL's NULLIF, made for divisors."""

    item: "Node"
    value: Value


@dataclass(frozen=True, slots=True)
class Differs:
    """Whether two values differ, unknown counted as a value; SQL's IS DISTINCT FROM."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first condition that is true; without one, `otherwise` or unknown."""

    branches: tuple[tuple["Node", "Node"], ...]
    otherwise: "Node | None"


Node = (
    FeatureRef
    | Literal
    | Arithmetic
    | Compare
    | IsIn
    | IsUnknown
    | Not
    | And
    | Or
    | Absolute
    | Extreme
    | FirstKnown
    | UnknownIf
    | Differs
    | Case
)

#: The form of a node in JSON: a list that begins with the node's word.
Form = list[object]


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below one."""
    match node:
        case FeatureRef() | Literal():
            return ()
        case Arithmetic() | Compare() | Differs():
            return (node.left, node.right)
        case IsIn() | IsUnknown() | Not() | Absolute() | UnknownIf():
            return (node.item,)
        case And() | Or() | Extreme() | FirstKnown():
            return node.items
        case Case():
            pairs = tuple(part for branch in node.branches for part in branch)
            return pairs if node.otherwise is None else (*pairs, node.otherwise)
        case _:
            assert_never(node)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def features_read(node: Node) -> tuple[str, ...]:
    """Return the names of the features that a rule reads, each once, in the order of reading."""
    names = (part.name for part in walk(node) if isinstance(part, FeatureRef))
    return tuple(dict.fromkeys(names))


def to_json(node: Node) -> Form:
    """Return the form that is stored and hashed."""
    match node:
        case FeatureRef():
            return ["feature", node.name]
        case Literal():
            return ["literal", node.value]
        case Arithmetic():
            return [node.operator.value, to_json(node.left), to_json(node.right)]
        case Compare():
            return [node.comparison.value, to_json(node.left), to_json(node.right)]
        case IsIn():
            return ["in", to_json(node.item), list(node.values)]
        case IsUnknown():
            return ["unknown", to_json(node.item)]
        case Not():
            return ["not", to_json(node.item)]
        case And():
            return ["and", *map(to_json, node.items)]
        case Or():
            return ["or", *map(to_json, node.items)]
        case _:
            return _value_to_json(node)


def _value_to_json(node: Absolute | Extreme | FirstKnown | UnknownIf | Differs | Case) -> Form:
    match node:
        case Absolute():
            return ["abs", to_json(node.item)]
        case Extreme():
            return [node.choice.value, *map(to_json, node.items)]
        case FirstKnown():
            return ["coalesce", *map(to_json, node.items)]
        case UnknownIf():
            return ["nullif", to_json(node.item), node.value]
        case Differs():
            return ["distinct", to_json(node.left), to_json(node.right)]
        case Case():
            branches = [[to_json(test), to_json(value)] for test, value in node.branches]
            return ["case", branches, node.otherwise and to_json(node.otherwise)]
        case _:
            assert_never(node)


def from_json(form: object) -> Node:
    """Return the tree of a stored form; raise MalformedTreeError for anything else."""
    match form:
        case ["feature", str(name)]:
            return FeatureRef(name)
        case ["literal", bool(value) | int(value) | str(value)]:
            return Literal(value)
        case ["in", item, [_, *_] as values]:
            return IsIn(from_json(item), tuple(_value(value) for value in values))
        case ["unknown", item]:
            return IsUnknown(from_json(item))
        case ["not", item]:
            return Not(from_json(item))
        case ["and", first, second, *rest]:
            return And(tuple(map(from_json, (first, second, *rest))))
        case ["or", first, second, *rest]:
            return Or(tuple(map(from_json, (first, second, *rest))))
        case [str(word), left, right] if word in set(Operator):
            return Arithmetic(Operator(word), from_json(left), from_json(right))
        case [str(word), left, right] if word in set(Comparison):
            return Compare(Comparison(word), from_json(left), from_json(right))
        case _:
            return _value_from_json(form)


def _value_from_json(form: object) -> Node:
    match form:
        case ["abs", item]:
            return Absolute(from_json(item))
        case ["least" | "greatest" as word, first, *rest]:
            return Extreme(Choice(word), tuple(map(from_json, (first, *rest))))
        case ["coalesce", first, *rest]:
            return FirstKnown(tuple(map(from_json, (first, *rest))))
        case ["nullif", item, value]:
            return UnknownIf(from_json(item), _value(value))
        case ["distinct", left, right]:
            return Differs(from_json(left), from_json(right))
        case ["case", [_, *_] as branches, otherwise]:
            last = None if otherwise is None else from_json(otherwise)
            return Case(tuple(map(_branch, branches)), last)
        case _:
            raise MalformedTreeError(f"{str(form)[:80]} is not the form of a rule")


def _branch(form: object) -> tuple[Node, Node]:
    match form:
        case [test, value]:
            return from_json(test), from_json(value)
        case _:
            raise MalformedTreeError(f"{str(form)[:80]} is not a branch of CASE")


def to_sql(node: Node) -> str:
    """Return the rule as text that parses to the same tree."""
    match node:
        case FeatureRef():
            return node.name
        case Literal():
            return _literal_sql(node.value)
        case Arithmetic():
            return f"{_nested(node.left)} {node.operator.value} {_nested(node.right)}"
        case Compare():
            return f"{_nested(node.left)} {node.comparison.value} {_nested(node.right)}"
        case IsIn():
            return f"{_nested(node.item)} IN ({', '.join(map(_literal_sql, node.values))})"
        case IsUnknown():
            return f"{_nested(node.item)} IS NULL"
        case Not():
            return f"NOT {_nested(node.item)}"
        case And():
            return " AND ".join(map(_nested, node.items))
        case Or():
            return " OR ".join(map(_nested, node.items))
        case _:
            return _value_to_sql(node)


def _value_to_sql(node: Absolute | Extreme | FirstKnown | UnknownIf | Differs | Case) -> str:
    match node:
        case Absolute():
            return f"ABS({to_sql(node.item)})"
        case Extreme():
            return f"{node.choice.value.upper()}({', '.join(map(to_sql, node.items))})"
        case FirstKnown():
            return f"COALESCE({', '.join(map(to_sql, node.items))})"
        case UnknownIf():
            return f"NULLIF({to_sql(node.item)}, {_literal_sql(node.value)})"
        case Differs():
            return f"{_nested(node.left)} IS DISTINCT FROM {_nested(node.right)}"
        case Case():
            branches = " ".join(
                f"WHEN {to_sql(test)} THEN {to_sql(value)}" for test, value in node.branches
            )
            last = "" if node.otherwise is None else f" ELSE {to_sql(node.otherwise)}"
            return f"CASE {branches}{last} END"
        case _:
            assert_never(node)


def _nested(node: Node) -> str:
    text = to_sql(node)
    return text if isinstance(node, FeatureRef | Literal) else f"({text})"


def _literal_sql(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _value(value: object) -> Value:
    if isinstance(value, bool | int | str):
        return value
    raise MalformedTreeError(f"{str(value)[:80]} is not a value that a rule can hold")
