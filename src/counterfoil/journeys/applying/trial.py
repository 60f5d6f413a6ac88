"""A trial calculation: what the policy would say on data at hand.

Invariant   The same rules as for an application, without an inquiry, a record or a footprint; what
            comes out binds nobody.
"""

from dataclasses import dataclass

from counterfoil.journeys.applying.house_facts import facts_of_house
from counterfoil.journeys.deciding.decide import Facts, ask, decide_case
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """What the policy would say; binds nobody and is kept nowhere."""

    product_code: str
    outcome: str
    currency: str
    limit_minor: int
    rate_daily_e8: int | None
    tenors_months: tuple[int, ...]
    reasons: tuple[str, ...]
    policy_version: str


async def trial_limit(
    house: House,
    *,
    product_code: str,
    purpose: str,
    facts: Facts,
    age_years: int,
    requested_minor: int | None = None,
) -> TrialView | Refused:
    """Return what the policy would say; no inquiry, no record, no footprint."""
    in_force = house.policies.origination
    on = await house.business_date()
    asked = ask(house, in_force.policy, product_code, requested_minor, on=on)
    if isinstance(asked, Refused):
        return asked
    # Nobody is named, so that it is not known whether this would be a first line.
    own = facts_of_house(house, in_force.policy, asked, own_lines_count=None)
    decision = decide_case(
        house, in_force, asked, purpose=purpose, facts=facts, own=own, age_years=age_years
    )
    if isinstance(decision, Refused):
        return decision
    return TrialView(
        product_code=product_code,
        outcome=decision.outcome.value,
        currency=asked.currency,
        limit_minor=decision.limit_minor,
        rate_daily_e8=decision.rate_daily_e8,
        tenors_months=decision.tenors_months,
        reasons=decision.reasons,
        policy_version=decision.policy_version,
    )
