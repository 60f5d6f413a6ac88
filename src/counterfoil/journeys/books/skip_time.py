"""Skipping time in a sandbox as a whole: its clock runs ahead, and the days that passed are closed.

The way: the step is kept, with the business date that it leads to; then day after day is closed.
A business date follows for each midnight of the lender's zone that is skipped, so that both
clocks move by the same.

Invariant   A step under a key is made once. Cut short between the clock and the last day, the same
            request closes what is left.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from counterfoil.journeys.books.close_day import DayReport, close_day
from counterfoil.journeys.house import House
from counterfoil.kernel.clock import SandboxClock
from counterfoil.platform.sandbox_time import Step, add_step, find_step, read_ahead

#: A request is answered when the last day is closed; more time takes more requests.
SKIP_MAX: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Where a sandbox stands after a step."""

    now: datetime
    ahead: timedelta
    business_date: date
    #: Days that this request closed.
    closed: list[DayReport]


async def skip_time(
    house: House, clock: SandboxClock, by: timedelta, *, step_key: str, zone: ZoneInfo
) -> Skipped:
    """Skip time of whole seconds, `SKIP_MAX` at most; `clock` is the house's own.

    `zone` is the lender's: its midnights are the ends of business days. Raises RefusedError where
    another process is closing a day; the same request goes on later.
    """
    house.counter.engine.forget_business_date()
    present = await house.business_date()
    async with house.database.transaction() as connection:
        step = await find_step(connection, step_key)
        if step is None:
            real = house.wall.now()
            ahead = await read_ahead(connection)
            days = _midnights(real + ahead, real + ahead + by, zone)
            step = Step(ahead + by, present + timedelta(days=days))
            await add_step(connection, step_key, step, at=real)
    clock.run_ahead(step.ahead)
    closed = []
    if present < step.business_date:
        closed = await close_day(house, to=step.business_date)
    return Skipped(
        now=clock.now(),
        ahead=step.ahead,
        business_date=max(present, step.business_date),
        closed=closed,
    )


def _midnights(start: datetime, end: datetime, zone: ZoneInfo) -> int:
    """Return how many days of a zone begin between two instants."""
    return (end.astimezone(zone).date() - start.astimezone(zone).date()).days
