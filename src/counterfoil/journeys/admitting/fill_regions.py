"""Writing down of which region customers are who registered before regions were written.

Source      The first two digits of the identity number, which name the province (GB/T 2260); read
            for the security of access, by the machine, shown to nobody.
Unknown     Whose identity is not kept, is restricted, or names no province: seen by those alone who
            are not limited to regions.
Again       As often as one likes: what is known is not read again.
"""

from dataclasses import dataclass
from typing import Final

from counterfoil.journeys.guarding.look_book import look_of
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import CONCERNED_MAX, Act
from counterfoil.platform import trail
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.privacy import person_store

_ACT: Final = "region"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionsFilled:
    """What became of customers without a region."""

    #: Whose region is known now.
    filled: int
    #: Whose identity is kept and whose region stays unknown.
    unknown: int


async def fill_regions(house: House, actor: Actor) -> RegionsFilled:
    """Write every region that an identity number names; each page in a transaction of its own."""
    filled = unknown = after = 0
    while True:
        act = Act(name="regions_filled", purpose=reading(_ACT).purpose)
        async with house.database.transaction() as connection:
            waiting, known = await person_store.fill_regions(
                connection, house.vault, reading(_ACT), after=after, page=CONCERNED_MAX
            )
            if waiting:
                await trail.add_entries(connection, [look_of(house, actor, act, waiting)])
        if not waiting:
            return RegionsFilled(filled=filled, unknown=unknown)
        filled += len(known)
        unknown += len(waiting) - len(known)
        after = waiting[-1]
