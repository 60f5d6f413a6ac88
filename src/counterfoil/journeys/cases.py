"""Cases: through which a member of staff reaches a customer, where the role needs one.

Opened      By whoever takes what waits in a queue of the role: a review, an appeal, a request about
            one's own data, a payment in doubt, a loan that is overdue. Or by somebody who looks
            after staff, for a colleague, by hand.
Ends        After the days that the installation sets, or earlier by the person or by whoever looks
            after staff. All of it stands in the trail.
One person  What a colleague works on nobody else takes, until it is given back or the colleague has
            left; a payment in doubt is for two, one who proposes and one who approves.
"""

from datetime import datetime, timedelta
from typing import Final

from counterfoil.journeys.admitting.second_factor import MANAGE
from counterfoil.journeys.entry import Ask, enter, in_queue
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import holdings
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.holdings import (
    CASE_NOT_ALLOWED,
    CASE_NOT_FOUND,
    CASE_TAKEN,
    CASES_MAX,
    QUERIES,
    CustomerCase,
    Matter,
    Reach,
    read_holding,
    whose_task,
)
from counterfoil.platform.staff import OPERATOR_NOT_FOUND, list_members
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import REASON_MISSING

#: Of a case that somebody else gave by hand.
ASSIGNED: Final = "assigned"
#: Queue → prefix of what waits there; a request about one's own data is a matter of the person.
_PREFIXES: Final = {
    "review": ids.REVIEW,
    "appeal": ids.LINE_APPEAL,
    "suspense": ids.PAYMENT,
    "overdue": ids.LOAN,
}
#: One person proposes, another approves.
_FOR_TWO: Final = frozenset({"suspense"})
#: Any permission that lets a customer be seen: hours and courses bind who takes a case, too.
_ACT: Final = "read"


async def tasks_of(
    house: House, actor: Actor, reach: Reach, customer_id: int, *, now: datetime
) -> list[tuple[str, int]]:
    """Return what waits about a customer in the queues of somebody's role: kind and number.

    Nothing of a customer who lies outside somebody's lenders, products or regions, and nothing of
    other products or lenders of a customer who does not.
    """
    kinds = sorted(load_matrix().rights_of(actor.role).cases)
    async with house.database.connection() as connection:
        rows = await QUERIES.tasks_of.fetch(
            connection, customer_id=customer_id, kinds=kinds, page=CASES_MAX
        )
    tasks = [(row["kind"], row["subject_id"]) for row in rows]
    matters = {task: _matter(customer_id, *task) for task in tasks}
    seen = await in_queue(house, reach, matters.values(), now=now)
    return [task for task in tasks if matters[task] in seen]


def _matter(customer_id: int, kind: str, subject_id: int) -> Matter:
    prefix = _PREFIXES.get(kind, ids.CUSTOMER)
    return Matter(customer_id, prefix, customer_id if prefix == ids.CUSTOMER else subject_id)


async def take_case(
    house: House,
    actor: Actor,
    *,
    customer_id: int,
    kind: str,
    subject_id: int,
    reason: str,
    now: datetime,
) -> CustomerCase | Refused:
    """Take what waits in a queue; from now on the customer is reached."""
    act = _act("case_taken", customer_id, kind, reason)
    refused = None if reason.strip() else refuse(REASON_MISSING)
    if kind not in load_matrix().rights_of(actor.role).cases:
        refused = refuse(CASE_NOT_ALLOWED)
    if refused is None:
        async with house.database.connection() as connection:
            holding = await read_holding(connection, actor.name)
        entered = await enter(house, actor, holding, Ask(act=_ACT), now=now)
        if isinstance(entered, Refused):
            refused = entered
        else:
            tasks = await tasks_of(house, actor, entered.reach, customer_id, now=now)
            refused = refuse(CASE_NOT_FOUND)
            if (kind, subject_id) in tasks:
                refused = await _refuse_taken(house, actor, customer_id, kind, subject_id, now=now)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    return await _open(house, actor, actor.name, customer_id, kind, subject_id, reason, now=now)


async def _refuse_taken(
    house: House, actor: Actor, customer_id: int, kind: str, subject_id: int, *, now: datetime
) -> Refused | None:
    """Refuse what a colleague works on; what needs two people may be two people's case."""
    if kind in _FOR_TWO:
        return None
    async with house.database.connection() as connection:
        person = await whose_task(
            connection, customer_id, (kind, subject_id), but=actor.name, now=now
        )
    return None if person is None else refuse(CASE_TAKEN, person=person)


async def assign_case(
    house: House, actor: Actor, *, operator: str, customer_id: int, reason: str, now: datetime
) -> CustomerCase | Refused:
    """Give a colleague the case of a customer by hand; nobody gives one to themselves."""
    act = _act("case_assigned", customer_id, operator, reason)
    refused = None if reason.strip() else refuse(REASON_MISSING)
    if MANAGE not in load_matrix().rights_for(actor).permissions or actor.name == operator:
        refused = refuse(CASE_NOT_ALLOWED)
    async with house.database.connection() as connection:
        found = await list_members(connection, operator)
    if refused is None and (not found or found[0].disabled_at is not None):
        refused = refuse(OPERATOR_NOT_FOUND, name=operator[:64])
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    return await _open(house, actor, operator, customer_id, ASSIGNED, 0, reason, now=now)


async def end_case(
    house: House, actor: Actor, *, customer_id: int, case_id: int, reason: str, now: datetime
) -> Refused | None:
    """End a case of one's own, or of a colleague, before its time."""
    act = _act("case_ended", customer_id, ids.to_text(ids.CUSTOMER_CASE, case_id), reason)
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    may_manage = MANAGE in load_matrix().rights_for(actor).permissions
    async with house.database.transaction() as connection:
        found = await holdings.list_cases(connection, customer_id=customer_id, open_at=now)
        mine = [case for case in found if case.case_id == case_id]
        if mine and (may_manage or mine[0].operator == actor.name):
            await QUERIES.end_case.execute(
                connection,
                customer_id=customer_id,
                case_id=case_id,
                ended_by=actor.name,
                reason=mask_free_text(reason),
                now=now,
            )
            await note(house, connection, actor, act)
            return None
    refused = refuse(CASE_NOT_ALLOWED if mine else CASE_NOT_FOUND)
    return await note_refusal(house, actor, act, refused)


async def open_cases(
    house: House,
    *,
    operator: str | None = None,
    now: datetime,
    page: int = holdings.CASES_MAX,
    before: int = holdings.NEWEST,
    is_back: bool = False,
) -> list[CustomerCase]:
    """Return open cases, newest first; of one person where one is named."""
    async with house.database.connection() as connection:
        return list(
            await holdings.list_cases(
                connection,
                operator=operator,
                open_at=now,
                page=page,
                before=before,
                is_back=is_back,
            )
        )


async def _open(
    house: House,
    actor: Actor,
    operator: str,
    customer_id: int,
    kind: str,
    subject_id: int,
    reason: str,
    *,
    now: datetime,
) -> CustomerCase:
    case = CustomerCase(
        customer_id=customer_id,
        case_id=house.ids.next(),
        operator=operator,
        kind=kind,
        subject_id=subject_id,
        reason=mask_free_text(reason),
        opened_by=actor.name,
        opened_at=now,
        ends_at=now + timedelta(days=house.settings.case_days),
    )
    name = "case_taken" if operator == actor.name else "case_assigned"
    act = _act(name, customer_id, ids.to_text(ids.CUSTOMER_CASE, case.case_id), reason)
    async with house.database.transaction() as connection:
        await QUERIES.add_case.execute(
            connection, **{field: getattr(case, field) for field in CustomerCase.__slots__}
        )
        await note(house, connection, actor, act)
    return case


def _act(name: str, customer_id: int, subject: str, reason: str) -> Act:
    return Act(name=name, customer_ids=[customer_id], subject=subject, reason=reason)
