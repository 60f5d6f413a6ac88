"""Rights that nobody uses expire; somebody else says which are still needed; emergencies lend some.

Expiry      A permission of the role that was neither used nor confirmed for so many days is
            suspended until somebody else confirms it. A role that is new has its days from then.
Emergency   The permissions and purposes of one other role that the matrix names, for an hour at
            most by default. It is told to everybody at once, and stays open until somebody else
            has looked into it. It never makes anybody the second person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.journeys.admitting.second_factor import MANAGE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import staff
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Runner
from counterfoil.platform.staff import (
    EMERGENCY_NOT_ALLOWED,
    EMERGENCY_NOT_FOUND,
    EMERGENCY_UNDER_WAY,
    OPERATOR_NOT_FOUND,
    QUERIES,
    RIGHT_NOT_HELD,
    RIGHTS_BY_ANOTHER,
    RIGHTS_NOT_ALLOWED,
    Emergency,
    KnownRight,
    Member,
)
from counterfoil.platform.telemetry import logger
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import REASON_MISSING, TICKET_INVALID

_LOG: Final = logger("counterfoil.staff")
_TICKET_LENGTH_MAX: Final = 64
JUSTIFIED: Final = "justified"
NOT_JUSTIFIED: Final = "not_justified"
FINDINGS: Final = (JUSTIFIED, NOT_JUSTIFIED)


class RightState(StrEnum):
    """How a permission stands with the review."""

    IN_USE = "in_use"
    #: Confirmed by somebody else within the period, though not used.
    CONFIRMED = "confirmed"
    #: Neither; it is suspended at the end of the period.
    UNUSED = "unused"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RightLine:
    """One permission of one operator in the review."""

    operator: str
    role: str
    permission: str
    state: RightState
    last_used_on: date | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    #: When it is suspended unless it is used or confirmed.
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds for an operator now beyond the role."""

    suspended: frozenset[str] = frozenset()
    emergency_id: int | None = None
    lent_role: str = ""
    ends_at: datetime | None = None
    #: Emergencies of anybody that wait for a review.
    emergencies_waiting: int = 0


NO_STANDING: Final = Standing()


async def standing_of(
    house: House, connection: Runner, name: str, role: str, *, now: datetime
) -> Standing:
    """Return what holds for an operator now."""
    lent = await staff.read_lent(connection, name, now=now)
    suspended: frozenset[str] = frozenset()
    if house.settings.guards_staff:
        members = await staff.list_members(connection, name)
        known = await staff.known_rights(connection, name)
        lines = _lines(house, members, known, now=now)
        suspended = frozenset(
            line.permission for line in lines if line.state is RightState.SUSPENDED
        )
    return Standing(
        suspended=suspended & load_matrix().rights_of(role).permissions,
        emergency_id=lent.emergency_id,
        lent_role=lent.lent_role or "",
        ends_at=lent.ends_at,
        emergencies_waiting=lent.waiting,
    )


async def note_right_use(connection: Connection, name: str, permission: str, *, on: date) -> None:
    """Keep the day on which an operator used a permission."""
    await QUERIES.note_right_use.execute(
        connection, operator=name, permission=permission, used_on=on
    )


async def review_rights(house: House, *, now: datetime) -> list[RightLine]:
    """Return every permission of all who may sign in, by operator and permission."""
    async with house.database.connection() as connection:
        members = await staff.list_members(connection)
        known = await staff.known_rights(connection)
    return _lines(house, [m for m in members if m.disabled_at is None], known, now=now)


async def confirm_rights(
    house: House,
    actor: Actor,
    name: str,
    permissions: Sequence[str],
    *,
    reason: str,
    now: datetime,
) -> int | Refused:
    """Confirm that a colleague still needs permissions, all of the role where none is named."""
    act = Act(name="rights_confirmed", subject=name, reason=reason, after=" ".join(permissions))
    outcome = await _confirm(house, actor, name, permissions, reason=reason, now=now)
    return (
        await note_refusal(house, actor, act, outcome) if isinstance(outcome, Refused) else outcome
    )


async def begin_emergency(
    house: House,
    actor: Actor,
    *,
    role: str,
    ticket: str,
    reason: str,
    minutes: int | None,
    now: datetime,
) -> Emergency | Refused:
    """Lend an operator the rights of another role for a time, and raise the alarm."""
    act = Act(name="emergency_begun", purpose=role, ticket=ticket, reason=reason)
    outcome = _not_allowed(actor, role, ticket, reason)
    longest = house.settings.emergency_minutes
    number = house.ids.next()
    async with house.database.transaction() as connection:
        lent = await staff.read_lent(connection, actor.name, now=now)
        if outcome is None and lent.emergency_id is not None:
            outcome = refuse(EMERGENCY_UNDER_WAY)
        if outcome is None:
            await QUERIES.add_emergency.execute(
                connection,
                emergency_id=number,
                operator=actor.name,
                role=actor.role,
                lent_role=role,
                ticket=ticket,
                reason=mask_free_text(reason),
                started_at=now,
                ends_at=now + timedelta(minutes=min(minutes or longest, longest)),
            )
            begun = replace(act, subject=ids.to_text(ids.EMERGENCY, number))
            await note(house, connection, actor, begun)
        found = await staff.list_emergencies(connection, emergency_id=number)
    if outcome is not None:
        return await note_refusal(house, actor, act, outcome)
    _LOG.error("emergency access begun", operator=actor.name, role=role, emergency=number)
    house.metrics.emergencies.labels(act="begun").inc()
    return found[0]


async def end_emergency(house: House, actor: Actor, *, now: datetime) -> Refused | None:
    """End one's own emergency before its time."""
    async with house.database.transaction() as connection:
        lent = await staff.read_lent(connection, actor.name, now=now)
        if lent.emergency_id is None:
            return refuse(EMERGENCY_NOT_FOUND)
        await _add_event(connection, lent.emergency_id, "ended", actor.name, actor, now=now)
        subject = ids.to_text(ids.EMERGENCY, lent.emergency_id)
        await note(house, connection, actor, Act(name="emergency_ended", subject=subject))
    return None


async def list_emergencies(house: House, *, only_open: bool = False) -> list[Emergency]:
    """Return emergencies, newest first."""
    async with house.database.connection() as connection:
        return await staff.list_emergencies(connection, only_open=only_open)


async def find_emergency(house: House, emergency_id: int) -> Emergency | None:
    """Return one emergency."""
    async with house.database.connection() as connection:
        found = await staff.list_emergencies(connection, emergency_id=emergency_id)
    return found[0] if found else None


async def review_emergency(
    house: House, actor: Actor, emergency_id: int, *, finding: str, text: str, now: datetime
) -> Emergency | Refused:
    """Look into somebody else's emergency once it is over, and say whether it was justified."""
    act = Act(
        name="emergency_reviewed",
        subject=ids.to_text(ids.EMERGENCY, emergency_id),
        purpose=finding,
        reason=text,
    )
    async with house.database.transaction() as connection:
        found = await staff.list_emergencies(connection, emergency_id=emergency_id)
        refused = _not_reviewable(actor, found, finding, text, now=now)
        if refused is None:
            await _add_event(
                connection,
                emergency_id,
                "reviewed",
                found[0].operator,
                actor,
                now=now,
                finding=finding,
                text=mask_free_text(text),
            )
            await note(house, connection, actor, act)
            found = await staff.list_emergencies(connection, emergency_id=emergency_id)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    house.metrics.emergencies.labels(act=finding).inc()
    return found[0]


async def _confirm(
    house: House,
    actor: Actor,
    name: str,
    permissions: Sequence[str],
    *,
    reason: str,
    now: datetime,
) -> int | Refused:
    if MANAGE not in load_matrix().rights_for(actor).permissions:
        return refuse(RIGHTS_NOT_ALLOWED)
    if actor.name == name:
        return refuse(RIGHTS_BY_ANOTHER)
    if not reason.strip():
        return refuse(REASON_MISSING)
    async with house.database.transaction() as connection:
        found = await staff.list_members(connection, name)
        if not found or found[0].disabled_at is not None:
            return refuse(OPERATOR_NOT_FOUND, name=name)
        held = load_matrix().rights_of(found[0].role).permissions
        wanted = sorted(set(permissions) or held)
        for permission in wanted:
            if permission not in held:
                return refuse(RIGHT_NOT_HELD, name=name, permission=permission)
        await staff.add_confirmations(
            connection,
            ids=[house.ids.next() for _ in wanted],
            operator=name,
            permissions=wanted,
            confirmed_by=actor.name,
            reason=mask_free_text(reason),
            now=now,
        )
        act = Act(name="rights_confirmed", subject=name, reason=reason, after=" ".join(wanted))
        await note(house, connection, actor, act)
    return len(wanted)


def _lines(
    house: House, members: Iterable[Member], known: Iterable[KnownRight], *, now: datetime
) -> list[RightLine]:
    found = {(item.operator, item.permission): item for item in known}
    return [
        _line(house, member, permission, found, now=now)
        for member in members
        for permission in sorted(load_matrix().rights_of(member.role).permissions)
    ]


def _line(
    house: House,
    member: Member,
    permission: str,
    known: Mapping[tuple[str, str], KnownRight],
    *,
    now: datetime,
) -> RightLine:
    item = known.get((member.name, permission))
    used_on = item.last_used_on if item else None
    confirmed_at = item.confirmed_at if item else None
    period = timedelta(days=house.settings.rights_unused_days)
    used_at = None
    if used_on is not None:
        # A use counts to the end of its day, in whatever zone that day was.
        used_at = datetime.combine(used_on, datetime.max.time(), tzinfo=now.tzinfo)
    last = max(t for t in (member.rights_since, used_at, confirmed_at) if t is not None)
    if now > last + period:
        state = RightState.SUSPENDED
    elif used_at is not None and now <= used_at + period:
        state = RightState.IN_USE
    elif confirmed_at is not None:
        state = RightState.CONFIRMED
    else:
        state = RightState.UNUSED
    return RightLine(
        operator=member.name,
        role=member.role,
        permission=permission,
        state=state,
        last_used_on=used_on,
        confirmed_at=confirmed_at,
        confirmed_by=item.confirmed_by if item else None,
        expires_at=last + period,
    )


def _not_allowed(actor: Actor, role: str, ticket: str, reason: str) -> Refused | None:
    if role not in load_matrix().rights_of(actor.role).emergency:
        return refuse(EMERGENCY_NOT_ALLOWED, role=role[:64])
    if not reason.strip():
        return refuse(REASON_MISSING)
    if not ticket.strip() or len(ticket) > _TICKET_LENGTH_MAX:
        return refuse(TICKET_INVALID)
    return None


def _not_reviewable(
    actor: Actor, found: Sequence[Emergency], finding: str, text: str, *, now: datetime
) -> Refused | None:
    if MANAGE not in load_matrix().rights_for(actor).permissions:
        return refuse(RIGHTS_NOT_ALLOWED)
    is_over = bool(found) and found[0].ends_at <= now and found[0].reviewed_at is None
    if not is_over or finding not in FINDINGS:
        return refuse(EMERGENCY_NOT_FOUND)
    if found[0].operator == actor.name:
        return refuse(RIGHTS_BY_ANOTHER)
    return None if text.strip() else refuse(REASON_MISSING)


async def _add_event(
    connection: Connection,
    emergency_id: int,
    kind: str,
    operator: str,
    actor: Actor,
    *,
    now: datetime,
    finding: str = "",
    text: str = "",
) -> None:
    await QUERIES.add_emergency_event.execute(
        connection,
        emergency_id=emergency_id,
        kind=kind,
        operator=operator,
        done_by=actor.name,
        finding=finding,
        text=text,
        at=now,
    )
