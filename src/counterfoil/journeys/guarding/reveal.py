"""Looking at personal data in clear: for a purpose that one's role has, with a ticket and a reason.

Order       What may not be is refused and recorded. Then the data is opened in memory, then grant,
            looks, leaf and line of the trail are committed, and only then anything is handed out:
            nobody sees what is not written down. While the key service is away nothing is served.
Grants      Last as long as the purpose says, for one person and the data that was asked for; while
            one lasts the same person may look again without stating it all again, and every look
            is recorded.
Many        Whoever looks at more persons within an hour than the purpose allows needs the
            approval of a second person for exactly these customers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import (
    EVERY_FIELD,
    Actor,
    LookPurpose,
    Reading,
    load_matrix,
)
from counterfoil.platform.approvals import Value, payload_hash, require_approval
from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store, grant_store
from counterfoil.privacy import person_store as persons
from counterfoil.privacy import store as vault_store
from counterfoil.privacy.grant_store import Grant
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import (
    DATA_RESTRICTED,
    GRANT_NOT_VALID,
    PERSONAL_DATA_NOT_FOUND,
    PURPOSE_NOT_ALLOWED,
    REASON_MISSING,
    TICKET_INVALID,
)
from counterfoil.privacy.retention import State, load_schedule
from counterfoil.privacy.store import Look
from counterfoil.privacy.vault import Purpose

_TICKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_COUNTED: Final = timedelta(hours=1)
#: By customer and purpose of the vault; a refusal where it is damaged.
_Opened = Mapping[tuple[int, str], Mapping[str, str] | Refused]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealRequest:
    """A wish to see data in clear."""

    customer_ids: tuple[int, ...]
    #: Of the access matrix.
    purpose: str
    #: Purposes of the vault.
    data: tuple[str, ...]
    ticket: str
    reason: str
    #: None: as long as the purpose allows.
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Revealed:
    """Data of one customer in clear; it never shows itself in a log."""

    customer_id: int
    grant_id: int
    expires_at: datetime
    #: Purpose of the vault → field → value.
    data: Mapping[str, Mapping[str, str]]
    #: Purposes of the vault of which nothing opens, for it is damaged.
    damaged: tuple[str, ...] = ()


async def reveal(house: House, actor: Actor, request: RevealRequest) -> list[Revealed] | Refused:
    """Grant a look and return the data; or refuse, and record that."""
    try:
        outcome = await _reveal(house, actor, request)
    except RefusedError as error:
        outcome = error.refused
    if isinstance(outcome, Refused):
        return await note_refusal(house, actor, _act(request), outcome)
    return outcome


async def look_again(
    house: House, actor: Actor, *, customer_id: int, grant_id: int
) -> Revealed | Refused:
    """Return the data of a grant that still lasts; or refuse, and record that."""
    act = Act(
        name="reveal",
        customer_ids=[customer_id],
        subject=ids.to_text(ids.ACCESS_GRANT, grant_id),
    )
    async with house.database.connection() as connection:
        grant = await grant_store.read_grant(connection, customer_id, grant_id)
    if grant is None or not _is_valid(grant, actor, now=house.clock.now()):
        return await note_refusal(house, actor, act, refuse(GRANT_NOT_VALID))
    purpose = load_matrix().purpose_for(actor, grant.purpose)
    if purpose is None:
        refused = refuse(PURPOSE_NOT_ALLOWED, purpose=grant.purpose)
        return await note_refusal(house, actor, act, refused)
    try:
        opened = await _open(house, actor, [customer_id], grant.data, purpose)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    if isinstance(opened, Refused):
        return await note_refusal(house, actor, act, opened)
    async with house.database.transaction() as connection:
        await _record(house, connection, actor, [grant])
    return _revealed(grant, opened)


# house: allow dead-code – for rooms that keep reports and contracts, before they open one
async def check_grant(
    house: House, actor: Actor, *, customer_id: int, grant_id: int, data: Purpose
) -> Grant | Refused:
    """Return a grant that lets somebody see what another room keeps; a refusal is recorded.

    Whoever opens a record on the strength of it calls `record_opening` in its transaction.
    """
    async with house.database.connection() as connection:
        grant = await grant_store.read_grant(connection, customer_id, grant_id)
    valid = grant is not None and _is_valid(grant, actor, now=house.clock.now())
    if grant is None or not valid or data.value not in grant.data:
        act = Act(name="reveal", customer_ids=[customer_id], purpose=data.value)
        return await note_refusal(house, actor, act, refuse(GRANT_NOT_VALID))
    return grant


# house: allow dead-code – as check_grant
async def record_opening(house: House, connection: Connection, actor: Actor, grant: Grant) -> None:
    """Write look, leaf and line of the trail, in the transaction that opens a record."""
    await _record(house, connection, actor, [grant])


def bulk_payload(request: RevealRequest) -> dict[str, Value]:
    """Return what a second person approves of a look at many: exactly these customers and data."""
    return {
        "act": "bulk_reveal",
        "customers": [ids.to_text(ids.CUSTOMER, item) for item in sorted(request.customer_ids)],
        "data": " ".join(sorted(request.data)),
        "purpose": request.purpose,
        "ticket": request.ticket,
    }


async def _reveal(house: House, actor: Actor, request: RevealRequest) -> list[Revealed] | Refused:
    purpose = load_matrix().purpose_for(actor, request.purpose)
    if purpose is None or not request.data or not set(request.data) <= set(purpose.data):
        return refuse(PURPOSE_NOT_ALLOWED, purpose=request.purpose)
    if not request.reason.strip():
        return refuse(REASON_MISSING)
    if not _TICKET.fullmatch(request.ticket):
        return refuse(TICKET_INVALID)
    opened = await _open(house, actor, request.customer_ids, request.data, purpose)
    if isinstance(opened, Refused):
        return opened
    grants = _grants(house, actor, request, purpose)
    async with house.database.transaction() as connection:
        refused = await _without_second_person(house, connection, actor, request, purpose)
        if refused is not None:
            return refused
        await grant_store.add_grants(connection, grants)
        await _record(house, connection, actor, grants)
    return [_revealed(grant, opened) for grant in grants]


def _grants(
    house: House, actor: Actor, request: RevealRequest, purpose: LookPurpose
) -> list[Grant]:
    now = house.clock.now()
    minutes = min(request.minutes or purpose.minutes, purpose.minutes)
    return [
        Grant(
            customer_id=customer_id,
            grant_id=house.ids.next(),
            granted_to=actor.name,
            role=actor.role,
            purpose=request.purpose,
            data=request.data,
            ticket=request.ticket,
            reason=mask_free_text(request.reason),
            granted_at=now,
            expires_at=now + timedelta(minutes=minutes),
            approval_id=None,
        )
        for customer_id in request.customer_ids
    ]


async def _without_second_person(
    house: House,
    connection: Connection,
    actor: Actor,
    request: RevealRequest,
    purpose: LookPurpose,
) -> Refused | None:
    """Refuse whoever looks at too many without the approval of somebody else."""
    now = house.clock.now()
    others = await grant_store.count_looked_at(
        connection, actor.name, request.customer_ids, since=now - _COUNTED
    )
    if others + len(request.customer_ids) <= purpose.people:
        return None
    approval = await require_approval(
        connection,
        "bulk_reveal",
        payload_hash(bulk_payload(request)),
        used_by=actor.name,
        now=now,
    )
    return approval if isinstance(approval, Refused) else None


async def _open(
    house: House,
    actor: Actor,
    customer_ids: Sequence[int],
    data: Sequence[str],
    purpose: LookPurpose,
) -> _Opened | Refused:
    """Return the fields that the purpose shows, by customer and purpose of the vault.

    What is damaged is named in its place; refuses where nothing else is left.
    """
    found: dict[tuple[int, str], Mapping[str, str] | Refused] = {}
    reading = Reading(act="reveal", purpose=purpose.reads_for, actor=actor)
    async with house.database.connection() as connection:
        if not purpose.is_legal and await _is_restricted(connection, customer_ids, data):
            return refuse(DATA_RESTRICTED)
        for name in data:
            shown = purpose.data[name]
            fields = None if EVERY_FIELD in shown else shown
            read = await persons.read_each(
                connection, house.vault, customer_ids, [Purpose(name)], reading, fields
            )
            persons.kept_of(read)
            found |= {
                (customer_id, name): one for customer_id, one in read.items() if _is_kept(one)
            }
    # What another room keeps (reports, contracts) is opened there, under the grant.
    if any(not _has_any(found, customer_id) for customer_id in customer_ids) and _is_ours(data):
        return refuse(PERSONAL_DATA_NOT_FOUND)
    refused = [one for one in found.values() if isinstance(one, Refused)]
    return refused[0] if refused and len(refused) == len(found) else found


def _is_kept(found: Mapping[str, str] | Refused) -> bool:
    return not isinstance(found, Refused) or found.code != PERSONAL_DATA_NOT_FOUND.code


def _has_any(found: Mapping[tuple[int, str], object], customer_id: int) -> bool:
    return any(owner == customer_id for owner, _ in found)


def _is_ours(data: Sequence[str]) -> bool:
    """Return whether all of it is kept in the vault's own table."""
    return {Purpose(name) for name in data} <= {Purpose.IDENTITY, Purpose.CONTACT, Purpose.PAYOUT}


async def _is_restricted(
    connection: Connection, customer_ids: Sequence[int], data: Sequence[str]
) -> bool:
    schedule = load_schedule()
    classes = {
        found.code for name in data if (found := schedule.class_of(Purpose(name))) is not None
    }
    standings = await erasure_store.read_standings(connection, customer_ids)
    return any(item.data_class in classes and item.state is State.RESTRICTED for item in standings)


async def _record(
    house: House, connection: Connection, actor: Actor, grants: Sequence[Grant]
) -> None:
    """Write looks, leaves and lines of the trail for grants that differ in customer alone."""
    first = grants[0]
    looks = [
        Look(
            customer_id=grant.customer_id,
            reveal_id=house.ids.next(),
            grant_id=grant.grant_id,
            purpose=Purpose(name),
        )
        for grant in grants
        for name in grant.data
    ]
    await vault_store.add_reveals(
        connection,
        looks,
        revealed_to=actor.name,
        reason=first.reason,
        revealed_at=house.clock.now(),
    )
    leaves = [
        house.leaves.stage(
            grant.customer_id,
            house.ids.next(),
            LeafType.OPENED,
            grant.grant_id,
            _body(actor, grant),
        )
        for grant in grants
    ]
    await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    for grant in grants:
        act = Act(
            name="reveal",
            customer_ids=[grant.customer_id],
            subject=ids.to_text(ids.ACCESS_GRANT, grant.grant_id),
            purpose=grant.purpose,
            ticket=grant.ticket,
            reason=grant.reason,
            after=" ".join(grant.data),
        )
        await note(house, connection, actor, act)


def _body(actor: Actor, grant: Grant) -> dict[str, Value]:
    """Return what the leaf commits to: who, why, ticket, grant; the reason by its hash."""
    return {
        "act": "opened",
        "data": list(grant.data),
        "grant": ids.to_text(ids.ACCESS_GRANT, grant.grant_id),
        "purpose": grant.purpose,
        "reason_sha256": sha256(grant.reason.encode()).hexdigest(),
        "role": actor.role,
        "ticket": grant.ticket,
        "who": actor.name,
    }


def _is_valid(grant: Grant, actor: Actor, *, now: datetime) -> bool:
    return grant.granted_to == actor.name and now < grant.expires_at


def _revealed(grant: Grant, opened: _Opened) -> Revealed:
    found = {name: opened.get((grant.customer_id, name), {}) for name in grant.data}
    return Revealed(
        customer_id=grant.customer_id,
        grant_id=grant.grant_id,
        expires_at=grant.expires_at,
        data={name: one for name, one in found.items() if not isinstance(one, Refused)},
        damaged=tuple(name for name, one in found.items() if isinstance(one, Refused)),
    )


def _act(request: RevealRequest) -> Act:
    return Act(
        name="reveal",
        customer_ids=request.customer_ids,
        purpose=request.purpose,
        ticket=request.ticket if _TICKET.fullmatch(request.ticket) else "",
        reason=request.reason,
        after=" ".join(request.data),
    )
