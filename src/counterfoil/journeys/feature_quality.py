"""The checks of data quality, run over what came in; a stop takes effect in every process at once.

The story   Each check counts a window. What it concludes is kept, run by run, and stands until the
            next run concludes otherwise; too few cases conclude nothing. Decisions and features
            read the last word of each check (`feature_limits.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from counterfoil.features import quality_store
from counterfoil.features.quality import Effect, Measured, conclude, gravest, score_ppm
from counterfoil.features.quality_store import Result
from counterfoil.journeys.house import House
from counterfoil.platform.database import Connection

#: Results that a history shows at most.
RESULTS_MAX: Final = 2_000
_DAYS_SHOWN: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuality:
    """How far a source can be relied on, now and lately."""

    source: str
    owner: str
    #: What one event of it costs, minor units of CNY.
    cost_minor: int
    #: Share of the cases that hold; None where nothing was measured.
    score_ppm: int | None
    effect: Effect
    checks: tuple[Result, ...]
    #: Instant and score of each run, oldest first.
    history: tuple[tuple[datetime, int | None], ...]


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
    """Return the quality of every source, now and in the runs before.

    The runs reach back ninety days, or `RESULTS_MAX` results where that is less.
    """
    since = house.clock.now() - timedelta(days=_DAYS_SHOWN)
    found = await quality_store.results_since(connection, since, page=RESULTS_MAX)
    last = await quality_store.last_results(connection)
    shown = []
    for source in house.registry.sources.values():
        checks = tuple(one for one in last.values() if one.source == source.code)
        runs: dict[datetime, list[Measured]] = {}
        for one in reversed(found):
            if one.source == source.code:
                runs.setdefault(one.measured_at, []).append(one.measured)
        shown.append(
            SourceQuality(
                source=source.code,
                owner=source.owner,
                cost_minor=source.cost_minor,
                score_ppm=score_ppm([one.measured for one in checks]),
                effect=gravest([one.effect for one in checks]),
                checks=checks,
                history=tuple((at, score_ppm(parts)) for at, parts in runs.items()),
            )
        )
    return shown
