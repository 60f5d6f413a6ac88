"""The business date: read it anywhere, and move it forward in a sandbox."""

from datetime import date, timedelta
from typing import Final

import orjson
from fastapi import APIRouter

from counterfoil.api import refusals
from counterfoil.api.reads import HouseOf, business_date, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.shapes import Body, Day, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.books import close_day as journey
from counterfoil.journeys.books.close_day import DayReport
from counterfoil.kernel.calendar import ONE_DAY
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


def _report(on: date, reports: list[DayReport]) -> str:
    closed = [
        {
            "business_date": report.business_date,
            "lines_touched": report.lines_touched,
            "loans_covered": report.loans_covered,
            "interest_minor": report.interest_minor,
            "penalty_minor": report.penalty_minor,
        }
        for report in reports
    ]
    return orjson.dumps({"business_date": on, "closed": closed}).decode()


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
    "booked. A sandbox alone allows it.",
    example={"to": "2026-03-16"},
)
WRITES = (CLOSE_DAY,)
