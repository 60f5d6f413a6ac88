"""A control group: a few of those whom the score alone declines are accepted, to learn from them.

Who         The case was declined, and nothing but its grade's limit did it: no rule declined,
            asked or referred, no guard acted, every other bound on the limit is known to leave
            room for the smallest line, and the product allows the grade's price and a tenor.
            A customer who chose something about decisions by machine is left out, and so is
            one whom the guard against too much debt refuses or refers; its cap is a bound as any.
            What is not known is no reason to accept: a case without a known capacity stays
            declined.
Offer       The product's smallest limit, at the price and the tenors of the grade.
Marked      `control:accepted` stands among the flags and as what binds the limit, the control
            group and the number of the grant among the inputs.
"""

from datetime import timedelta
from typing import Final

from counterfoil.decisioning.assigned import Assigned
from counterfoil.decisioning.decision import Candidate, Decision, Outcome
from counterfoil.decisioning.policy import REASONS_COUNT_MAX, Policy
from counterfoil.decisioning.policy_parts import Action, Grade

#: The mark of a case that was accepted so; no rule can bear a code with a colon.
CONTROL: Final = "control:accepted"
#: What a person or the customer has to answer first, or what ends a case.
_STANDS_IN_THE_WAY: Final = frozenset({Action.DECLINE, Action.ASK, Action.REFER})


def is_declined_by_score_alone(policy: Policy, decision: Decision) -> bool:
    """Tell whether nothing but the score stands between a case and the smallest line."""
    if decision.outcome is not Outcome.DECLINED or decision.points is None:
        return False
    if decision.asked.wishes.is_any:
        return False
    ceiling = decision.asked.ceiling
    if ceiling is not None and (ceiling.refuses or ceiling.refers):
        return False
    if decision.guards.are_up or decision.guarded or decision.binding != "grid":
        return False
    acts = (rule.action_on(decision.verdicts[rule.code]) for rule in policy.rules)
    if not _STANDS_IN_THE_WAY.isdisjoint(acts):
        return False
    smallest = decision.asked.limit_min_minor
    others = {item.name: item.limit_minor for item in decision.candidates if item.name != "grid"}
    return "capacity" in others and min(others.values()) >= smallest and _fits(policy, decision)


def accepted(policy: Policy, decision: Decision, assigned: Assigned) -> Decision:
    """Return the decision that accepts a case which the score alone declined."""
    assert assigned.control_id is not None, "a control group accepts"
    assert is_declined_by_score_alone(policy, decision), "nothing else is ever accepted"
    asked, grade = decision.asked, _grade(policy, decision)
    reasons = (policy.bound_reasons["grid"], *decision.reasons)
    return decision._replace(
        outcome=Outcome.APPROVED,
        candidates=(*decision.candidates, Candidate(CONTROL, asked.limit_min_minor)),
        binding=CONTROL,
        limit_minor=asked.limit_min_minor,
        rate_daily_e8=max(_rates(policy, decision)),
        tenors_months=_tenors(grade, decision),
        rates_daily_e8=_rates(policy, decision) if policy.prices_tenors else (),
        reasons=tuple(dict.fromkeys(reasons))[:REASONS_COUNT_MAX],
        flags=(*decision.flags, CONTROL),
        valid_until=asked.as_of + timedelta(days=policy.offer_valid_days),
        assigned=assigned,
    )


def with_assigned(policy: Policy, decision: Decision, assigned: Assigned | None) -> Decision:
    """Return a decision as experiments had it before: a grant accepts what it once accepted.

    Where something else than the score declines now, the grant is no reason to accept.
    """
    if assigned is None:
        return decision
    if assigned.control_id is not None and is_declined_by_score_alone(policy, decision):
        return accepted(policy, decision, assigned)
    return decision._replace(assigned=assigned)


def _fits(policy: Policy, decision: Decision) -> bool:
    """Tell whether the product allows one of the grade's tenors at least, and all their prices."""
    asked, rates = decision.asked, _rates(policy, decision)
    low, high = asked.rate_daily_min_e8, asked.rate_daily_max_e8
    return bool(rates) and low <= min(rates) and max(rates) <= high


def _grade(policy: Policy, decision: Decision) -> Grade:
    return next(grade for grade in policy.grades if grade.code == decision.grade)


def _rates(policy: Policy, decision: Decision) -> tuple[int, ...]:
    """Return the grade's price of each tenor, with the greatest margin of the acting rules."""
    margins = (
        rule.margin_daily_e8 or 0
        for rule in policy.rules
        if rule.action_on(decision.verdicts[rule.code]) is Action.ADD_MARGIN
    )
    grade, margin = _grade(policy, decision), max(margins, default=0)
    rates = grade.rates_of(decision.segment, _tenors(grade, decision))
    return tuple(rate + margin for rate in rates)


def _tenors(grade: Grade, decision: Decision) -> tuple[int, ...]:
    months = decision.asked.tenors_months
    return tuple(one for one in months if one <= grade.tenor_months_max)
