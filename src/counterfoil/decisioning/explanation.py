"""What a recorded decision says, to staff in full and to customers in words that are theirs.

Staff       Every rule with its verdict and the values that it read, every contribution, every
            bound, what the guards did.
Customers   Texts of reason codes alone: a factor, never a threshold, never a rule, never a score.
Invariant   Nothing is decided again; what stands here was written down when it was decided.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.decisioning.basis import basis_of
from counterfoil.decisioning.customer_explanation import reason_texts
from counterfoil.decisioning.expression import features_read, to_sql
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Rule
from counterfoil.decisioning.score_bin import score_parts


def explain(
    policy: Policy | None, inputs: Mapping[str, Any], result: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the record of a decision with what each rule read; without a policy, less of it."""
    rules = [] if policy is None else _rules(policy, inputs["features"], result["verdicts"])
    told = () if policy is None else reason_texts(policy, inputs, result)
    return {
        "asked": inputs["asked"],
        "policy_hash": inputs["policy_hash"],
        "decided_under": basis_of(inputs).document(),
        "rules": rules,
        "customer_is_told": (
            {}
            if policy is None
            else {"zh": [one.zh for one in told], "en": [one.en for one in told]}
        ),
        "rejected": inputs["rejected"],
        "guards": inputs.get("guards"),
        "experiments": inputs.get("experiments"),
        "score_parts": _score_parts(policy, result["contributions"]),
        **{name: value for name, value in result.items() if name != "verdicts"},
    }


def _score_parts(
    policy: Policy | None, contributions: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Return contributions with what their bins hold; without the policy with their numbers."""
    if policy is None:
        return [
            {"feature": name, "bin": bin_no, "holds": None, "points": points}
            for name, bin_no, points in contributions
        ]
    return [
        {"feature": one.feature, "bin": one.bin, "holds": str(one.holds), "points": one.points}
        for one in score_parts(policy, contributions)
    ]


def _rules(
    policy: Policy, values: Mapping[str, Any], verdicts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rules that were judged, those that spoke first."""
    seen = dict(values)
    for item in policy.derived:
        seen[item.name] = item.compute(seen)
    order = {"true": 0, "unknown": 1, "false": 2}
    judged = [rule for rule in policy.rules if rule.code in verdicts]
    judged.sort(key=lambda rule: order[verdicts[rule.code]])
    return [_rule(rule, seen, verdicts[rule.code]) for rule in judged]


def _rule(rule: Rule, seen: Mapping[str, Any], verdict: str) -> dict[str, Any]:
    action = {"true": rule.action.value, "unknown": rule.on_unknown.value}.get(verdict)
    return {
        "rule": rule.code,
        "verdict": verdict,
        "then": action,
        "when": to_sql(rule.when),
        "read": {name: seen.get(name) for name in features_read(rule.when)},
    }
