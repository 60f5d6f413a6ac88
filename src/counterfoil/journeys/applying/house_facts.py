"""What the house knows of an application, without asking anybody: lines, what it was told before.

Invariant   Only what the policy declares is read, so that a policy without it costs nothing. It is
            no fact that an applicant can bring along.
Unknown     Lines with other lenders are none of ours; a customer who is only being registered has
            had no line here.
"""

from collections.abc import Mapping
from typing import Final

from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy import Policy
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.told_facts import Subject, names_told, told_facts
from counterfoil.lending.behaviour_store import count_lines
from counterfoil.lending.scene import CASH

Facts = Mapping[str, Value | None]

#: Lines that the customer has or had here.
OWN_LINES: Final = "own_lines_count"
#: Whether the line pays for purchases of its scenes alone.
SCENE_LINE: Final = "is_scene_line"


async def house_facts(house: House, policy: Policy, asked: Asked, customer_id: int) -> Facts:
    """Return what the house knows of an application of a registered customer."""
    lines = None
    if any(item.name == OWN_LINES for item in policy.features):
        async with house.database.connection() as connection:
            lines = await count_lines(connection, customer_id)
    own = facts_of_house(house, policy, asked, own_lines_count=lines)
    if not names_told(house.registry, policy.features, own):
        return own
    terms = house.catalogue.terms(asked.product_code, asked.product_version)
    subject = Subject(
        customer_id=customer_id, line_id=None, lender_id=terms.lender_id, purpose=policy.purpose
    )
    async with house.database.transaction() as connection:
        told = await told_facts(house, connection, subject, policy.features, own)
        return {**own, **told}


def facts_of_house(
    house: House, policy: Policy, asked: Asked, *, own_lines_count: int | None
) -> Facts:
    """Return what the house knows of an application, as far as the policy declares it."""
    scenes = house.catalogue.terms(asked.product_code, asked.product_version).scenes
    known = {OWN_LINES: own_lines_count, SCENE_LINE: bool(scenes) and CASH not in scenes}
    declared = {item.name for item in policy.features}
    return {name: value for name, value in known.items() if name in declared}
