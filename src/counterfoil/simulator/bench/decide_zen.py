"""The bench policy as a graph of zen-engine, to measure it beside ours; a development dependency.

Equivalent  The same rules, card, grade and limit, on cases with nothing missing: its language has
            no third value, so unknown is left out on both sides. Results are compared before time
            is taken.
"""

import importlib.util
from collections.abc import Mapping
from typing import Any

import orjson

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
    Or,
    Value,
)
from counterfoil.decisioning.policy import Policy

_SIGNS = {Comparison.EQUAL: "==", Comparison.UNEQUAL: "!="}


def is_there() -> bool:
    """Tell whether zen-engine is installed."""
    return importlib.util.find_spec("zen") is not None


class ZenDecision:
    """The policy's rules, card, grade and first limit as one expression node."""

    def __init__(self, policy: Policy) -> None:
        """Build the graph and load it."""
        import zen  # noqa: PLC0415 - only where it is installed

        self._policy = policy
        content = orjson.dumps(_graph(policy)).decode()
        self._decision = zen.ZenEngine().create_decision(content)

    def decide(self, case: Mapping[str, Value | None]) -> dict[str, Any]:
        """Return verdicts, points, grade and limit."""
        result: dict[str, Any] = self._decision.evaluate(dict(case))["result"]
        return result


def _graph(policy: Policy) -> dict[str, object]:
    said = [(f"v_{rule.code}", _text(rule.when)) for rule in policy.rules]
    items = policy.scorecard.characteristics
    said += [
        (f"p{n}", _bins(item.feature, item.edges, item.points)) for n, item in enumerate(items)
    ]
    total = " + ".join(f"$.p{n}" for n in range(len(items)))
    said.append(("points", f"{policy.scorecard.base_points} + {total}"))
    *others, last = policy.grades
    grades = "".join(f"$.points >= {grade.points_min} ? '{grade.code}' : " for grade in others)
    said.append(("grade", f"{grades}'{last.code}'"))
    limits = "".join(
        f"$.grade == '{grade.code}' ? {max(grade.limits_minor.values())} : " for grade in others
    )
    said.append(("limit_minor", f"{limits}{max(last.limits_minor.values())}"))
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "position": {"x": 0, "y": 0}},
        {
            "id": "say",
            "name": "say",
            "type": "expressionNode",
            "position": {"x": 1, "y": 0},
            "content": {
                "expressions": [{"id": key, "key": key, "value": value} for key, value in said]
            },
        },
        {"id": "out", "name": "out", "type": "outputNode", "position": {"x": 2, "y": 0}},
    ]
    edges = [
        {"id": "a", "type": "edge", "sourceId": "in", "targetId": "say"},
        {"id": "b", "type": "edge", "sourceId": "say", "targetId": "out"},
    ]
    return {"nodes": nodes, "edges": edges}


def _bins(name: str, edges: tuple[int, ...], points: tuple[int, ...]) -> str:
    tests = "".join(f"{name} < {e} ? {p} : " for e, p in zip(edges, points, strict=False))
    return f"{tests}{points[-1]}"


def _text(node: Node) -> str:
    match node:
        case FeatureRef():
            return node.name
        case Literal():
            return orjson.dumps(node.value).decode().replace('"', "'")
        case Arithmetic():
            return f"({_text(node.left)} {node.operator.value} {_text(node.right)})"
        case Compare():
            sign = _SIGNS.get(node.comparison, node.comparison.value)
            return f"({_text(node.left)} {sign} {_text(node.right)})"
        case IsIn():
            values = ", ".join(_text(Literal(value)) for value in node.values)
            return f"({_text(node.item)} in [{values}])"
        case IsUnknown():
            return f"({_text(node.item)} == null)"
        case Not():
            return f"(not {_text(node.item)})"
        case And():
            return f"({' and '.join(map(_text, node.items))})"
        case Or():
            return f"({' or '.join(map(_text, node.items))})"
        case _:
            raise AssertionError("the bench policy has no other nodes")
