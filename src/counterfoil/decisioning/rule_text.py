"""From the text of a rule to its tree: SQL boolean expressions, by a list of what is allowed.

The parser is permissive (it takes several statements, sub-queries and functions that nobody
knows), so the list here is what decides: a node, or a part of a node, that is not on it makes
the rule malformed. There are no warnings.

Allowed     Features, integers, texts, booleans; AND OR NOT; = <> < <= > >=; BETWEEN;
            IN (literals); IS [NOT] NULL; + - * on integers; brackets.
Refused     Division, functions, casts, sub-queries, NULL as a value, fractions, anything that
            reads the clock. Time enters as a feature.
Bounds      4,096 characters, 400 nodes, 40 levels: a rule is read by people.
"""

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

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
    children,
    walk,
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
}


class MalformedRuleError(ValueError):
    """The text is not a rule of the language."""


def parse_rule(text: str) -> Node:
    """Return the tree of a rule's text; raise MalformedRuleError for anything not allowed."""
    if len(text) > TEXT_LENGTH_MAX:
        raise MalformedRuleError(f"the rule is longer than {TEXT_LENGTH_MAX} characters")
    if ";" in text:
        raise MalformedRuleError("a rule is one expression without a semicolon")
    try:
        statements = parse(text, dialect="postgres")
        if len(statements) != 1 or statements[0] is None:
            raise MalformedRuleError("a rule is exactly one expression")
        node = _node(statements[0])
    except SqlglotError as error:
        raise MalformedRuleError("the rule does not parse as SQL") from error
    except RecursionError as error:
        raise MalformedRuleError("the rule is nested too deeply") from error
    _check_size(node)
    return node


def _check_size(node: Node) -> None:
    if sum(1 for _ in walk(node)) > NODES_COUNT_MAX:
        raise MalformedRuleError(f"the rule has more than {NODES_COUNT_MAX} parts")
    if _depth(node) > DEPTH_MAX:
        raise MalformedRuleError(f"the rule is nested deeper than {DEPTH_MAX} levels")


def _depth(node: Node) -> int:
    return 1 + max((_depth(child) for child in children(node)), default=0)


def _node(tree: exp.Expr) -> Node:  # noqa: C901 - one branch for each allowed node
    kind = type(tree)
    if kind in _COMPARISONS:
        left, right = _both(tree)
        return Compare(_COMPARISONS[kind], left, right)
    if kind in _OPERATORS:
        left, right = _both(tree)
        return Arithmetic(_OPERATORS[kind], left, right)
    match tree:
        case exp.Paren():
            _allow(tree, "this")
            return _node(tree.this)
        case exp.Column():
            return _feature(tree)
        case exp.Literal() | exp.Boolean() | exp.Neg():
            return Literal(_literal(tree))
        case exp.And() | exp.Or():
            return _joined(tree)
        case exp.Not():
            _allow(tree, "this")
            return Not(_node(tree.this))
        case exp.Is():
            return _is_null(tree)
        case exp.In():
            _allow(tree, "this", "expressions")
            return IsIn(_node(tree.this), tuple(map(_literal, tree.expressions)))
        case exp.Between():
            return _between(tree)
        case _:
            raise MalformedRuleError(f"{tree.sql(dialect='postgres')[:60]!r} is not allowed")


def _allow(tree: exp.Expr, *names: str) -> None:
    """Refuse a node that carries a part which this reader does not know."""
    unknown = [name for name, part in tree.args.items() if part and name not in names]
    if unknown:
        raise MalformedRuleError(f"{tree.sql(dialect='postgres')[:60]!r} is not allowed")


def _both(tree: exp.Expr) -> tuple[Node, Node]:
    _allow(tree, "this", "expression")
    return _node(tree.this), _node(tree.expression)


def _joined(tree: exp.And | exp.Or) -> Node:
    """Return a chain of the same word as one flat node."""
    word = And if isinstance(tree, exp.And) else Or
    parts: list[Node] = []
    for part in _both(tree):
        parts.extend(part.items if isinstance(part, word) else (part,))
    return word(tuple(parts))


def _feature(tree: exp.Column) -> FeatureRef:
    _allow(tree, "this")
    name = tree.this
    if not isinstance(name, exp.Identifier) or name.args.get("quoted"):
        raise MalformedRuleError("a feature is named without quotes")
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
            raise MalformedRuleError(f"{text!r} is not an integer, a text or a boolean")


def _is_null(tree: exp.Is) -> Node:
    _allow(tree, "this", "expression", "negate")
    if not isinstance(tree.expression, exp.Null):
        raise MalformedRuleError("IS is only allowed before NULL")
    test = IsUnknown(_node(tree.this))
    return Not(test) if tree.args.get("negate") else test


def _between(tree: exp.Between) -> Node:
    """Return BETWEEN as the two comparisons that SQL defines it by."""
    _allow(tree, "this", "low", "high")
    item = _node(tree.this)
    low, high = _node(tree.args["low"]), _node(tree.args["high"])
    return And(
        (
            Compare(Comparison.GREATER_OR_EQUAL, item, low),
            Compare(Comparison.LESS_OR_EQUAL, item, high),
        )
    )
