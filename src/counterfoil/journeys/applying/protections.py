"""What a customer is offered beside credit: a call back, plain pages, the starter path.

From        The segment of the policy that took the latest case says so; who is elderly is offered
            a call and plain pages whatever the policy, also before applying.
Invariant   An offer: nobody has to take it, and nothing of it changes limit, price or decision.
"""

from typing import Final

from counterfoil.customers.identity import age_on, birth_date_of
from counterfoil.decisioning.inclusion import ELDERLY_YEARS_MIN
from counterfoil.decisioning.inclusion_store import last_segment
from counterfoil.decisioning.policy_parts import Protection
from counterfoil.decisioning.store import read_policy_version
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons

_OF_THE_ELDERLY: Final = frozenset({Protection.CALL_BACK, Protection.PLAIN_FLOW})


async def protections_of(house: House, customer_id: int) -> frozenset[Protection]:
    """Return what is offered to a customer."""
    async with house.database.connection() as connection:
        found = await _of_segment(connection, customer_id)
        if await _is_elderly(house, connection, customer_id):
            found |= _OF_THE_ELDERLY
    return found


async def _of_segment(connection: Connection, customer_id: int) -> frozenset[Protection]:
    last = await last_segment(connection, customer_id)
    if last is None:
        return frozenset()
    policy = await read_policy_version(connection, last[0])
    assert policy is not None, "a decision refers to its version"
    segment = next(item for item in policy.segments if item.code == last[1])
    return frozenset(segment.protections)


async def _is_elderly(house: House, connection: Connection, customer_id: int) -> bool:
    """Tell whether a customer is of the age; somebody whose keys are gone is not known to be."""
    try:
        number = await persons.read_id_number(
            connection, house.vault, customer_id, reading("call_back")
        )
    except RefusedError:
        return False
    if number is None:
        return False
    return age_on(birth_date_of(number), await house.business_date()) >= ELDERLY_YEARS_MIN
