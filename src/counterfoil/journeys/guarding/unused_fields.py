"""What is collected of persons and used by nobody: the measure of minimisation.

Used        A decision or a review of a line held a value of it, or staff were shown its category of
            the profile, within the span.
Collected   An event that it follows from became known within the span.
Follows     PIPL article 6; the rule R020: nothing is collected that its purpose does not need.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from counterfoil.decisioning.usage_store import features_read
from counterfoil.features.usage_store import events_collected
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import find_trail
from counterfoil.platform.access_matrix import EVERY_FIELD, load_matrix
from counterfoil.platform.trail import DONE, Wanted

#: How long something may lie unused before it is listed.
SPAN: Final = timedelta(days=365)
_PAGE: Final = 1_000


class Unused(NamedTuple):
    """One fact that is collected and not used."""

    name: str
    source: str
    category: str
    #: Events within the span that it follows from.
    collected: int


async def find_unused(house: House, *, since: date | None = None) -> list[Unused]:
    """Return facts that were collected since a day and neither decided on nor shown."""
    first = since or house.clock.now().date() - SPAN
    start = datetime.combine(first, time.min, UTC)
    async with house.database.connection() as connection:
        read = await features_read(connection, since=start)
        collected = await events_collected(connection, since=start)
    shown = await _categories_shown(house, start)
    return [
        Unused(feature.name, feature.sources[0], feature.category, events)
        for feature in house.registry.features.values()
        if feature.definition is not None
        and (events := sum(collected.get(kind, 0) for kind in feature.definition.kinds))
        and feature.name not in read
        and not {feature.category, EVERY_FIELD} & shown
    ]


async def _categories_shown(house: House, since: datetime) -> set[str]:
    """Return the categories of profiles that staff were shown."""
    purposes, before = set[str](), None
    wanted = Wanted(act="profile", since=since)
    while page := await find_trail(house, wanted, before=before, page=_PAGE):
        purposes |= {entry.purpose for entry in page if entry.outcome == DONE}
        before = page[-1].trail_id
    known = load_matrix().purposes
    return {name for code in purposes & known.keys() for name in known[code].profile}
