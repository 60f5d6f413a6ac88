"""Events taken in: from other rooms of the house, from outside, and back out of quarantine.

The story   What happened on lines, and what decisions read, is told to the store: again and again,
            with the same result. A job does so for everybody, and whoever asks for features has it
            done first, so that an answer never lags behind.
Invariant   No answer given before changes: an event that comes after it was asked is known only
            from then, whatever its source says (`floor`). Nothing is dropped in silence: what is
            malformed waits in quarantine, what may not be kept is refused and counted.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import rfc8785

from counterfoil.bureau.opening_store import openings_of_customers
from counterfoil.consents.store import read_consents
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.customers.store import read_customer
from counterfoil.decisioning.lineage_store import decisions_of_customers, policies_of
from counterfoil.features import store
from counterfoil.features.admission import Malformed, admit, sound_part
from counterfoil.features.event import Draft, Event
from counterfoil.features.refusals import QUARANTINED_NOT_FOUND, QUARANTINED_STILL_WRONG
from counterfoil.features.revision import Revised, changes, latest_of
from counterfoil.features.store import Quarantined
from counterfoil.journeys.deciding.decision_events import Surroundings, decision_drafts
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.own_events import SOURCE, own_drafts
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.history_store import read_histories
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection

#: The smallest step of an instant in the database.
_TICK: Final = timedelta(microseconds=1)
#: Customers whose records are told in one transaction.
TOLD_AT_ONCE: Final = 200
#: What stands for a text that could be anything.
_UNFIT: Final = "?"


@dataclass(slots=True, kw_only=True)
class Taken:
    """What became of events."""

    accepted: int = 0
    #: Of them that were there already.
    duplicates: int = 0
    quarantined: int = 0
    #: Refused at the door, by code; nothing of them is kept.
    refused: Counter[str] = field(default_factory=Counter)


async def tell(
    house: House, connection: Connection, customer_ids: Collection[int]
) -> dict[int, datetime]:
    """Tell the house's own records of customers; return until when each of them is told."""
    floors = await store.lock_told(connection, customer_ids)
    kept = await store.read_events(connection, customer_ids)
    drafts = await _own_records(house, connection, customer_ids)
    now, taken = house.clock.now(), Taken()
    revised: list[tuple[int, Revised, datetime]] = []
    until: dict[int, datetime] = {}
    for customer_id, floor in floors.items():
        made = await _sound(
            house, connection, _changes(drafts[customer_id], kept[customer_id]), taken
        )
        known = [_known_at(item[0], floor, now) for item in made]
        until[customer_id] = max([now, floor, *known])
        revised += [(house.ids.next(), item, at) for item, at in zip(made, known, strict=True)]
    if revised:
        await store.add_events(connection, revised)
    await store.note_told(connection, until)
    return until


async def tell_everybody(house: House, *, after: int, told_before: datetime) -> tuple[int, int]:
    """Tell the records of one page of customers behind a number; for a background job.

    Returns the last number of the page, 0 at the end, and how many customers were told.
    """
    async with house.database.transaction() as connection:
        found = await store.customers_untold(
            connection, after=after, told_before=told_before, page=TOLD_AT_ONCE
        )
        due = [customer_id for customer_id, is_due in found if is_due]
        if due:
            await tell(house, connection, due)
    return (found[-1][0] if len(found) == TOLD_AT_ONCE else 0), len(due)


async def take(house: House, connection: Connection, drafts: Sequence[Draft]) -> Taken:
    """Take in what others tell, each once; what differs from before under its record is held."""
    taken = Taken()
    customer_ids = {draft.customer_id for draft in drafts}
    kept = await store.read_events(connection, customer_ids)
    latest = {customer_id: latest_of(events) for customer_id, events in kept.items()}
    fresh: dict[tuple[int, tuple[str, str, str]], Draft] = {}
    for draft in drafts:
        key = (draft.customer_id, draft.record)
        before = latest[draft.customer_id].get(draft.record) or fresh.get(key)
        if before is None:
            fresh[key] = draft
        elif draft.says_as(before):
            taken.duplicates += 1
        else:
            await _hold(house, connection, draft, Malformed(reason="duplicate_differs", member=""))
            taken.quarantined += 1
    # Whatever others say, the house knows it from now.
    now_known = [(draft._replace(known_at=None), 0, False) for draft in fresh.values()]
    taken.accepted = len(await _write(house, connection, now_known, taken))
    return taken


async def take_one(house: House, draft: Draft) -> str | Refused:
    """Take in one event from outside; return `accepted`, `duplicate` or `quarantined`."""
    today = await house.business_date()
    async with house.database.transaction() as connection:
        if await read_customer(connection, draft.customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        is_on = await sources_on(connection)
        refused = admit(house.registry, draft, is_on=is_on, today=today)
        if isinstance(refused, Refused):
            return refused
        taken = await take(house, connection, [draft])
    if taken.quarantined:
        return "quarantined"
    return "accepted" if taken.accepted else "duplicate"


async def repair(
    house: House,
    actor: Actor,
    *,
    customer_id: int,
    event_id: int,
    facts: Mapping[str, int | str | bool] | None,
    reason: str,
) -> Refused | int | None:
    """Let an event out of quarantine with repaired members, or discard it where none are given.

    Returns the number of the event that it became, None where it was discarded.
    """
    async with house.database.transaction() as connection:
        held = await store.read_quarantined(connection, customer_id, event_id)
        if held is None:
            return refuse(QUARANTINED_NOT_FOUND)
        repaired_id = None
        if facts is not None:
            outcome = await _let_out(house, connection, held.draft._replace(facts=dict(facts)))
            if isinstance(outcome, Refused):
                return outcome
            repaired_id = outcome
        await store.end_quarantine(
            connection,
            held,
            repaired_id=repaired_id,
            ended_by=actor.name,
            reason=reason,
            at=house.clock.now(),
        )
        subject = ids.to_text(ids.EVENT, event_id)
        act = Act(
            name="quarantine",
            customer_ids=[customer_id],
            subject=subject,
            reason=reason,
            after="discarded" if repaired_id is None else "repaired",
        )
        await note(house, connection, actor, act)
    return repaired_id


async def sources_on(connection: Connection) -> frozenset[str]:
    """Return the sources that two people have switched on."""
    switches = await store.read_switches(connection)
    return frozenset(name for name, switch in switches.items() if switch.is_on)


async def _own_records(
    house: House, connection: Connection, customer_ids: Collection[int]
) -> dict[int, tuple[list[Draft], list[Draft]]]:
    """Return by customer what lines tell, all of it, and what decisions tell."""
    histories = await read_histories(connection, customer_ids)
    decisions = await decisions_of_customers(connection, customer_ids)
    policies = await policies_of(connection, {one.policy_hash for one in decisions})
    openings = await openings_of_customers(connection, {one.customer_id for one in decisions})
    told: dict[int, list[Draft]] = {customer_id: [] for customer_id in customer_ids}
    around: dict[int, Surroundings] = {}
    for decision in decisions:
        customer_id = decision.customer_id
        if customer_id not in around:
            around[customer_id] = Surroundings(
                registry=house.registry,
                notices=house.notices,
                openings=openings[customer_id],
                consents=await read_consents(connection, customer_id),
            )
        policy = policies[decision.policy_hash]
        told[customer_id] += decision_drafts(decision, policy, around[customer_id])
    return {
        customer_id: (own_drafts(customer_id, histories[customer_id]), told[customer_id])
        for customer_id in customer_ids
    }


def _changes(drafts: tuple[list[Draft], list[Draft]], kept: Iterable[Event]) -> list[Revised]:
    """Return what has to be written: lines are told whole, a decision only once."""
    own, decided = drafts
    events = list(kept)
    known = {event.record for event in events}
    return [
        *changes(own, [event for event in events if event.source == SOURCE]),
        *((draft, 0, False) for draft in decided if draft.record not in known),
    ]


async def _sound(
    house: House, connection: Connection, made: Sequence[Revised], taken: Taken
) -> list[Revised]:
    """Return what is let in; the malformed is held, and what may not be kept is counted."""
    if not made:
        return []
    is_on, today = await sources_on(connection), await house.business_date()
    sound = []
    for item in made:
        fault = admit(house.registry, item[0], is_on=is_on, today=today)
        if fault is None:
            sound.append(item)
        elif isinstance(fault, Refused):
            taken.refused[fault.code] += 1
        else:
            await _hold(house, connection, item[0], fault)
            taken.quarantined += 1
    return sound


async def refuse_event(house: House, connection: Connection, draft: Draft) -> Refused | None:
    """Refuse an event that would not be let in; None where it would."""
    is_on, today = await sources_on(connection), await house.business_date()
    fault = admit(house.registry, draft, is_on=is_on, today=today)
    if fault is None or isinstance(fault, Refused):
        return fault
    return refuse(QUARANTINED_STILL_WRONG, reason=fault.reason, member=fault.member)


async def _let_out(house: House, connection: Connection, draft: Draft) -> int | Refused:
    """Take in a repaired event as the next word on its record."""
    refused = await refuse_event(house, connection, draft)
    return refused or await revise(house, connection, draft)


async def revise(house: House, connection: Connection, draft: Draft) -> int:
    """Write a sound event as the next word on its record; return its number."""
    kept = await store.read_events(connection, [draft.customer_id])
    before = latest_of(kept[draft.customer_id]).get(draft.record)
    revision = 0 if before is None else before.revision + 1
    [event_id] = await _write(house, connection, [(draft, revision, False)], Taken())
    return event_id


async def _write(
    house: House, connection: Connection, made: Sequence[Revised], taken: Taken
) -> frozenset[int]:
    """Write what is let in, known from now on and later than every answer given before."""
    sound = await _sound(house, connection, made, taken)
    floors = await store.lock_told(connection, {draft.customer_id for draft, _, _ in sound})
    now, until = house.clock.now(), dict(floors)
    revised = []
    for item in sound:
        customer_id = item[0].customer_id
        at = _known_at(item[0], floors[customer_id], now)
        until[customer_id] = max(until[customer_id], at)
        revised.append((house.ids.next(), item, at))
    await store.note_told(connection, until)
    return await store.add_events(connection, revised) if revised else frozenset()


async def _hold(house: House, connection: Connection, draft: Draft, fault: Malformed) -> None:
    """Keep what can be kept of a malformed event, once."""
    kept, dropped = sound_part(draft.facts)
    known = house.registry
    held = draft._replace(
        kind=draft.kind if draft.kind in known.kinds else _UNFIT,
        source_record=_UNFIT if fault.reason == "record_malformed" else draft.source_record,
        purpose=_UNFIT if fault.reason == "purpose_malformed" else draft.purpose,
        facts=kept,
    )
    content = rfc8785.dumps(
        {"record": list(draft.record), "facts": {name: str(v) for name, v in draft.facts.items()}}
    )
    await store.add_quarantined(
        connection,
        Quarantined(
            event_id=house.ids.next(),
            draft=held,
            dropped=dropped,
            reason=fault.reason,
            member=fault.member,
            held_at=house.clock.now(),
        ),
        content_sha256=sha256(content).digest(),
    )


def _known_at(draft: Draft, floor: datetime, now: datetime) -> datetime:
    """Return since when an event is known: never before what was answered already."""
    at = draft.known_at or now
    return at if at > floor else max(now, floor + _TICK)
