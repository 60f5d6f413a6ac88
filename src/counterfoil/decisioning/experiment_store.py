"""Reads and writes experiments, what happened to them, whom they took, and control budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.decisioning.canonical import canonical_bytes
from counterfoil.decisioning.experiment import Budget, Experiment, experiment_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "experiment_store.sql")

#: Above every identifier: the first page begins before it.
NEWEST: Final = 2**63 - 1


class EventKind(StrEnum):
    """What can happen to an experiment."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    STARTED = "started"
    LOOKED = "looked"
    STOPPED = "stopped"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    kind: EventKind
    business_date: date
    at: datetime
    author: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An experiment with its history."""

    experiment_id: int
    experiment: Experiment
    proposed_by: str
    proposed_at: datetime
    events: tuple[Event, ...]

    def event(self, kind: EventKind) -> Event | None:
        """Return the first event of a kind, None where it has not happened."""
        return next((event for event in self.events if event.kind is kind), None)

    @property
    def state(self) -> EventKind:
        """Return how far it has come; looks do not move it on."""
        return [event.kind for event in self.events if event.kind is not EventKind.LOOKED][-1]

    @property
    def is_started(self) -> bool:
        """Tell whether it was started and has not been brought to an end."""
        return self.state is EventKind.STARTED


class Case(NamedTuple):
    """A case that an experiment took."""

    customer_id: int
    #: The application, or the request for a higher limit.
    subject_id: int
    experiment_id: int
    arm: str


class Spent(NamedTuple):
    """How far a control group has gone."""

    accounts: int
    spent_minor: int


async def add_experiment(
    connection: Connection, experiment: Experiment, *, experiment_id: int, by: str, at: datetime
) -> None:
    """Keep an experiment as it was proposed; a code that is taken breaks `experiment_exists`."""
    await QUERIES.add_experiment.execute(
        connection,
        experiment_id=experiment_id,
        code=experiment.code,
        kind=experiment.kind.value,
        purpose=experiment.purpose,
        definition_hash=experiment.hash,
        document=experiment.canonical.decode(),
        proposed_by=by,
        proposed_at=at,
    )


async def add_event(connection: Connection, experiment_id: int, event: Event) -> None:
    """Write what happened to an experiment that the caller has locked."""
    await QUERIES.add_event.execute(
        connection,
        experiment_id=experiment_id,
        kind=event.kind.value,
        business_date=event.business_date,
        at=event.at,
        author=event.author,
        detail=canonical_bytes(dict(event.detail)).decode(),
    )


async def read_experiment(connection: Connection, code: str) -> Kept | None:
    """Return an experiment with its history, or None."""
    row = await QUERIES.experiment_of_code.fetchrow(connection, code=code)
    found = await _with_events(connection, [] if row is None else [row])
    return found[0] if found else None


async def read_experiments(
    connection: Connection, *, page: int, is_back: bool = False, before: int = NEWEST
) -> list[Kept]:
    """Return experiments, newest first."""
    rows = await QUERIES.experiments.page(connection, page=page, is_back=is_back, before=before)
    return await _with_events(connection, rows)


async def read_unfinished(connection: Connection) -> list[Kept]:
    """Return the experiments that have not come to an end."""
    return await _with_events(connection, await QUERIES.unfinished.fetch(connection))


async def lock_proposals(connection: Connection) -> None:
    """Let nobody else propose or start an experiment until the transaction ends."""
    await QUERIES.lock_proposals.fetchval(connection)


async def lock_experiment(connection: Connection, experiment_id: int) -> None:
    """Let nobody else move an experiment on, or grant from it, until the transaction ends."""
    await QUERIES.lock_experiment.fetchval(connection, experiment_id=experiment_id)


async def add_cases(connection: Connection, cases: Sequence[Case], *, at: datetime) -> None:
    """Write which experiments took which cases."""
    await QUERIES.add_cases.execute(connection, **_columns(cases), decided_at=at)


async def add_cases_once(connection: Connection, cases: Sequence[Case], *, at: datetime) -> None:
    """Write which experiments took which cases; one that was taken before stays as it is."""
    await QUERIES.add_cases_once.execute(connection, **_columns(cases), decided_at=at)


def _columns(cases: Sequence[Case]) -> dict[str, list[int] | list[str]]:
    return {
        "customer_ids": [case.customer_id for case in cases],
        "subject_ids": [case.subject_id for case in cases],
        "experiment_ids": [case.experiment_id for case in cases],
        "arms": [case.arm for case in cases],
    }


async def count_cases(connection: Connection, experiment_id: int) -> int:
    """Return how many cases an experiment has taken."""
    return int(await QUERIES.case_count.fetchval(connection, experiment_id=experiment_id))


async def read_spent(connection: Connection, experiment_id: int) -> Spent:
    """Return how far a control group has gone."""
    row = await QUERIES.budget_spent.fetchrow(connection, experiment_id=experiment_id)
    assert row is not None, "a sum gives a row"
    return Spent(row["accounts"], row["spent_minor"])


async def grant(
    connection: Connection,
    experiment_id: int,
    budget: Budget,
    limits_minor: Sequence[int],
    *,
    at: datetime,
) -> list[int | None]:
    """Grant lines as far as the budget goes; return their numbers, None for those beyond it.

    The caller has locked the experiment, so that a grant counts before the next one is looked at.
    """
    accounts, spent_minor = await read_spent(connection, experiment_id)
    numbers: list[int | None] = []
    made: list[tuple[int, int, int]] = []
    for limit_minor in limits_minor:
        fits = accounts < budget.accounts_max and spent_minor + limit_minor <= budget.loss_minor_max
        if fits:
            accounts, spent_minor = accounts + 1, spent_minor + limit_minor
            made.append((accounts, limit_minor, spent_minor))
        numbers.append(accounts if fits else None)
    if made:
        await QUERIES.add_grants.execute(
            connection,
            experiment_id=experiment_id,
            accounts_max=budget.accounts_max,
            loss_minor_max=budget.loss_minor_max,
            granted_at=at,
            grant_nos=[number for number, _, _ in made],
            limits_minor=[limit for _, limit, _ in made],
            spent_minor=[spent for _, _, spent in made],
        )
    return numbers


async def _with_events(connection: Connection, rows: Sequence[Row]) -> list[Kept]:
    if not rows:
        return []
    events: dict[int, list[Event]] = {row["experiment_id"]: [] for row in rows}
    for row in await QUERIES.events.fetch(connection, experiment_ids=sorted(events)):
        events[row["experiment_id"]].append(_event(row))
    return [
        Kept(
            experiment_id=row["experiment_id"],
            experiment=experiment_of(orjson.loads(row["document"])),
            proposed_by=row["proposed_by"],
            proposed_at=row["proposed_at"],
            events=tuple(events[row["experiment_id"]]),
        )
        for row in rows
    ]


def _event(row: Row) -> Event:
    return Event(
        kind=EventKind(row["kind"]),
        business_date=row["business_date"],
        at=row["at"],
        author=row["author"],
        detail=orjson.loads(row["detail"]),
    )
