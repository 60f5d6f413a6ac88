"""Keeping data as long as purpose and law say, then destroying the keys it is sealed under.

Lattice     `privacy/retention.toml`: whoever knows that a purpose is over reports the day; from
            then on the class is restricted, and erasable when its floor is over.
Beats       A legal hold beats erasure, the floor beats a wish, and two people stand behind every
            erasure.
Person      Records that are merged are one person: a hold on one keeps all of them, and what goes
            with the relationship stays as long as any of them has one. It is judged when data are
            destroyed, so that no approval from before a merge gets around it.
What goes   Data keys, what was sealed under them, digests in the directory; salts and bodies of
            leaves with the evidence key. The leaves themselves stay, and with them every proof.
Backups     Keys are out of reach of everybody `backup_days` later: the erasure names that day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from counterfoil.contracts.store import forget_sealed
from counterfoil.customers.link_store import hold_records, read_people
from counterfoil.customers.record_link import People
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.opening_store import forget_openings
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.guarding.end_purposes import WITH_RELATIONSHIP
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal, note_schedule
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval, Value, payload_hash, require_approval
from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store
from counterfoil.privacy.erasure_store import Erasure, Hold, Standing
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import (
    DATA_CLASS_UNKNOWN,
    DATA_ERASED,
    LEGAL_HOLD_NOT_FOUND,
    LEGAL_HOLD_STANDS,
    REASON_MISSING,
    RETENTION_NOT_OVER,
)
from counterfoil.privacy.retention import DataClass, State, load_schedule
from counterfoil.privacy.vault import Purpose

#: Most classes of customers that one look for the erasable returns.
ERASABLE_SHOWN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """Everything that is known of the keeping of one customer's data."""

    holds: list[Hold]
    standings: list[Standing]
    erasures: list[Erasure]


async def end_purpose(house: House, data_class: str, ends: Mapping[int, date]) -> Refused | None:
    """Note from which business date a class of customers' data is not needed any more."""
    found = load_schedule().classes.get(data_class)
    if found is None:
        return refuse(DATA_CLASS_UNKNOWN, data_class=data_class)
    async with house.database.transaction() as connection:
        await erasure_store.end_purposes(connection, found, ends, now=house.clock.now())
    return None


async def apply_retention(house: House, *, on: date) -> int:
    """Restrict what is not needed any more on a day; return how many classes of customers."""
    async with house.database.transaction() as connection:
        restricted = await erasure_store.restrict_ended(connection, on=on, now=house.clock.now())
        for data_class in sorted({name for _, name in restricted}):
            customers = [customer_id for customer_id, name in restricted if name == data_class]
            act = Act(name="restriction", customer_ids=customers, subject=data_class)
            await note_schedule(house, connection, act)
    return len(restricted)


async def find_erasable(house: House, *, on: date) -> list[Standing]:
    """Return what may be erased on a day, the longest overdue first."""
    async with house.database.connection() as connection:
        found = await erasure_store.find_erasable(connection, on=on, page=ERASABLE_SHOWN)
        people = await read_people(connection, [one.customer_id for one in found])
        classes = load_schedule().classes
        return [
            one
            for one in found
            if not await _kept_by_others(
                connection, people, one.customer_id, classes[one.data_class], on=on
            )
        ]


async def read_privacy(house: House, customer_id: int) -> Privacy:
    """Return holds, ends and erasures of a customer's data."""
    async with house.database.connection() as connection:
        return Privacy(
            holds=await erasure_store.read_holds(connection, customer_id),
            standings=await erasure_store.read_standings(connection, [customer_id]),
            erasures=await erasure_store.read_erasures(connection, customer_id),
        )


async def set_hold(
    house: House, actor: Actor, *, customer_id: int, reason: str, ticket: str
) -> Hold | Refused:
    """Stop every erasure of a customer's data until the hold is lifted."""
    act = Act(name="hold_set", customer_ids=[customer_id], ticket=ticket, reason=reason)
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    hold = Hold(
        customer_id=customer_id,
        hold_id=house.ids.next(),
        reason=mask_free_text(reason),
        ticket=ticket,
        set_by=actor.name,
        set_at=house.clock.now(),
        lifted_by=None,
        lifted_at=None,
    )
    async with house.database.transaction() as connection:
        await erasure_store.add_hold(connection, hold)
        await note(house, connection, actor, act)
    return hold


async def lift_hold(
    house: House, actor: Actor, *, customer_id: int, hold_id: int, reason: str
) -> Refused | None:
    """Lift a hold."""
    act = Act(
        name="hold_lifted",
        customer_ids=[customer_id],
        subject=ids.to_text(ids.LEGAL_HOLD, hold_id),
        reason=reason,
    )
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    async with house.database.transaction() as connection:
        lifted = await erasure_store.lift_hold(
            connection, customer_id, hold_id, lifted_by=actor.name, now=house.clock.now()
        )
        if lifted:
            await note(house, connection, actor, act)
    return None if lifted else await note_refusal(house, actor, act, refuse(LEGAL_HOLD_NOT_FOUND))


def erasure_payload(customer_id: int, data_class: str) -> dict[str, Value]:
    """Return what a second person approves: this class of this customer."""
    return {
        "act": "erasure",
        "customer": ids.to_text(ids.CUSTOMER, customer_id),
        "data_class": data_class,
    }


async def erase(
    house: House, actor: Actor, *, customer_id: int, data_class: str, on: date, reason: str
) -> Erasure | Refused:
    """Destroy the keys of a class of a customer's data, with the approval of a second person."""
    act = Act(name="erasure", customer_ids=[customer_id], subject=data_class, reason=reason)
    outcome = await _erase(house, actor, act, on=on)
    return (
        await note_refusal(house, actor, act, outcome) if isinstance(outcome, Refused) else outcome
    )


async def _erase(house: House, actor: Actor, act: Act, *, on: date) -> Erasure | Refused:
    found = load_schedule().classes.get(act.subject)
    if found is None:
        return refuse(DATA_CLASS_UNKNOWN, data_class=act.subject)
    [customer_id] = act.customer_ids
    async with house.database.transaction() as connection:
        refused = await _keeps(connection, customer_id, found, on=on)
        if refused is not None:
            return refused
        approval = await require_approval(
            connection,
            "erasure",
            payload_hash(erasure_payload(customer_id, found.code)),
            used_by=actor.name,
            now=house.clock.now(),
        )
        if isinstance(approval, Refused):
            return approval
        return await _destroy(house, connection, actor, act, found, approval)


async def _keeps(
    connection: Connection, customer_id: int, data_class: DataClass, *, on: date
) -> Refused | None:
    """Return what keeps the data on a day: an unknown end, the floor, a hold, another record."""
    # A merge holds the records that it joins: it is carried out before this, or after.
    await hold_records(connection, [customer_id])
    standing = await erasure_store.lock_standing(connection, customer_id, data_class.code)
    if standing is None:
        return refuse(RETENTION_NOT_OVER, keep_until="the end of its purpose")
    if standing.state is State.ERASED:
        return refuse(DATA_ERASED)
    if not data_class.is_over(standing.ended_on, on):
        return refuse(RETENTION_NOT_OVER, keep_until=standing.keep_until or standing.ended_on)
    holds = await erasure_store.read_holds(connection, customer_id)
    if any(hold.lifted_at is None for hold in holds):
        return refuse(LEGAL_HOLD_STANDS)
    people = await read_people(connection, [customer_id])
    return await _kept_by_others(connection, people, customer_id, data_class, on=on)


async def _kept_by_others(
    connection: Connection, people: People, customer_id: int, data_class: DataClass, *, on: date
) -> Refused | None:
    """Return what of the same person's other records keeps the data on a day."""
    others = [one for one in people.records(customer_id) if one != customer_id]
    for one in others:
        holds = await erasure_store.read_holds(connection, one)
        if any(hold.lifted_at is None for hold in holds):
            return refuse(LEGAL_HOLD_STANDS)
    if data_class.code not in WITH_RELATIONSHIP:
        return None
    found = await erasure_store.read_standings(connection, others)
    ends = {one.customer_id: one for one in found if one.data_class == data_class.code}
    for one in others:
        end = ends.get(one)
        if end is None:
            return refuse(RETENTION_NOT_OVER, keep_until="the end of its purpose")
        if end.state is not State.ERASED and not data_class.is_over(end.ended_on, on):
            return refuse(RETENTION_NOT_OVER, keep_until=end.keep_until or end.ended_on)
    return None


async def _destroy(
    house: House,
    connection: Connection,
    actor: Actor,
    act: Act,
    data_class: DataClass,
    approval: Approval,
) -> Erasure:
    now = house.clock.now()
    [customer_id] = act.customer_ids
    keys_destroyed = await erasure_store.destroy(connection, customer_id, data_class, now=now)
    await _forget(connection, customer_id, data_class)
    erasure = Erasure(
        customer_id=customer_id,
        erasure_id=house.ids.next(),
        data_class=data_class.code,
        rule=data_class.rule,
        keys_destroyed=keys_destroyed,
        gone_by=load_schedule().gone_by(now.date()),
        approval_id=approval.approval_id,
        erased_by=actor.name,
        erased_at=now,
        leaf_id=house.ids.next(),
    )
    await erasure_store.add_erasure(connection, erasure)
    leaf = house.leaves.stage(
        customer_id,
        erasure.leaf_id,
        LeafType.ERASED,
        erasure.erasure_id,
        {
            "approval": ids.to_text(ids.APPROVAL, approval.approval_id),
            "data_class": data_class.code,
            "erasure": ids.to_text(ids.ERASURE, erasure.erasure_id),
            "gone_by": erasure.gone_by.isoformat(),
            "keys": erasure.keys_destroyed,
            "purposes": [purpose.value for purpose in data_class.purposes],
            "rule": data_class.rule,
        },
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    await note(house, connection, actor, act)
    return erasure


async def _forget(connection: Connection, customer_id: int, data_class: DataClass) -> None:
    """Destroy what lies sealed outside the vault's own records, whose rows go with their keys."""
    purposes = data_class.purposes
    if Purpose.EVIDENCE in purposes:
        await forget_openings(connection, customer_id)
    if Purpose.CONTRACT in purposes:
        await forget_sealed(connection, customer_id)
