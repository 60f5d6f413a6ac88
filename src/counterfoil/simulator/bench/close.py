"""The daily close of a large book.

Covered     All loans whose day is closed: their events are done, their accrual is in the posted
            aggregate. Touched: those on which something happened.
Book        Open loans of twelve level instalments; the due dates lie evenly on days 1 to 28, so
            that a twenty-eighth falls due on each of them and nothing on the days after.
Reviews     A thirtieth of the lines is reviewed on the last day measured, and none before it: what
            a review costs is a figure of its own.
"""

import resource
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from counterfoil.journeys.books.close_day import DayReport, close_day
from counterfoil.journeys.house import House
from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.report import Report
from counterfoil.simulator.bench.stage import Stage
from counterfoil.simulator.bench.writes import Tell
from counterfoil.simulator.bench.yardsticks import copy_rows

#: The book is lent on this day, whose close sums up all its journals; the first instalments fall
#: due three days later.
FIRST_DATE: Final = date(2026, 1, 29)
CATCH_UP_DAYS: Final = 5
#: Lines are reviewed once a month, so on a day one in thirty is.
REVIEWED_SHARE: Final = 30
#: The date that begins when the day after the missed ones is closed.
_REVIEWED_ON: Final = FIRST_DATE + timedelta(days=4 + CATCH_UP_DAYS)
_KIB_PER_GIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Timed:
    report: DayReport
    seconds: float


async def run(stage: Stage, *, loans: int, tell: Tell) -> Report:
    """Close a quiet day, one with a twenty-eighth due, five missed ones, and one with reviews."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    tell("yardsticks: copy")
    report.yardsticks["C"] = await copy_rows(stage.url, 1)
    report.yardsticks["C2"] = await copy_rows(stage.url, 2)
    async with staging.opened(stage, shards=1, first_date=FIRST_DATE) as house:
        tell(f"loading {loans:,} open loans")
        await staging.add_lines(house, loans)
        await staging.add_open_loans(house, customers=loans)
        await staging.plan_reviews(house, share=REVIEWED_SHARE, on=_REVIEWED_ON)
        await staging.settle_down(house.database)
        report.facts["durability"] = await staging.durability(house)
        lent = await _timed(house, "the day on which the book was lent", tell)
        quiet = await _timed(house, "a day with nothing due", tell)
        due = await _timed(house, "a day with a twenty-eighth due", tell)
        _add(report, "close", due, target=150_000)
        _add(report, "close_nothing_due", quiet, target=None)
        _add(report, "close_all_lent_that_day", lent, target=None)
        await _catch_up(house, report, tell)
        reviewed = await _timed(house, "a day on which a thirtieth of the lines is reviewed", tell)
        _add(report, "close_with_reviews", reviewed, target=None, reviewed=loans // REVIEWED_SHARE)
        found = await staging.verdict(house)
    report.facts["verified"] = {
        "ledger_difference_minor": found["ledger_difference_minor"],
        "lines_off": found["lines_off"],
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_PER_GIB
    report.add("close_memory", peak, "GiB", target=1.4, is_ceiling=True)
    if found["ledger_difference_minor"] or found["lines_off"]:
        report.results.clear()
    return report


async def _timed(house: House, what: str, tell: Tell) -> _Timed:
    tell(what)
    started = time.perf_counter()
    (report,) = await close_day(house)
    return _Timed(report, time.perf_counter() - started)


async def _catch_up(house: House, report: Report, tell: Tell) -> None:
    tell(f"{CATCH_UP_DAYS} missed days at once")
    present = await house.business_date()
    target = present.fromordinal(present.toordinal() + CATCH_UP_DAYS)
    started = time.perf_counter()
    days = await close_day(house, to=target)
    seconds = time.perf_counter() - started
    covered = sum(day.loans_covered for day in days)
    report.add(
        "close_catch_up",
        covered / seconds,
        "loans/s",
        target=None,
        notes={"days": CATCH_UP_DAYS, "seconds": round(seconds, 2)},
    )


def _add(
    report: Report, name: str, timed: _Timed, *, target: int | None, reviewed: int = 0
) -> None:
    day = timed.report
    report.add(
        name,
        day.loans_covered / timed.seconds,
        "loans/s",
        target=target,
        notes={
            "covered": day.loans_covered,
            "touched": day.lines_touched,
            "reviewed": reviewed,
            "touched_per_second": round(day.lines_touched / timed.seconds),
            "seconds": round(timed.seconds, 3),
            "interest_minor": day.interest_minor,
        },
    )
