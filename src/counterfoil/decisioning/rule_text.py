"""From the text of a rule to its tree: SQL boolean expressions, by a list of what is allowed.

The parser is permissive (it takes several statements, sub-queries and functions that nobody
knows), so the list here is what decides: a node, or a part of a node, that is not on it makes
the rule malformed. There are no warnings.

Allowed     Features, integers, texts, booleans; AND OR NOT; = <> < <= > >=; BETWEEN;
            IN (literals); IS [NOT] NULL; IS [NOT] DISTINCT FROM; CASE WHEN; COALESCE; LEAST;
            GREATEST; ABS; NULLIF(…, literal); + - * / on integers; brackets.
Refused     Other functions, casts, sub-queries, NULL as a value, fractions, patterns, anything
            that reads the clock. Time enters as a feature. Comments too: what stands in a rule
            decides, and two minus signs would silently end it.
Bounds      4,096 characters, 400 nodes, 40 levels: a rule is read by people.
"""

import re

from sqlglot import exp, parse
from sqlglot.errors import ParseError, SqlglotError

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
    children,
    walk,
)

#: What a rule may be made of, as a message tells it.
ALLOWED = (
    "features, integers, 'texts', TRUE, FALSE, AND OR NOT, = <> < <= > >=, BETWEEN, IN (literals), "
    "IS [NOT] NULL, IS [NOT] DISTINCT FROM, CASE WHEN, COALESCE, LEAST, GREATEST, ABS, "
    "NULLIF(…, literal), + - * /"
)

TEXT_LENGTH_MAX = 4_096
NODES_COUNT_MAX = 400
DEPTH_MAX = 40

_COMPARISONS: dict[type[exp.Expr], Comparison] = {
    exp.EQ: Comparison.EQUAL,
    exp.NEQ: Comparison.UNEQUAL,
    exp.LT: Comparison.LESS,
    exp.LTE: Comparison.LESS_OR_EQUAL,
    exp.GT: Comparison.GREATER,
    exp.GTE: Comparison.GREATER_OR_EQUAL,
}
_OPERATORS: dict[type[exp.Expr], Operator] = {
    exp.Add: Operator.PLUS,
    exp.Sub: Operator.MINUS,
    exp.Mul: Operator.TIMES,
    exp.Div: Operator.DIVIDE,
}
#: Texts, which are passed over, and the beginnings of what the parser leaves out.
_LEFT_OUT = re.compile(r"'(?:[^']|'')*'|(?P<comment>--|/\*|\{[#%{])")
#: Flags that the parser sets on nodes and that change nothing here.
_FLAGS = frozenset({"typed", "safe", "ignore_nulls", "is_nvl", "is_null"})


class MalformedRuleError(ValueError):
    """The text is not a rule of the language."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        """Take the reason and where in the text the fault begins, in characters."""
        super().__init__(reason)
        self.offset = offset


def parse_rule(text: str) -> Node:
    """Return the tree of a rule's text; raise MalformedRuleError for anything not allowed."""
    if len(text) > TEXT_LENGTH_MAX:
        raise MalformedRuleError(f"the rule is longer than {TEXT_LENGTH_MAX} characters")
    if ";" in text:
        raise MalformedRuleError("a rule is one expression without a semicolon", text.index(";"))
    _check_comments(text)
    try:
        statements = parse(text, dialect="postgres")
        if len(statements) != 1 or statements[0] is None:
            raise MalformedRuleError("a rule is exactly one expression")
        node = _node(statements[0])
    except ParseError as error:
        raise MalformedRuleError("the rule does not parse as SQL", _at(text, error)) from error
    except SqlglotError as error:
        raise MalformedRuleError("the rule does not parse as SQL") from error
    except RecursionError as error:
        raise MalformedRuleError("the rule is nested too deeply") from error
    _check_size(node)
    return node


def _check_comments(text: str) -> None:
    for found in _LEFT_OUT.finditer(text):
        if found["comment"] is not None:
            raise MalformedRuleError(
                f"{found['comment']} would leave out what follows; a comment stands beside the "
                "rule, behind a #, and a negative number in brackets",
                found.start(),
            )


def offsets(text: str) -> list[int]:
    """Return where each node of a sound rule begins in its text, in the order of `walk`."""
    statement = parse(text, dialect="postgres")[0]
    assert statement is not None, "the rule was read before"
    places: dict[int, int] = {}
    node = _node(statement, places)
    return [_first(part, places) for part in walk(node)]


def _first(node: Node, places: dict[int, int]) -> int:
    return min((places[id(part)] for part in walk(node) if id(part) in places), default=0)


def _at(text: str, error: ParseError) -> int:
    """Return the offset of a fault that the parser reports by line and column."""
    details = error.errors[0] if error.errors else {}
    line, column = details.get("line") or 1, details.get("col") or 1
    lines = text.splitlines(keepends=True)
    return min(sum(map(len, lines[: line - 1])) + column - 1, max(len(text) - 1, 0))


def _offset(tree: exp.Expr) -> int:
    starts = [part.meta["start"] for part in tree.walk() if "start" in part.meta]
    return min(starts, default=0)


def _check_size(node: Node) -> None:
    if sum(1 for _ in walk(node)) > NODES_COUNT_MAX:
        raise MalformedRuleError(f"the rule has more than {NODES_COUNT_MAX} parts")
    if _depth(node) > DEPTH_MAX:
        raise MalformedRuleError(f"the rule is nested deeper than {DEPTH_MAX} levels")


def _depth(node: Node) -> int:
    return 1 + max((_depth(child) for child in children(node)), default=0)


def _node(tree: exp.Expr, places: dict[int, int] | None = None) -> Node:
    """Return the node of a parsed part; `places` takes where nodes with a place begin."""
    node = _plain(tree, places)
    if places is not None:
        places[id(node)] = _offset(tree)
    return node


def _plain(tree: exp.Expr, places: dict[int, int] | None) -> Node:  # noqa: C901, PLR0912 - by node
    kind = type(tree)
    if kind in _COMPARISONS:
        left, right = _both(tree, places)
        return Compare(_COMPARISONS[kind], left, right)
    if kind in _OPERATORS:
        left, right = _both(tree, places)
        return Arithmetic(_OPERATORS[kind], left, right)
    match tree:
        case exp.Paren():
            _allow(tree, "this")
            return _node(tree.this, places)
        case exp.Column():
            return _feature(tree)
        case exp.Literal() | exp.Boolean() | exp.Neg():
            return Literal(_literal(tree))
        case exp.And() | exp.Or():
            return _joined(tree, places)
        case exp.Not():
            _allow(tree, "this")
            return Not(_node(tree.this, places))
        case exp.Is():
            return _is_null(tree, places)
        case exp.In():
            _allow(tree, "this", "expressions")
            if not tree.expressions:
                raise MalformedRuleError("IN needs at least one value", _offset(tree))
            return IsIn(_node(tree.this, places), tuple(map(_literal, tree.expressions)))
        case exp.Between():
            return _between(tree, places)
        case exp.NullSafeNEQ():
            return Differs(*_both(tree, places))
        case exp.NullSafeEQ():
            return Not(Differs(*_both(tree, places)))
        case _:
            return _function(tree, places)


def _function(tree: exp.Expr, places: dict[int, int] | None) -> Node:
    match tree:
        case exp.Abs():
            _allow(tree, "this")
            return Absolute(_node(tree.this, places))
        case exp.Least() | exp.Greatest():
            choice = Choice.LEAST if isinstance(tree, exp.Least) else Choice.GREATEST
            return Extreme(choice, _arguments(tree, places))
        case exp.Coalesce():
            return FirstKnown(_arguments(tree, places))
        case exp.Nullif():
            _allow(tree, "this", "expression")
            return UnknownIf(_node(tree.this, places), _literal(tree.expression))
        case exp.Case():
            _allow(tree, "ifs", "default")
            branches = tuple(_branch(part, places) for part in tree.args["ifs"])
            default = tree.args.get("default")
            return Case(branches, None if default is None else _node(default, places))
        case _:
            raise _not_allowed(tree)


def _branch(tree: exp.Expr, places: dict[int, int] | None) -> tuple[Node, Node]:
    _allow(tree, "this", "true")
    return _node(tree.this, places), _node(tree.args["true"], places)


def _arguments(tree: exp.Expr, places: dict[int, int] | None) -> tuple[Node, ...]:
    _allow(tree, "this", "expressions")
    return tuple(_node(part, places) for part in (tree.this, *tree.expressions))


def _not_allowed(tree: exp.Expr) -> MalformedRuleError:
    text = tree.sql(dialect="postgres")[:60]
    return MalformedRuleError(f"{text!r} is not allowed; allowed are {ALLOWED}", _offset(tree))


def _allow(tree: exp.Expr, *names: str) -> None:
    """Refuse a node that carries a part which this reader does not know."""
    known = _FLAGS.union(names)
    if any(part and name not in known for name, part in tree.args.items()):
        raise _not_allowed(tree)


def _both(tree: exp.Expr, places: dict[int, int] | None) -> tuple[Node, Node]:
    _allow(tree, "this", "expression")
    return _node(tree.this, places), _node(tree.expression, places)


def _joined(tree: exp.And | exp.Or, places: dict[int, int] | None) -> Node:
    """Return a chain of the same word as one flat node."""
    word = And if isinstance(tree, exp.And) else Or
    parts: list[Node] = []
    for part in _both(tree, places):
        parts.extend(part.items if isinstance(part, word) else (part,))
    return word(tuple(parts))


def _feature(tree: exp.Column) -> FeatureRef:
    _allow(tree, "this")
    name = tree.this
    if not isinstance(name, exp.Identifier) or name.args.get("quoted"):
        raise MalformedRuleError("a feature is named without quotes", _offset(tree))
    return FeatureRef(str(name.this))


def _literal(tree: exp.Expr) -> Value:
    match tree:
        case exp.Boolean():
            return bool(tree.this)
        case exp.Literal() if tree.is_string:
            return str(tree.this)
        case exp.Literal() if str(tree.this).isascii() and str(tree.this).isdecimal():
            return int(tree.this)
        case exp.Neg() if isinstance(tree.this, exp.Literal) and not tree.this.is_string:
            value = _literal(tree.this)
            assert isinstance(value, int), "a number that is no text is an integer here"
            return -value
        case _:
            text = tree.sql(dialect="postgres")[:60]
            raise MalformedRuleError(
                f"{text!r} is not an integer, a text or a boolean", _offset(tree)
            )


def _is_null(tree: exp.Is, places: dict[int, int] | None) -> Node:
    _allow(tree, "this", "expression", "negate")
    if not isinstance(tree.expression, exp.Null):
        raise MalformedRuleError("IS is only allowed before NULL and DISTINCT FROM", _offset(tree))
    test = IsUnknown(_node(tree.this, places))
    return Not(test) if tree.args.get("negate") else test


def _between(tree: exp.Between, places: dict[int, int] | None) -> Node:
    """Return BETWEEN as the two comparisons that SQL defines it by."""
    _allow(tree, "this", "low", "high")
    item = _node(tree.this, places)
    low, high = _node(tree.args["low"], places), _node(tree.args["high"], places)
    return And(
        (
            Compare(Comparison.GREATER_OR_EQUAL, item, low),
            Compare(Comparison.LESS_OR_EQUAL, item, high),
        )
    )
