"""The standard offer, to be seen: what a product's policy gives somebody of whom it knows nothing.

Looking     Nothing is asked of anybody and nothing is written. Who wants this offer instead of a
            personal one chooses it (`choose.py`). Promotions belong to personal offers: the
            standard one has none.
Follows     Personal Information Protection Law, Art. 24 (R027).
"""

from dataclasses import dataclass

from counterfoil.decisioning.wishes import Standard
from counterfoil.journeys.deciding.choose import standard_offer
from counterfoil.journeys.deciding.decide import ask
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenStandard:
    """The standard offer of a product on a day."""

    product_code: str
    product_version: int
    currency: str
    policy_version: str
    #: None where the policy in force offers nothing to somebody of whom it knows nothing.
    offer: Standard | None


async def see_standard(house: House, product_code: str) -> SeenStandard | Refused:
    """Return the standard offer of a product under the policy in force."""
    policy = house.policies.origination.policy
    asked = ask(house, policy, product_code, None, on=await house.business_date())
    if isinstance(asked, Refused):
        return asked
    return SeenStandard(
        product_code=asked.product_code,
        product_version=asked.product_version,
        currency=asked.currency,
        policy_version=policy.version,
        offer=standard_offer(policy, asked),
    )
