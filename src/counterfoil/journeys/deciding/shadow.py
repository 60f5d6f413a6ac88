"""A version in the shadow: asked about every decided case, after the commit, with no effect.

Method      Decisions are read in the order of their time, once nobody can add to it any more, and
            put to the version with the inputs that production had. What it says is kept beside
            what production said.
Invariant   No customer waits for it and none is treated otherwise for it: it reads what is
            committed and writes nothing but its own table.
Resumable   Where it stands is the last case kept. A page that two processes take is written once.
"""

from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.decisioning import experiment_report_store as results
from counterfoil.decisioning.experiment import REVIEWS, ExperimentKind
from counterfoil.decisioning.experiment_assignment import is_in
from counterfoil.decisioning.experiment_report_store import ABOUT, Position, Produced, Said
from counterfoil.decisioning.experiment_store import EventKind, read_experiment
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.replay import asked_of
from counterfoil.journeys.deciding.follow_experiments import Running
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_experiments import asked_in_shadow
from counterfoil.platform.database import Connection

#: Decisions are settled so long after their time: longer than a transaction stays open.
SETTLED: Final = timedelta(minutes=2)
#: Cases at once: a few milliseconds of deciding.
PAGE: Final = 500
_KNOWN: Final = frozenset({*ABOUT, REVIEWS})


class Shadows:
    """Asks the versions in the shadow, page by page; for one process's job."""

    def __init__(self, house: House) -> None:
        """Begin where the last case was kept."""
        self._house = house
        #: Where each experiment stands, also behind cases that it does not take.
        self._at: dict[int, Position] = {}

    async def step(self) -> int:
        """Ask every version in the shadow about one page; return how many cases were looked at."""
        looked_at = 0
        for running in self._house.experiments.running:
            experiment = running.experiment
            if experiment.kind is ExperimentKind.SHADOW and experiment.purpose in _KNOWN:
                looked_at += await self._page(running)
        return looked_at

    async def _page(self, running: Running) -> int:
        house, number = self._house, running.experiment_id
        before = house.clock.now() - SETTLED
        async with house.database.connection() as connection:
            after = self._at.get(number) or await results.last_shadow(connection, number)
            if after is None:
                after = Position(await self._started_at(running), 0, 0)
            page = await _page_of(connection, running, after=after, before=before)
        asked = [(one, _said(running, one)) for one in page if self._takes(running, one)]
        if asked:
            async with house.database.transaction() as connection:
                await results.add_shadow_results(connection, number, asked)
        self._at[number] = page[-1].at if page else after
        return len(page)

    def _takes(self, running: Running, produced: Produced) -> bool:
        """Tell whether a case is of the shadow's days and customers."""
        on = date.fromisoformat(produced.inputs["asked"]["as_of"])
        key = self._house.experiments.key
        return running.is_on(on) and is_in(key, running.experiment, produced.at.customer_id)

    async def _started_at(self, running: Running) -> datetime:
        async with self._house.database.connection() as connection:
            kept = await read_experiment(connection, running.experiment.code)
        assert kept is not None, "what runs was proposed"
        started = kept.event(EventKind.STARTED)
        assert started is not None, "what runs was started"
        return started.at


async def _page_of(
    connection: Connection, running: Running, *, after: Position, before: datetime
) -> list[Produced]:
    purpose = running.experiment.purpose
    if purpose == REVIEWS:
        return await results.read_reviews(connection, after=after, before=before, page=PAGE)
    return await results.read_decisions(connection, purpose, after=after, before=before, page=PAGE)


def _said(running: Running, produced: Produced) -> Said:
    if running.experiment.purpose == REVIEWS:
        [policy] = running.reviews.values()
        return asked_in_shadow(policy, produced)
    [version] = running.versions.values()
    inputs = produced.inputs
    return results.said_of(honour(version.decide(inputs["features"], asked_of(inputs["asked"]))))
