"""Holding back: what action caps do to versions in force, and who is told.

Method      Background: what each version that decides, in force or as the arm of an experiment, has
            decided within its cap's window is counted, and what begins or ceases to be held back
            is written. Every process follows within a second (`follow_policies.py`). Nothing is
            approved instead: declines go to people.
Lag         Between two looks a cap may be passed: `LOOK_SECONDS` in the worker, plus a second.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import structlog

from counterfoil.decisioning.action_cap import Trip, trips_of
from counterfoil.decisioning.experiment import ExperimentKind
from counterfoil.decisioning.guard_store import (
    TripEvent,
    add_trips,
    read_tripped,
    read_window,
    recent_trips,
    tally,
)
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import OnTrip
from counterfoil.decisioning.store import keep_policy
from counterfoil.journeys.house import House
from counterfoil.platform.database import Connection
from counterfoil.platform.trail import Entry, add_entries

#: Events that a list shows.
TRIPS_SHOWN: Final = 50


class Watched(NamedTuple):
    """A version whose cap is looked at, whatever kind of policy it is."""

    policy_hash: str
    version: str
    purpose: str
    on_trip: OnTrip


_log = structlog.get_logger(__name__)


async def hold_back(house: House) -> int:
    """Write what caps begin and cease to hold back; return how many changes there were."""
    changed = 0
    for policy in _deciding(house).values():
        if policy.action_cap is not None:
            changed += await _look(house, policy)
    return changed


def _deciding(house: House) -> dict[str, Policy]:
    """Return by hash the versions that decide: those in force, and the arms of experiments."""
    in_force = [version.policy for version in house.policies.every().values()]
    tried = [
        version.policy
        for running in house.experiments.running
        if running.experiment.kind is ExperimentKind.CHALLENGER
        for version in running.versions.values()
    ]
    return {policy.hash: policy for policy in (*in_force, *tried)}


async def list_trips(house: House, *, page: int = TRIPS_SHOWN) -> list[TripEvent]:
    """Return what caps began and ceased to hold back, newest first."""
    async with house.database.connection() as connection:
        return await recent_trips(connection, page=page)


async def _look(house: House, policy: Policy) -> int:
    assert policy.action_cap is not None, "only a policy with a cap is looked at"
    now = house.clock.now()
    since = now - timedelta(hours=policy.action_cap.window_hours)
    async with house.database.transaction() as connection:
        await tally(connection, policy, since=since, at=now)
        window = await read_window(connection, policy, since=since)
        held = (await read_tripped(connection, [policy.hash])).get(policy.hash, frozenset())
        trips = trips_of(policy, window, held)
        if trips:
            await keep_policy(connection, policy, at=now)
            about = Watched(policy.hash, policy.version, policy.purpose, policy.action_cap.on_trip)
            await keep_trips(house, connection, about, trips, cases=window.cases)
    return len(trips)


async def keep_trips(
    house: House, connection: Connection, about: Watched, trips: Sequence[Trip], *, cases: int
) -> None:
    """Write what a cap begins and ceases to hold back, in the trail as well."""
    now = house.clock.now()
    numbered = {house.ids.next(): trip for trip in trips}
    await add_trips(connection, about.policy_hash, numbered, cases=cases, at=now)
    await add_entries(
        connection, [_entry(house, about, number, trip) for number, trip in numbered.items()]
    )
    for trip in trips:
        _log.warning(
            "action_cap_tripped" if trip.is_tripped else "action_cap_cleared",
            policy_hash=about.policy_hash,
            version=about.version,
            rule=trip.rule_code,
            declined=trip.declined,
            cases=cases,
        )


def _entry(house: House, about: Watched, number: int, trip: Trip) -> Entry:
    falls_back = trip.is_tripped and about.on_trip is OnTrip.PREVIOUS
    return Entry(
        trail_id=number,
        at=house.clock.now(),
        actor="worker",
        role="worker",
        source="worker",
        act="action_cap_tripped" if trip.is_tripped else "action_cap_cleared",
        outcome="done",
        subject=about.policy_hash,
        purpose=about.purpose,
        reason=f"rule {trip.rule_code}: {trip.declined} against customers"
        + ("; the version before it decides" if falls_back else ""),
    )
