"""Holding back: what action caps do to versions in force, and who is told.

Method      Background: what each version in force has decided within its cap's window is counted,
            and what begins or ceases to be held back is written. Every process follows within a
            second (`follow_policies.py`). Nothing is approved instead: declines go to people.
Lag         Between two looks a cap may be passed: `LOOK_SECONDS` in the worker, plus a second.
"""

from datetime import timedelta

import structlog

from counterfoil.decisioning.action_cap import Trip, trips_of
from counterfoil.decisioning.guard_store import add_trips, read_tripped, read_window, tally
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.store import keep_policy
from counterfoil.journeys.house import House
from counterfoil.platform.trail import Entry, add_entries

_log = structlog.get_logger(__name__)


async def hold_back(house: House) -> int:
    """Write what caps begin and cease to hold back; return how many changes there were."""
    changed = 0
    for version in house.policies.every().values():
        if version.policy.action_cap is not None:
            changed += await _look(house, version.policy)
    return changed


async def _look(house: House, policy: Policy) -> int:
    assert policy.action_cap is not None, "only a policy with a cap is looked at"
    now = house.clock.now()
    since = now - timedelta(hours=policy.action_cap.window_hours)
    async with house.database.transaction() as connection:
        await tally(connection, policy, since=since, at=now)
        window = await read_window(connection, policy, since=since)
        held = (await read_tripped(connection, [policy.hash])).get(policy.hash, frozenset())
        trips = trips_of(policy, window, held)
        if not trips:
            return 0
        await keep_policy(connection, policy, at=now)
        numbered = {house.ids.next(): trip for trip in trips}
        await add_trips(connection, policy.hash, numbered, cases=window.cases, at=now)
        await add_entries(
            connection, [_entry(house, policy, number, trip) for number, trip in numbered.items()]
        )
    for trip in trips:
        _log.warning(
            "action_cap_tripped" if trip.is_tripped else "action_cap_cleared",
            policy_hash=policy.hash,
            version=policy.version,
            rule=trip.rule_code,
            declined=trip.declined,
            cases=window.cases,
        )
    return len(trips)


def _entry(house: House, policy: Policy, number: int, trip: Trip) -> Entry:
    return Entry(
        trail_id=number,
        at=house.clock.now(),
        actor="worker",
        role="worker",
        source="worker",
        act="action_cap_tripped" if trip.is_tripped else "action_cap_cleared",
        outcome="done",
        subject=policy.hash,
        purpose=policy.purpose,
        reason=f"rule {trip.rule_code}: {trip.declined} declines",
    )
