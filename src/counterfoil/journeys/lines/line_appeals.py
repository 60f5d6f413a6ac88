"""A customer appeals against a measure on a line; a person who did not take it decides.

Invariant   One open appeal a measure. Upholding one lifts the measure, or undoes it from its start,
            before the appeal is closed: a crash between the two is finished by deciding again.
Privacy     Grounds are free text: identity and phone numbers in them are hidden before they are
            kept.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.decisioning.line_review import appeal as transitions
from counterfoil.decisioning.line_review import case_store as store
from counterfoil.decisioning.line_review.appeal import AppealStatus, LineAppeal
from counterfoil.decisioning.line_review.notice import NoticeKind, appeal_words
from counterfoil.decisioning.refusals import (
    APPEAL_ALREADY_OPEN,
    APPEAL_NOT_FOUND,
    LINE_MEASURE_NOT_FOUND,
    MEASURE_NOT_STANDING,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.lift_measure import lift_measure
from counterfoil.journeys.lines.line_measures import notice_of, tell
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.privacy.masking import mask_free_text

#: Appeals that the queue shows.
QUEUE_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealDecision:
    """How a person ends an appeal."""

    customer_id: int
    appeal_id: int
    #: `lifted`, `undone` or `rejected`; `withdrawn` where the customer wished so.
    status: AppealStatus
    by: str
    reason: str


async def appeal(
    house: House, *, customer_id: int, measure_id: int, grounds: str
) -> LineAppeal | Refused:
    """Take in an appeal; its clock runs from the business date."""
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        key = (customer_id, measure_id)
        measure = (await store.lock_measures(connection, [key])).get(key)
        if measure is None:
            return refuse(LINE_MEASURE_NOT_FOUND)
        lodged = transitions.lodge(
            measure, mask_free_text(grounds), appeal_id=house.ids.next(), on=on, at=now
        )
        if isinstance(lodged, Refused):
            return lodged
        if not await store.add_appeal(connection, lodged):
            return refuse(APPEAL_ALREADY_OPEN)
        row = (house.ids.next(), customer_id, "line_appeal_opened", lodged.appeal_id, "{}", now)
        await PLATFORM.add_events.execute(connection, rows=[row])
    return lodged


async def decide_appeal(house: House, decision: AppealDecision) -> LineAppeal | Refused:
    """End an appeal by a person; one that is upheld gives the customer back what was taken."""
    found = await _judged(house, decision)
    if isinstance(found, Refused):
        return found
    ended, measure_id = found
    if decision.status in {AppealStatus.LIFTED, AppealStatus.UNDONE}:
        lifted = await lift_measure(
            house,
            customer_id=decision.customer_id,
            measure_id=measure_id,
            by=decision.by,
            reason=decision.reason,
            is_wrong=decision.status is AppealStatus.UNDONE,
        )
        # Whatever ended the measure meanwhile, the appeal has its answer.
        if isinstance(lifted, Refused) and lifted.refusal is not MEASURE_NOT_STANDING:
            return lifted
    return await _close(house, decision, ended)


async def open_appeals(
    house: House,
    *,
    page: int = QUEUE_MAX,
    after: tuple[date, int] = store.FIRST,
    is_back: bool = False,
) -> list[LineAppeal]:
    """Return appeals that wait for a person, the most urgent first."""
    async with house.database.connection() as connection:
        return await store.appeals_open(connection, page=page, after=after, is_back=is_back)


async def _judged(house: House, decision: AppealDecision) -> tuple[LineAppeal, int] | Refused:
    """Return the appeal as it would end, where this person may end it, and its measure."""
    async with house.database.transaction() as connection:
        held = await store.lock_appeal(
            connection, customer_id=decision.customer_id, appeal_id=decision.appeal_id
        )
        if held is None:
            return refuse(APPEAL_NOT_FOUND)
        key = (held.customer_id, held.measure_id)
        measure = (await store.lock_measures(connection, [key]))[key]
    ended = transitions.decide_appeal(
        held,
        measure,
        decision.status,
        by=decision.by,
        reason=decision.reason,
        at=house.clock.now(),
    )
    return ended if isinstance(ended, Refused) else (ended, held.measure_id)


async def _close(house: House, decision: AppealDecision, ended: LineAppeal) -> LineAppeal | Refused:
    async with house.database.transaction() as connection:
        held = await store.lock_appeal(
            connection, customer_id=decision.customer_id, appeal_id=decision.appeal_id
        )
        assert held is not None, "it was just looked at"
        if held.status is not AppealStatus.OPEN:
            return held
        await store.change_appeal(connection, ended)
        key = (held.customer_id, held.measure_id)
        measure = (await store.lock_measures(connection, [key]))[key]
        words = appeal_words(ended.status)
        told = notice_of(house, measure, NoticeKind.APPEAL_DECIDED, words)
        await tell(house, connection, [told])
    return ended


def appeal_document(appeal: LineAppeal) -> dict[str, object]:
    """Return what an answer says of an appeal."""
    return {
        "id": ids.to_text(ids.LINE_APPEAL, appeal.appeal_id),
        "customer_id": ids.to_text(ids.CUSTOMER, appeal.customer_id),
        "line_id": ids.to_text(ids.LINE, appeal.line_id),
        "measure_id": ids.to_text(ids.LINE_MEASURE, appeal.measure_id),
        "grounds": appeal.grounds,
        "received_at": appeal.received_at.isoformat(),
        "due_on": appeal.due_on.isoformat(),
        "status": appeal.status.value,
        "decided_at": appeal.decided_at and appeal.decided_at.isoformat(),
        "decided_by": appeal.decided_by,
        "decision_reason": appeal.decision_reason,
    }
