"""What a person does to a line at once counts as a measure, and is told and open to appeal as one.

The story   Staff freeze or close a line by an act that works at once. The act goes through
            the write path; then the measure is kept as in force, with its notice. Unfreezing lifts
            what had frozen the line.
Own wish    What the customer asked for is no measure: nobody appeals against themselves.
Repetition  The same act again finds its measure and writes no second one; where a crash came
            between a freeze or a closing and its measure, it writes the one that is missing.
Planned     A decrease is a measure before it works: see `lower_limit.py`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.decisioning.line_review import case_store as store
from counterfoil.decisioning.line_review import measure as transitions
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.notice import NoticeKind, ended_words
from counterfoil.journeys.house import House
from counterfoil.journeys.line_measures import (
    BY_PERSON,
    PERSON_DECIDES,
    note_taken,
    notice_of,
    tell,
)
from counterfoil.journeys.line_policy import review_policy_in_force
from counterfoil.lending.line import Line
from counterfoil.lending.store import read_line
from counterfoil.platform.database import Connection

#: Who acts for themselves, and the reasons by which others pass a customer's wish on.
CUSTOMER: Final = "customer"
OWN_WISHES: Final = frozenset({"own_wish", "customer_request"})
#: Days after which a freeze ends that nobody gave an end.
FREEZE_DAYS_USUAL: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAct:
    """Something that was just done to a line."""

    customer_id: int
    line_id: int
    kind: Kind
    author: str
    #: The limit, which stays.
    limit_minor: int
    #: Last day of a freeze.
    ends_on: date | None = None


def is_own_wish(*, author: str, reason: str) -> bool:
    """Tell whether the customer asked for it."""
    return author == CUSTOMER or reason in OWN_WISHES


async def line_before(house: House, customer_id: int, line_id: int) -> Line | None:
    """Return a line as it is before an act."""
    async with house.database.connection() as connection:
        return await read_line(connection, customer_id, line_id)


async def note_act(house: House, act: LineAct) -> None:
    """Keep what was done as a measure in force, unless it is kept already."""
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        if await _is_kept(connection, act):
            return
        policy = await review_policy_in_force(connection, at=now)
        line = await read_line(connection, act.customer_id, act.line_id)
        assert line is not None, "something was just done to it"
        taken = LineMeasure(
            customer_id=act.customer_id,
            measure_id=house.ids.next(),
            line_id=act.line_id,
            kind=act.kind,
            status=Status.PLANNED,
            cause=BY_PERSON,
            reasons=(PERSON_DECIDES,),
            author=act.author,
            review_id=None,
            announced_at=now,
            effective_on=on,
            ends_on=act.ends_on,
            currency=line.currency,
            from_minor=act.limit_minor,
            to_minor=None,
        )
        await note_taken(house, connection, policy, taken)


async def lift_freezes(
    house: House, *, customer_id: int, line_id: int, by: str, reason: str
) -> None:
    """Note that the freezes on a line were lifted, and tell the customer."""
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        held = [
            item.key
            for item in await _measures(connection, customer_id, line_id)
            if item.kind is Kind.FREEZE and item.status is Status.IN_FORCE
        ]
        found = (await store.lock_measures(connection, held)).values()
        lifted = [
            transitions.end(item, by, reason, on=on, at=now)
            for item in found
            if item.status is Status.IN_FORCE
        ]
        if not lifted:
            return
        await store.change_measures(connection, lifted)
        notices = [
            notice_of(house, item, NoticeKind.ENDED, ended_words(item, on)) for item in lifted
        ]
        await tell(house, connection, notices)


async def _is_kept(connection: Connection, act: LineAct) -> bool:
    measures = await _measures(connection, act.customer_id, act.line_id)
    wanted = (act.kind, act.ends_on)
    return any(
        item.status is Status.IN_FORCE and (item.kind, item.ends_on) == wanted for item in measures
    )


async def _measures(connection: Connection, customer_id: int, line_id: int) -> list[LineMeasure]:
    return await store.measures_of_line(connection, customer_id=customer_id, line_id=line_id)
