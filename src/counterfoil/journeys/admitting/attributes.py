"""Attributes and trainings of staff and programs: given by two people, for a time, taken back.

Attributes  The first call asks a second person to approve exactly this; the same call after the
            approval gives it. For at most a year; whoever looks after staff takes it back at once.
Trainings   Recorded by somebody else than who passed. The courses themselves, their tests and
            contents are kept elsewhere; here is that one was passed, which version, until when.
Recorded    With before and after in the trail; an attribute also as a leaf of the log.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.admitting.second_factor import MANAGE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.entry import LENDER_ZONE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import holdings
from counterfoil.platform.access import Role
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import (
    APPROVAL_BY_ANOTHER,
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.holdings import (
    ATTRIBUTE_INVALID,
    ATTRIBUTE_NOT_FOUND,
    COURSE_UNKNOWN,
    QUERIES,
    Attribute,
    AttributeGrant,
    Training,
)
from counterfoil.platform.staff import RIGHTS_NOT_ALLOWED, list_members
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import REASON_MISSING

APPROVAL: Final = "attribute"
_LONGEST: Final = timedelta(days=366)
_ROWS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeWish:
    """An attribute that somebody is to hold."""

    #: An operator's name, or `api:` and the client's.
    holder: str
    attribute: Attribute
    value: str
    #: The last day.
    until: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLine:
    """A course of somebody who may sign in, and how long it still counts."""

    holder: str
    role: str
    course: str
    #: None where it was never passed.
    valid_until: date | None
    #: `valid`, `ends_soon`, `grace`, `missing`.
    state: str


async def give_attribute(
    house: House, actor: Actor, wish: AttributeWish, *, now: datetime
) -> AttributeGrant | Approval | Refused:
    """Give an attribute if somebody else has approved it; else ask for that, once."""
    act = _act("attribute_given", wish.holder, wish.reason, after=_text(wish))
    refused = _refuse_wish(house, actor, wish, now=now)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    try:
        return await _give(house, actor, wish, act, now=now)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    payload = _payload(wish)
    for waiting in await list_approvals(house, only_open=True, page=_ROWS):
        if waiting.kind == APPROVAL and waiting.payload_hash == payload_hash(payload):
            return waiting
    summary = f"{_text(wish)} for {wish.holder} until {wish.until}"
    return await ask_approval(house, actor, APPROVAL, payload, summary=summary, reason=wish.reason)


async def end_attribute(
    house: House, actor: Actor, grant_id: int, *, reason: str, now: datetime
) -> Refused | None:
    """Take an attribute back before its time; what is limited by it stays limited."""
    record = ids.to_text(ids.ATTRIBUTE, grant_id)
    refused = None if reason.strip() else refuse(REASON_MISSING)
    if MANAGE not in load_matrix().rights_for(actor).permissions:
        refused = refuse(RIGHTS_NOT_ALLOWED)
    async with house.database.transaction() as connection:
        found = [g for g in await holdings.list_grants(connection) if g.grant_id == grant_id]
        if refused is None and found and found[0].ends_at > now:
            await QUERIES.end_grant.execute(
                connection,
                grant_id=grant_id,
                ended_by=actor.name,
                reason=mask_free_text(reason),
                now=now,
            )
            before = f"{found[0].attribute} {found[0].value}"
            await note(
                house, connection, actor, _act("attribute_ended", record, reason, before=before)
            )
            return None
    refused = refused or refuse(ATTRIBUTE_NOT_FOUND)
    return await note_refusal(house, actor, _act("attribute_ended", record, reason), refused)


async def list_attributes(house: House, holder: str | None = None) -> list[AttributeGrant]:
    """Return attributes, of everybody where nobody is named; ended ones too."""
    async with house.database.connection() as connection:
        return await holdings.list_grants(connection, holder)


async def record_training(
    house: House, actor: Actor, training: Training, *, now: datetime
) -> Training | Refused:
    """Write down that a colleague passed a course; nobody records one of their own."""
    act = _act(
        "training_recorded",
        training.holder,
        "",
        after=f"{training.course_code} {training.course_version} until {training.valid_until}",
    )
    refused = None
    if MANAGE not in load_matrix().rights_for(actor).permissions:
        refused = refuse(RIGHTS_NOT_ALLOWED)
    elif training.holder == actor.name:
        refused = refuse(APPROVAL_BY_ANOTHER)
    elif not _is_course(training, on=now.astimezone(LENDER_ZONE).date()):
        refused = refuse(COURSE_UNKNOWN, course=training.course_code[:64])
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    async with house.database.transaction() as connection:
        await QUERIES.add_training.execute(
            connection, **{field: getattr(training, field) for field in Training.__slots__}
        )
        await note(house, connection, actor, act)
    return training


async def review_trainings(house: House, *, now: datetime) -> list[TrainingLine]:
    """Return each course that somebody's role asks for, and how long it still counts."""
    async with house.database.connection() as connection:
        passed = await holdings.list_trainings(connection)
        members = [m for m in await list_members(connection) if m.disabled_at is None]
    on = now.astimezone(LENDER_ZONE).date()
    lines = []
    for name, role in [(member.name, member.role) for member in members]:
        rights = load_matrix().rights_of(role)
        courses = {c for p in rights.permissions for c in load_matrix().acts[p].courses}
        for course in sorted(courses):
            own = holdings.Holding(trainings=tuple(t for t in passed if t.holder == name))
            until = holdings.course_until(own, course, role)
            lines.append(
                TrainingLine(
                    holder=name,
                    role=role,
                    course=course,
                    valid_until=until,
                    state=_state(house, until, on=on),
                )
            )
    return lines


def _state(house: House, until: date | None, *, on: date) -> str:
    if until is None:
        return "missing"
    left = (until - on).days
    if left < 0:
        return "grace" if -left <= house.settings.training_grace_days else "missing"
    return "ends_soon" if left <= house.settings.training_warning_days else "valid"


def _is_course(training: Training, *, on: date) -> bool:
    is_known = training.course_code in load_matrix().courses
    is_role = training.role in {role.value for role in Role}
    return (
        is_known
        and is_role
        and training.course_version > 0
        and training.passed_on <= on
        and training.passed_on <= training.valid_until
    )


def _refuse_wish(
    house: House, actor: Actor, wish: AttributeWish, *, now: datetime
) -> Refused | None:
    if APPROVAL not in load_matrix().rights_for(actor).requests:
        return refuse(RIGHTS_NOT_ALLOWED)
    if not wish.reason.strip():
        return refuse(REASON_MISSING)
    known: dict[Attribute, set[str]] = {
        Attribute.PRODUCT: {terms.code for terms in house.catalogue.all()},
        Attribute.LENDER: {terms.lender_id for terms in house.catalogue.all()},
        Attribute.PURPOSE: set(load_matrix().purposes),
    }
    today = now.astimezone(LENDER_ZONE).date()
    is_value = holdings.is_value(wish.attribute, wish.value, known.get(wish.attribute, set()))
    if not is_value or not today <= wish.until <= today + _LONGEST:
        return refuse(
            ATTRIBUTE_INVALID, attribute=wish.attribute, value=mask_free_text(wish.value[:64])
        )
    return None


async def _give(
    house: House, actor: Actor, wish: AttributeWish, act: Act, *, now: datetime
) -> AttributeGrant:
    async with house.database.transaction() as connection:
        approval = await require_approval(
            connection,
            APPROVAL,
            payload_hash(_payload(wish)),
            used_by=actor.name,
            now=house.clock.now(),
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        if approval.decided_by == wish.holder:
            raise RefusedError(refuse(APPROVAL_BY_ANOTHER))
        grant = AttributeGrant(
            grant_id=house.ids.next(),
            holder=wish.holder,
            attribute=wish.attribute.value,
            value=wish.value,
            reason=mask_free_text(wish.reason),
            granted_by=approval.requested_by,
            approved_by=approval.decided_by or "",
            starts_at=now,
            ends_at=datetime.combine(
                wish.until + timedelta(days=1), datetime.min.time(), LENDER_ZONE
            ),
        )
        await QUERIES.add_grant.execute(
            connection,
            approval_id=approval.approval_id,
            **{field: getattr(grant, field) for field in AttributeGrant.__slots__},
        )
        leaf = house.leaves.stage(
            HOUSE,
            house.ids.next(),
            LeafType.APPROVAL,
            grant.grant_id,
            {
                "act": "attribute",
                "approval": ids.to_text(ids.APPROVAL, approval.approval_id),
                "attribute": wish.attribute.value,
                "holder": wish.holder,
                "until": wish.until.isoformat(),
                "value": wish.value,
            },
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await note(house, connection, actor, act)
    return grant


def _payload(wish: AttributeWish) -> dict[str, Value]:
    return {
        "act": APPROVAL,
        "attribute": wish.attribute.value,
        "holder": wish.holder,
        "until": wish.until.isoformat(),
        "value": wish.value,
    }


def _text(wish: AttributeWish) -> str:
    return f"{wish.attribute.value} {wish.value}"


def _act(name: str, subject: str, reason: str, *, before: str = "", after: str = "") -> Act:
    return Act(name=name, subject=subject, reason=reason, before=before, after=after)
