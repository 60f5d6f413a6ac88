"""A case decided again on what a person or the customer puts right, by the policy all the same.

Corrected   Values of declared features that were wrong or missing.
Set aside   Rules that a person does not let speak against this customer; never one of law. The
            verdict stays in the record, as with a snooze.
Invariant   Nobody offers more than the policy: what comes out is its own answer to corrected
            inputs, with a record that replays like any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import orjson

from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Guards
from counterfoil.decisioning.refusals import (
    FACT_NOT_DECLARED,
    FACT_OUT_OF_RANGE,
    RULE_NOT_SET_ASIDE,
)
from counterfoil.decisioning.replay import StoredDecision, asked_of, guards_of
from counterfoil.kernel.errors import Refused, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is put right before a case is decided again."""

    #: Feature → value; None where it turned out not to be known.
    facts: Mapping[str, Value | None] = field(default_factory=dict)
    #: Codes of rules that do not speak in this case.
    set_aside: tuple[str, ...] = ()


NO_CORRECTION = Correction()


def question_of(stored: StoredDecision, *, as_of: date) -> tuple[Asked, Mapping[str, Any]]:
    """Return the question of a record as it would be asked on a date, and what was known."""
    inputs: dict[str, Any] = orjson.loads(stored.inputs)
    return replace(asked_of(inputs["asked"]), as_of=as_of), inputs["features"]


Decide = Callable[[Mapping[str, Value | None], Asked, Guards], Decision]


def check_correction(policy: Policy, correction: Correction) -> Refused | None:
    """Refuse what the policy does not read, cannot be, or must not be set aside."""
    declared = {feature.name: feature for feature in policy.features}
    for name, value in correction.facts.items():
        if name not in declared:
            return refuse(FACT_NOT_DECLARED, fact=name)
        if value is not None and not declared[name].admits(value):
            return refuse(FACT_OUT_OF_RANGE, fact=name)
    rules = {rule.code: rule for rule in policy.rules}
    for code in correction.set_aside:
        if code not in rules or rules[code].is_exempt:
            return refuse(RULE_NOT_SET_ASIDE, rule=code)
    return None


def decide_again(
    decide: Decide,
    stored: StoredDecision,
    correction: Correction,
    *,
    question: Asked,
    by_person: bool,
) -> Decision:
    """Return the policy's answer to a recorded case with what was put right.

    `question` is the recorded one as of today, with the ceilings on debt that hold now. A person
    who decides has the customer's wish for one fulfilled: it is not asked for again.
    """
    inputs: dict[str, Any] = orjson.loads(stored.inputs)
    asked, guards = question, guards_of(inputs)
    wishes = replace(asked.wishes, person_days=None) if by_person else asked.wishes
    return honour(
        decide(
            {**inputs["features"], **correction.facts},
            replace(asked, wishes=wishes),
            replace(guards, snoozed=guards.snoozed | frozenset(correction.set_aside)),
        )
    )
