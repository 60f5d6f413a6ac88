"""The business date: read it anywhere; in a sandbox move it, or time as a whole, forward."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final

import orjson
from fastapi import APIRouter
from pydantic import Field

from counterfoil.api import refusals
from counterfoil.api.reads import HouseOf, business_date, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.shapes import Body, Day, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.books import close_day as journey
from counterfoil.journeys.books.close_day import DayReport
from counterfoil.journeys.books.skip_time import SKIP_MAX, skip_time
from counterfoil.journeys.entry import LENDER_ZONE
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.clock import SandboxClock
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer
from counterfoil.platform.idempotency import HOUSE

TAG = "Business date"
router = APIRouter()

#: Name of the installations in which a caller may move the business date.
SANDBOX: Final = "sandbox"
#: A request is answered when the last day is closed; more days take more requests.
DAYS_MAX: Final = 31


class BusinessDateView(View):
    """The date on which everything is booked; moved by the close of day alone."""

    business_date: date
    environment: str


class CloseDayBody(Body):
    """How far to move the business date of a sandbox."""

    #: The new business date; None closes one day.
    to: Day | None = None


class SkipBody(Body):
    """How much time a sandbox skips."""

    seconds: Annotated[int, Field(ge=1, le=SKIP_MAX // timedelta(seconds=1))]


class DayReportView(View):
    """What closing one day did."""

    business_date: date
    #: Lines on which something happened.
    lines_touched: int
    #: Open loans whose day is closed.
    loans_covered: int
    interest_minor: int
    penalty_minor: int


class CloseDayAnswer(View):
    """The days that were closed, and the date that follows them."""

    business_date: date
    closed: list[DayReportView]


class SkipAnswer(View):
    """Where a sandbox stands, and the days that were closed on the way."""

    #: The sandbox's instant: deadlines, cooling times and codes are measured by it.
    now: datetime
    #: How far the sandbox is ahead of the world's clock.
    ahead_seconds: int
    business_date: date
    closed: list[DayReportView]


@router.get("/v1/business-date", **reads(Scope.OPERATIONS_READ, TAG, "Read the business date"))
async def get_business_date(house: HouseOf) -> BusinessDateView:
    """Return the business date as the database has it."""
    async with house.database.connection() as connection:
        on = await business_date(connection)
    return BusinessDateView(business_date=on, environment=house.settings.environment)


async def carry_close_day(call: Call, body: CloseDayBody) -> Answer | Refused:
    """Close days."""
    house = call.house
    if house.settings.environment != SANDBOX:
        return refuse(refusals.SANDBOX_ONLY)

    async def close() -> str | Refused:
        house.counter.engine.forget_business_date()
        present = await house.business_date()
        target = body.to or present + ONE_DAY
        if target <= present:
            return refuse(refusals.BUSINESS_DATE_BACKWARDS, business_date=present.isoformat())
        if target - present > timedelta(days=DAYS_MAX):
            return refuse(refusals.DAYS_TOO_MANY, days_max=DAYS_MAX)
        reports = await journey.close_day(house, to=target)
        return _report(target, reports)

    async with call.desk.day_lock:
        return await remembered(
            house,
            scope_id=HOUSE,
            key=f"{call.key.client}:{call.idempotency_key}",
            kind="close_day",
            request={"to": body.to},
            work=close,
        )


async def carry_skip(call: Call, body: SkipBody) -> Answer | Refused:
    """Skip time, and close the days that passed."""
    house, by = call.house, timedelta(seconds=body.seconds)
    clock = house.clock
    if house.settings.environment != SANDBOX or not isinstance(clock, SandboxClock):
        return refuse(refusals.SANDBOX_ONLY)
    step_key = f"{call.key.client}:{call.idempotency_key}"

    async def skip() -> str:
        skipped = await skip_time(house, clock, by, step_key=step_key, zone=LENDER_ZONE)
        answer = {
            "now": skipped.now,
            "ahead_seconds": skipped.ahead // timedelta(seconds=1),
            "business_date": skipped.business_date,
            "closed": _days(skipped.closed),
        }
        return orjson.dumps(answer).decode()

    async with call.desk.day_lock:
        return await remembered(
            house,
            scope_id=HOUSE,
            key=step_key,
            kind="skip_time",
            request={"seconds": body.seconds},
            work=skip,
        )


def _report(on: date, reports: list[DayReport]) -> str:
    return orjson.dumps({"business_date": on, "closed": _days(reports)}).decode()


def _days(reports: list[DayReport]) -> list[dict[str, object]]:
    return [
        {
            "business_date": report.business_date,
            "lines_touched": report.lines_touched,
            "loans_covered": report.loans_covered,
            "interest_minor": report.interest_minor,
            "penalty_minor": report.penalty_minor,
        }
        for report in reports
    ]


CLOSE_DAY = Write(
    name="close_day",
    tag=TAG,
    path="/v1/sandbox/close-day",
    scope=Scope.OPERATIONS_WRITE,
    body=CloseDayBody,
    answer=CloseDayAnswer,
    carry=carry_close_day,
    summary="Move the business date of a sandbox",
    description="Closes day after day as the daily close does: instalments fall due, interest is "
    "booked. What is counted in hours stands still meanwhile; `skip-time` moves both. A sandbox "
    "alone allows it.",
    example={"to": "2026-03-16"},
)
SKIP = Write(
    name="skip_time",
    tag=TAG,
    path="/v1/sandbox/skip-time",
    scope=Scope.OPERATIONS_WRITE,
    body=SkipBody,
    answer=SkipAnswer,
    carry=carry_skip,
    summary="Skip time in a sandbox",
    description="Moves the clock by which deadlines, cooling times and codes are measured, and "
    "closes a day for each midnight that is skipped; 31 days at most, and never back. Evidence, "
    "inquiries and the rights of staff and programs stay in the world's time. A sandbox alone "
    "allows it.",
    example={"seconds": 86_400},
)
WRITES = (CLOSE_DAY, SKIP)
