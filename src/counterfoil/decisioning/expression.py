"""The typed tree of a rule: few kinds of node, integers, texts and booleans, no functions.

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
    """Arithmetic on integers; division is not among it because engines differ in it."""

    PLUS = "+"
    MINUS = "-"
    TIMES = "*"


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


Node = FeatureRef | Literal | Arithmetic | Compare | IsIn | IsUnknown | Not | And | Or

#: The form of a node in JSON: a list that begins with the node's word.
Form = list[object]


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below one."""
    match node:
        case FeatureRef() | Literal():
            return ()
        case Arithmetic() | Compare():
            return (node.left, node.right)
        case IsIn() | IsUnknown() | Not():
            return (node.item,)
        case And() | Or():
            return node.items
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
            raise MalformedTreeError(f"{str(form)[:80]} is not the form of a rule")


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
