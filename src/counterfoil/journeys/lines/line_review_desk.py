"""What reviews of lines leave to people: opened with the review, taken, and decided with a reason.

The story   A review that refers, or proposes to close a line, opens a case with a day by which a
            person decides; a line has one open case. Somebody takes it, sees everything that the
            machine saw, and keeps the line as it is, takes a measure, or closes it.
Two people  A wide decision asks for the approval of exactly case, ruling and limit; the same call
            after somebody else has approved carries it out.
Invariant   Measure, end of the case and line of the trail are one transaction; what carries the
            measure to the line is repeated until it is there (`line_measures.py`).
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

import orjson

from counterfoil.decisioning.line_review import case as transitions
from counterfoil.decisioning.line_review import desk_store as store
from counterfoil.decisioning.line_review import store as reviews
from counterfoil.decisioning.line_review.case import MEASURES, CaseRuling, ReviewCase
from counterfoil.decisioning.line_review.measure import LineMeasure
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.decisioning.refusals import LINE_REVIEW_CASE_NOT_FOUND
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.deciding.review import refuse_role
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import line_measures
from counterfoil.journeys.lines.line_measures import PERSON_DECIDES, MeasureWish
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_working_days
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending.refusals import LINE_NOT_FOUND
from counterfoil.lending.store import read_line
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text
from counterfoil.rules.shelf import working_days

#: What the second person's agreement is called.
APPROVAL: Final = "line_reduction"
#: Cases that the queue shows.
QUEUE_MAX: Final = 200


class Seen(NamedTuple):
    """A case with the review that led to it, and the version that made it."""

    case: ReviewCase
    review: StoredReview
    policy: ReviewPolicy


async def leave_to_people(
    house: House, connection: Connection, policy: ReviewPolicy, made: Sequence[StoredReview]
) -> int:
    """Open a case for each review that proposes something to a person; return how many are new."""
    left = [item for item in made if item.proposals]
    days = policy.desk.working_days
    return await store.open_cases(
        connection,
        [
            ReviewCase(
                customer_id=item.customer_id,
                case_id=house.ids.next(),
                line_id=item.line_id,
                review_id=item.review_id,
                proposals=item.proposals,
                opened_at=item.decided_at,
                due_on=add_working_days(item.business_date, days, days=working_days()),
            )
            for item in left
        ],
    )


async def waiting_cases(
    house: House,
    *,
    page: int = QUEUE_MAX,
    after: tuple[date, int] = store.FIRST,
    is_back: bool = False,
) -> list[ReviewCase]:
    """Return cases that wait for a person, the most urgent first."""
    async with house.database.connection() as connection:
        return await store.cases_waiting(connection, page=page, after=after, is_back=is_back)


async def see_case(house: House, *, customer_id: int, case_id: int) -> Seen | Refused:
    """Return a case with everything that the machine saw and said."""
    async with house.database.transaction() as connection:
        case = await store.lock_case(connection, customer_id=customer_id, case_id=case_id)
        if case is None:
            return refuse(LINE_REVIEW_CASE_NOT_FOUND)
        review = await reviews.read_review(
            connection, customer_id=customer_id, review_id=case.review_id
        )
        assert review is not None, "a case is of a review"
        policy = await reviews.read_review_policy(connection, review.policy_hash)
    assert policy is not None, "a version is kept before it reviews"
    return Seen(case, review, policy)


async def take_case(
    house: House, actor: Actor, *, customer_id: int, case_id: int, gives_back: bool = False
) -> ReviewCase | Refused:
    """Make a case somebody's task, or put it back into the queue."""
    act = _act("line_review_released" if gives_back else "line_review_taken", customer_id, case_id)
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    async with house.database.transaction() as connection:
        case = await store.lock_case(connection, customer_id=customer_id, case_id=case_id)
        if case is None:
            return refuse(LINE_REVIEW_CASE_NOT_FOUND)
        moved = (
            transitions.give_back(case, by=actor.name)
            if gives_back
            else transitions.take(case, by=actor.name, at=house.clock.now())
        )
        if isinstance(moved, Refused) or moved == case:
            return moved
        await store.change_case(connection, moved)
        await note(house, connection, actor, act)
    return moved


async def decide_case(
    house: House, actor: Actor, ruling: CaseRuling, *, customer_id: int, case_id: int
) -> ReviewCase | Approval | Refused:
    """Decide a case; a wide decision asks for a second person first, and is done by the same call.

    The ruling's `by` is the person who acts.
    """
    act = _act(f"line_review_{ruling.ruling}", customer_id, case_id, ruling.reason)
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    try:
        case, measure = await _decide(house, actor, ruling, (customer_id, case_id), act)
    except RefusedError as error:
        if error.refused.refusal is APPROVAL_MISSING:
            return await _ask(house, actor, ruling, (customer_id, case_id))
        return await note_refusal(house, actor, act, error.refused)
    if measure is not None:
        await line_measures.bring_to_line(house, measure)
    return case


async def _decide(
    house: House, actor: Actor, ruling: CaseRuling, key: tuple[int, int], act: Act
) -> tuple[ReviewCase, LineMeasure | None]:
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        case = await store.lock_case(connection, customer_id=key[0], case_id=key[1])
        if case is None:
            raise RefusedError(refuse(LINE_REVIEW_CASE_NOT_FOUND))
        policy = await review_policy_in_force(connection, at=now)
        line = await read_line(connection, case.customer_id, case.line_id)
        if line is None:
            raise RefusedError(refuse(LINE_NOT_FOUND))
        limit_minor = line.limit_minor
        unfit = transitions.refuse_ruling(case, ruling, limit_minor=limit_minor, on=on)
        if unfit is not None:
            raise RefusedError(unfit)
        agreed_by = None
        if transitions.is_wide(ruling, policy.desk, limit_minor=limit_minor):
            agreed_by = await _agreed(house, connection, actor, _payload(ruling, key))
        measure = await _carry(house, connection, policy, case, ruling)
        ruling = CaseRuling(
            ruling=ruling.ruling,
            by=actor.name,
            reason=mask_free_text(ruling.reason),
            to_minor=ruling.to_minor,
            ends_on=ruling.ends_on,
        )
        ended = transitions.decide_case(
            case,
            ruling,
            agreed_by=agreed_by,
            measure_id=None if measure is None else measure.measure_id,
            at=now,
        )
        await store.change_case(connection, ended)
        await note(house, connection, actor, act)
    return ended, measure


async def _agreed(
    house: House, connection: Connection, actor: Actor, payload: dict[str, str | int | None]
) -> str:
    approval = await require_approval(
        connection, APPROVAL, payload_hash({**payload}), used_by=actor.name, now=house.clock.now()
    )
    if isinstance(approval, Refused):
        raise RefusedError(approval)
    assert approval.decided_by is not None, "an approval was decided by somebody"
    return approval.decided_by


async def _carry(
    house: House,
    connection: Connection,
    policy: ReviewPolicy,
    case: ReviewCase,
    ruling: CaseRuling,
) -> LineMeasure | None:
    """Announce the measure that a ruling takes; None where nothing changes."""
    kind = MEASURES.get(ruling.ruling)
    if kind is None:
        return None
    wish = MeasureWish(
        customer_id=case.customer_id,
        line_id=case.line_id,
        kind=kind,
        reason=PERSON_DECIDES,
        author=ruling.by,
        to_minor=ruling.to_minor,
        ends_on=ruling.ends_on,
    )
    taken = await line_measures.announce_wish(house, connection, policy, wish)
    if isinstance(taken, Refused):
        raise RefusedError(taken)
    return taken


async def _ask(
    house: House, actor: Actor, ruling: CaseRuling, key: tuple[int, int]
) -> Approval | Refused:
    """Ask for a second person's agreement, once."""
    payload = _payload(ruling, key)
    for approval in await list_approvals(house, only_open=True, page=QUEUE_MAX):
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash({**payload}):
            return approval
    named = ids.to_text(ids.LINE_REVIEW_CASE, key[1])
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        {**payload},
        summary=f"{ruling.ruling} by the case {named}",
        reason=ruling.reason,
    )


def _payload(ruling: CaseRuling, key: tuple[int, int]) -> dict[str, str | int | None]:
    """Return exactly what the second person approves; the reason stands in the request."""
    return {
        "act": APPROVAL,
        "case": ids.to_text(ids.LINE_REVIEW_CASE, key[1]),
        "customer": ids.to_text(ids.CUSTOMER, key[0]),
        "ruling": ruling.ruling.value,
        "to_minor": ruling.to_minor,
    }


def _act(name: str, customer_id: int, case_id: int, reason: str = "") -> Act:
    subject = ids.to_text(ids.LINE_REVIEW_CASE, case_id)
    return Act(name=name, customer_ids=[customer_id], subject=subject, reason=reason)


def case_document(case: ReviewCase) -> dict[str, object]:
    """Return what an answer says of a case."""
    return {
        "id": ids.to_text(ids.LINE_REVIEW_CASE, case.case_id),
        "customer_id": ids.to_text(ids.CUSTOMER, case.customer_id),
        "line_id": ids.to_text(ids.LINE, case.line_id),
        "line_review_id": ids.to_text(ids.LINE_REVIEW, case.review_id),
        "proposals": list(case.proposals),
        "opened_at": case.opened_at.isoformat(),
        "due_on": case.due_on.isoformat(),
        "status": case.status.value,
        "taken_by": case.taken_by,
        "decision": case.decision and case.decision.value,
        "to_minor": case.to_minor,
        "decided_by": case.decided_by,
        "agreed_by": case.agreed_by,
        "reason": case.reason,
        "decided_at": case.decided_at and case.decided_at.isoformat(),
        "measure_id": case.measure_id and ids.to_text(ids.LINE_MEASURE, case.measure_id),
        "approval_id": None,
    }


def seen_document(seen: Seen) -> dict[str, object]:
    """Return a case with everything that the machine saw and said, for staff."""
    inputs, result = orjson.loads(seen.review.inputs), orjson.loads(seen.review.result)
    return {
        **case_document(seen.case),
        "asked": inputs["asked"],
        "facts": inputs["features"],
        "guards": inputs.get("guards"),
        "verdicts": result["verdicts"],
        "acted": result["acted"],
        "guarded": result["guarded"],
        "reasons": seen.policy.told(seen.review.reasons),
        "policy_version": seen.policy.version,
    }
