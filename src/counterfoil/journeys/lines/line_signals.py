"""What is signalled about a line: kept once, and the line is reviewed on it at once.

Repetition  The same signal of the same source and reference is one; telling it again reviews
            nothing anew on the same day.
Crash       With the signal its line's review is brought forward: one that a crash cut short is made
            by the job that reviews what events have brought forward.
"""

from dataclasses import dataclass

from counterfoil.decisioning.line_review import case_store as store
from counterfoil.decisioning.line_review.signal import LineSignal, SignalKind
from counterfoil.decisioning.refusals import (
    DECISION_REASON_MISSING,
    LINE_REVIEW_UNDER_WAY,
    LINE_SIGNAL_NOT_FOUND,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_reviewing import review_line
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending import review_store as lending
from counterfoil.lending.store import read_line
from counterfoil.privacy.masking import mask_free_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A signal as somebody tells it."""

    customer_id: int
    line_id: int
    kind: SignalKind
    #: Who tells it, and where more is found; no personal data.
    source: str
    reference: str
    by: str


async def note_signal(house: House, told: Told) -> LineSignal | Refused:
    """Keep a signal and review the line on it."""
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        line = await read_line(connection, told.customer_id, told.line_id)
        if line is None:
            return refuse(refusals.LINE_NOT_FOUND)
        if line.status == "closed":
            return refuse(refusals.LINE_CLOSED)
        kept = await store.add_signal(
            connection,
            LineSignal(
                customer_id=told.customer_id,
                signal_id=house.ids.next(),
                line_id=told.line_id,
                kind=told.kind,
                source=told.source,
                reference=told.reference,
                noted_on=on,
                noted_at=now,
                noted_by=told.by,
            ),
        )
        await lending.bring_forward(
            connection, (told.customer_id, told.line_id), on=on, cause=told.kind.value
        )
    reviewed = await review_line(
        house, customer_id=told.customer_id, line_id=told.line_id, cause=told.kind.value
    )
    if isinstance(reviewed, Refused) and reviewed.refusal is not LINE_REVIEW_UNDER_WAY:
        return reviewed
    return kept


async def clear_signal(
    house: House, *, customer_id: int, signal_id: int, by: str, reason: str
) -> LineSignal | Refused:
    """Note that a person found nothing left of a signal; measures are lifted on their own."""
    if not by.strip() or not reason.strip():
        return refuse(DECISION_REASON_MISSING)
    async with house.database.transaction() as connection:
        cleared = await store.clear_signal(
            connection,
            customer_id=customer_id,
            signal_id=signal_id,
            by=by,
            reason=mask_free_text(reason),
            at=house.clock.now(),
        )
    return cleared or refuse(LINE_SIGNAL_NOT_FOUND)


def signal_document(signal: LineSignal) -> dict[str, object]:
    """Return what an answer says of a signal."""
    return {
        "id": ids.to_text(ids.LINE_SIGNAL, signal.signal_id),
        "customer_id": ids.to_text(ids.CUSTOMER, signal.customer_id),
        "line_id": ids.to_text(ids.LINE, signal.line_id),
        "kind": signal.kind.value,
        "source": signal.source,
        "reference": signal.reference,
        "noted_on": signal.noted_on.isoformat(),
        "noted_by": signal.noted_by,
        "cleared_at": signal.cleared_at and signal.cleared_at.isoformat(),
        "cleared_by": signal.cleared_by,
        "clear_reason": signal.clear_reason,
    }
