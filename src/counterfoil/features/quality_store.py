"""Measures the quality of what came in, and keeps what the checks found."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.features.quality import (
    Check,
    Effect,
    Kind,
    Measured,
    distance_ppm,
    measured_share,
)
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.features", "quality_store.sql")

#: How each kind of check counts, and what of the check the query reads.
_COUNTS: Final = {
    Kind.COMPLETENESS: (QUERIES.count_completeness, ("event", "member")),
    Kind.VALIDITY: (QUERIES.count_validity, ()),
    Kind.UNIQUENESS: (QUERIES.count_uniqueness, ()),
    Kind.FRESHNESS: (QUERIES.count_freshness, ("event", "days")),
    Kind.AGREEMENT: (QUERIES.count_agreement, ("member", "other", "tolerance_ppm")),
}


class Result(NamedTuple):
    """What a check found in one run."""

    code: str
    run_id: int
    kind: str
    source: str
    #: The member it is about; empty: the source as a whole.
    member: str
    cases: int
    wrong: int
    effect: Effect
    measured_at: datetime

    @property
    def measured(self) -> Measured:
        """Return the counts."""
        return Measured(code=self.code, cases=self.cases, wrong=self.wrong)


async def measure(connection: Connection, check: Check, *, until: datetime) -> Measured:
    """Count what a check looks at, up to an instant."""
    since = until - timedelta(days=check.window_days)
    if check.kind is Kind.DISTRIBUTION:
        return await _moved(connection, check, since, until)
    query, more = _COUNTS[check.kind]
    row = await query.fetchrow(
        connection,
        source=check.source,
        since=since,
        until=until,
        **{name: getattr(check, name) for name in more},
    )
    assert row is not None, "a count gives a row"
    return Measured(code=check.code, cases=row["cases"], wrong=row["wrong"])


async def last_results(connection: Connection) -> dict[str, Result]:
    """Return what the last run found of each check."""
    rows = await QUERIES.last_results.fetch(connection)
    return {row["code"]: _result(row) for row in rows}


async def daily_counts(
    connection: Connection, since: datetime
) -> dict[str, list[tuple[date, Measured]]]:
    """Return what the checks of each source counted, day by day (UTC), the oldest first."""
    found: dict[str, list[tuple[date, Measured]]] = {}
    for row in await QUERIES.daily_counts.fetch(connection, since=since):
        counted = Measured(code=row["source"], cases=row["cases"], wrong=row["wrong"])
        found.setdefault(row["source"], []).append((row["day"], counted))
    return found


async def count_events(connection: Connection, since: datetime) -> dict[str, int]:
    """Return how many records each source has told since an instant; who told none is not there."""
    rows = await QUERIES.count_events.fetch(connection, since=since)
    return {row["source"]: row["events"] for row in rows}


async def add_results(connection: Connection, results: Sequence[Result]) -> None:
    """Keep what one run found."""
    if not results:
        return
    await QUERIES.add_results.execute(
        connection,
        run_id=results[0].run_id,
        measured_at=results[0].measured_at,
        codes=[one.code for one in results],
        kinds=[one.kind for one in results],
        sources=[one.source for one in results],
        members=[one.member for one in results],
        cases=[one.cases for one in results],
        wrong=[one.wrong for one in results],
        effects=[one.effect.value for one in results],
    )


async def _moved(
    connection: Connection, check: Check, since: datetime, until: datetime
) -> Measured:
    """Hold a window's values against those of the window before it."""

    async def bins(begin: datetime, end: datetime) -> dict[str, int]:
        rows = await QUERIES.bins.fetch(
            connection,
            source=check.source,
            event=check.event,
            member=check.member,
            since=begin,
            until=end,
        )
        return {row["bin"]: row["cases"] for row in rows}

    now = await bins(since, until)
    before = await bins(since - (until - since), since)
    cases = min(sum(now.values()), sum(before.values()))
    return measured_share(check.code, cases, distance_ppm(before, now))


def _result(row: Row) -> Result:
    fields = {name: row[name] for name in Result._fields}
    return Result(**fields | {"effect": Effect(row["effect"])})
