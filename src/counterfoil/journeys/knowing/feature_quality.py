"""The checks of data quality, run over what came in; a stop takes effect in every process at once.

The story   Each check counts a window. What it concludes is kept, run by run, and stands until the
            next run concludes otherwise; too few cases conclude nothing. Decisions and features
            read the last word of each check (`feature_limits.py`).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from counterfoil.features import quality_store
from counterfoil.features.quality import Effect, conclude, gravest, score_ppm
from counterfoil.features.quality_store import Result
from counterfoil.journeys.house import House
from counterfoil.platform.database import Connection

#: So far back a source is judged: its score day by day, and what its records have cost.
DAYS_JUDGED: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuality:
    """How far a source can be relied on, now and lately."""

    source: str
    owner: str
    #: What one record of it costs, minor units of CNY.
    cost_minor: int
    #: Records that it has told in the days by which it is judged.
    records_count: int
    #: Share of the cases that hold; None where nothing was measured.
    score_ppm: int | None
    effect: Effect
    checks: tuple[Result, ...]
    #: Day (UTC) and score over the runs of that day, oldest first.
    history: tuple[tuple[date, int | None], ...]

    @property
    def spent_minor(self) -> int:
        """Return what its records have cost in these days, minor units of CNY."""
        return self.records_count * self.cost_minor


async def run_checks(house: House) -> list[Result]:
    """Run every check of the registry and keep what it found."""
    now, run_id = house.clock.now(), house.ids.next()
    async with house.database.transaction() as connection:
        before = await quality_store.last_results(connection)
        results = []
        for check in house.registry.checks:
            found = await quality_store.measure(connection, check, until=now)
            last = before.get(check.code)
            effect = conclude(check, found, Effect.NONE if last is None else last.effect)
            results.append(
                Result(
                    code=check.code,
                    run_id=run_id,
                    kind=check.kind.value,
                    source=check.source,
                    member=check.member,
                    cases=found.cases,
                    wrong=found.wrong,
                    effect=effect,
                    measured_at=now,
                )
            )
        await quality_store.add_results(connection, results)
    return results


async def quality_of_sources(house: House, connection: Connection) -> list[SourceQuality]:
    """Return the quality of every source: now, day by day for ninety days, and at what cost."""
    since = house.clock.now() - timedelta(days=DAYS_JUDGED)
    days = await quality_store.daily_counts(connection, since)
    told = await quality_store.count_events(connection, since)
    last = await quality_store.last_results(connection)
    shown = []
    for source in house.registry.sources.values():
        checks = tuple(one for one in last.values() if one.source == source.code)
        shown.append(
            SourceQuality(
                source=source.code,
                owner=source.owner,
                cost_minor=source.cost_minor,
                records_count=told.get(source.code, 0),
                score_ppm=score_ppm([one.measured for one in checks]),
                effect=gravest([one.effect for one in checks]),
                checks=checks,
                history=tuple((day, score_ppm([one])) for day, one in days.get(source.code, ())),
            )
        )
    return shown
