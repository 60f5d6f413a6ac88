"""A row of a batch, told as the record of a single decision tells it, so that both compare.

Invariant   Nothing is decided here; what follows from the row and the policy is written out.
"""

from collections.abc import Mapping
from typing import Any

from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.polars_offer import RATE_OF
from counterfoil.decisioning.policy import (
    CAPPED,
    OFFER_OUT_OF_RANGE,
    SCORE_UNKNOWN,
    SNOOZED,
    Policy,
)
from counterfoil.decisioning.policy_parts import (
    NO_GUARDS,
    WHOLE_POLICY,
    Action,
    Guards,
    Rule,
    Stage,
)
from counterfoil.decisioning.scorecard import Characteristic

_WORD = 64


def result_of_row(
    policy: Policy,
    row: Mapping[str, Any],
    values: Mapping[str, Value | None],
    guards: Guards = NO_GUARDS,
) -> dict[str, object]:
    """Return the record of a row of `compile_polars.decided` with its parts shown.

    `values` are the features as they were let in; only what to ask for is read from them.
    """
    scored = bool(row["is_scored"])
    has_score = row["points"] is not None
    verdicts = verdicts_of_row(policy, row)
    tenors = row["tenors_months"]
    document: dict[str, object] = {
        "binding": row["binding"],
        "candidates": _candidates(row) if scored and has_score else [],
        "contributions": _contributions(policy, row) if scored else [],
        "flags": _flags(policy, row, verdicts, guards) if scored else [],
        "grade": row["grade"],
        "limit_minor": row["limit_minor"],
        "outcome": row["outcome"],
        "points": row["points"],
        "policy_version": policy.version,
        "rate_daily_e8": row["rate_daily_e8"],
        "reasons": [code for rank in range(1, 5) if (code := row[f"reason_{rank}"]) is not None],
        "segment": row["segment"],
        "tenors_months": [int(months) for months in tenors.split(",")] if tenors else [],
        "valid_until": row["valid_until"] and row["valid_until"].isoformat(),
        "verdicts": verdicts,
    }
    if policy.prices_tenors and tenors:
        document["rates_daily_e8"] = [row[f"{RATE_OF}{months}"] for months in tenors.split(",")]
    document |= _guarded(policy, row, verdicts, guards)
    document |= _asks(policy, row, verdicts, values, guards)
    if policy.growth is not None and has_score:
        document["grown"] = row["grown"]
    if policy.scorecard.model is not None and has_score:
        document["pd_ppm"] = row["pd_ppm"]
    return document


def verdicts_of_row(policy: Policy, row: Mapping[str, Any]) -> dict[str, Verdict]:
    """Return the verdicts of a row in the order in which rules are judged."""
    stages = tuple(Stage) if row["is_scored"] else (Stage.ELIGIBILITY,)
    true, unknown = _bits(row, "rules_true"), _bits(row, "rules_unknown")
    verdicts = {}
    for stage in stages:
        for number, rule in enumerate(policy.rules):
            if rule.stage is stage:
                bit = 1 << number
                said = Verdict.TRUE if true & bit else Verdict.FALSE
                verdicts[rule.code] = Verdict.UNKNOWN if unknown & bit else said
    return verdicts


def rejected_of_row(policy: Policy, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the features whose values were not let in."""
    bits = _bits(row, "rejected")
    return tuple(item.name for n, item in enumerate(policy.features) if bits >> n & 1)


def _bits(row: Mapping[str, Any], prefix: str) -> int:
    """Return the words of a mask as one number."""
    bits, number = 0, 0
    while (word := row.get(f"{prefix}_{number}")) is not None:
        bits |= word << (_WORD * number)
        number += 1
    return bits


def _acting(
    policy: Policy, verdicts: Mapping[str, Verdict], action: Action, guards: Guards
) -> list[Rule]:
    """Return the rules of an action in the order in which they were judged."""
    wanted = [rule for rule in policy.rules if action in (rule.action, rule.on_unknown)]
    acting = [
        rule
        for rule in wanted
        if rule.code in verdicts
        and rule.action_on(verdicts[rule.code]) is action
        and (rule.is_exempt or rule.code not in guards.snoozed)
    ]
    return sorted(acting, key=lambda rule: rule.stage is Stage.RISK)


def _candidates(row: Mapping[str, Any]) -> list[list[object]]:
    names = [name.removeprefix("bound ") for name in row if name.startswith("bound ")]
    bounds = [(name, row[f"bound {name}"]) for name in names]
    return [[name, minor] for name, minor in bounds if minor is not None]


def _contributions(policy: Policy, row: Mapping[str, Any]) -> list[list[object]]:
    return [
        [item.feature, row[f"bin_{number}"], _points(item, row, number)]
        for number, item in enumerate(policy.scorecard.characteristics)
    ]


def _points(item: Characteristic, row: Mapping[str, Any], number: int) -> int | None:
    if row[f"bin_{number}"] is None and item.points_unknown is None:
        return None
    return item.points_after(row[f"loss_{number}"])


def _flags(
    policy: Policy, row: Mapping[str, Any], verdicts: Mapping[str, Verdict], guards: Guards
) -> list[str]:
    flags = [rule.code for rule in _acting(policy, verdicts, Action.FLAG, guards)]
    if row["points"] is None:
        return [*flags, SCORE_UNKNOWN]
    return [*flags, OFFER_OUT_OF_RANGE] if row["is_out_of_range"] else flags


def _guarded(
    policy: Policy, row: Mapping[str, Any], verdicts: Mapping[str, Verdict], guards: Guards
) -> dict[str, object]:
    if not guards.are_up:
        return {}
    done = []
    rules = {rule.code: rule for rule in policy.rules}
    for code, verdict in verdicts.items():
        action = rules[code].action_on(verdict)
        if action is Action.IGNORE or rules[code].is_exempt:
            continue
        if code in guards.snoozed:
            done.append(SNOOZED + code)
        elif action is Action.DECLINE and guards.tripped & {code, WHOLE_POLICY}:
            done.append(CAPPED + code)
    if WHOLE_POLICY in guards.tripped and row["outcome"] == "referred" and not row["limit_minor"]:
        done.append(CAPPED + WHOLE_POLICY)
    return {"guarded": done} if done else {}


def _asks(
    policy: Policy,
    row: Mapping[str, Any],
    verdicts: Mapping[str, Verdict],
    values: Mapping[str, Value | None],
    guards: Guards,
) -> dict[str, object]:
    if row["outcome"] != "referred":
        return {}
    asking = _acting(policy, verdicts, Action.ASK, guards)
    names = list(dict.fromkeys(name for rule in asking for name in policy.sources_of(rule)))
    missing = [name for name in names if values[name] is None]
    return {"asks": missing or names} if names else {}
