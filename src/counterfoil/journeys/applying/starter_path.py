"""The starter path: a small limit, what to know about it, payments on time, a higher limit.

Who         Lines whose application fell into a segment that says so (`protections`).
Steps       Lessons are read when the customer says so; the streak is counted by the same function
            that the review policy reads; graduated is a line that has grown beyond its first limit.
Invariant   It shows and offers nothing that the policies do not: raises come of reviews alone.
"""

from dataclasses import dataclass

import orjson

from counterfoil.customers import lesson_store
from counterfoil.customers.lesson_store import Lesson
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.policy_parts import Protection
from counterfoil.journeys.house import House
from counterfoil.lending.line import Line
from counterfoil.lending.review_facts import on_time_streak
from counterfoil.lending.review_store import read_records
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterPath:
    """How far a customer has come on one line."""

    first_minor: int
    limit_minor: int
    lessons_read: frozenset[Lesson]
    #: Instalments in a row that were paid on time.
    streak: int

    @property
    def has_graduated(self) -> bool:
        """Tell whether the line has grown beyond its first limit."""
        return self.limit_minor > self.first_minor


async def read_starter_path(house: House, line: Line) -> StarterPath | None:
    """Return how far a line has come; None where it began without the path."""
    on, key = await house.business_date(), (line.customer_id, line.line_id)
    async with house.database.connection() as connection:
        first_minor = await _first_limit(connection, line)
        if first_minor is None:
            return None
        records = await read_records(connection, [key], on)
        known = await lesson_store.lessons_read(connection, line.customer_id)
    return StarterPath(
        first_minor=first_minor,
        limit_minor=line.limit_minor,
        lessons_read=known,
        streak=on_time_streak(records[key].instalments),
    )


async def note_lesson(house: House, customer_id: int, lesson: Lesson) -> None:
    """Keep that a customer has read a lesson."""
    async with house.database.transaction() as connection:
        await lesson_store.read_lesson(connection, customer_id, lesson, at=house.clock.now())


async def _first_limit(connection: Connection, line: Line) -> int | None:
    """Return the limit that a line on the path began with; None where it is on none."""
    taken = await decisions.read_decisions_of(
        connection, customer_id=line.customer_id, application_id=line.application_id
    )
    application = await decisions.read_application(
        connection, customer_id=line.customer_id, application_id=line.application_id
    )
    by_policy = [item for item in taken if item.is_by_policy]
    if not by_policy or application is None or application.limit_minor is None:
        return None
    last = by_policy[-1].stored
    policy = await decisions.read_policy_version(connection, last.policy_hash)
    assert policy is not None, "a decision refers to its version"
    code = orjson.loads(last.result)["segment"]
    segment = next(item for item in policy.segments if item.code == code)
    return application.limit_minor if Protection.STARTER_PATH in segment.protections else None
