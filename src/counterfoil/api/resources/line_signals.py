"""What is signalled about a line, and cleared again by a person."""

from datetime import date, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.line_reviews import TAG, Owner
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import Body, Code, CustomerId, LineId, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.signal import SignalKind
from counterfoil.journeys.lines import line_signals
from counterfoil.journeys.lines.line_signals import Told
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"

#: Where more is found about a signal; a number of yours, never a person's particulars.
Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")
]


class SignalBody(Body):
    """Something that is told of a line."""

    customer_id: CustomerId
    kind: SignalKind
    source: Code
    reference: Reference


class ClearanceBody(Body):
    """A person found nothing left of a signal."""

    customer_id: CustomerId
    reason: Reason
    cleared_by: Code


class SignalView(View):
    """Something that was told of a line."""

    id: str
    customer_id: str
    line_id: str
    kind: str
    source: str
    reference: str
    noted_on: date
    noted_by: str
    cleared_at: datetime | None
    cleared_by: str | None
    clear_reason: str | None


class Signals(PageView):
    """What was told of one line, newest first."""

    items: list[SignalView]


async def carry_signal(call: Call, body: SignalBody) -> Answer | Refused:
    """Take in a signal."""
    told = Told(
        customer_id=body.customer_id,
        line_id=call.path["line_id"],
        kind=body.kind,
        source=body.source,
        reference=body.reference,
        by=call.author,
    )
    act = partial(line_signals.note_signal, call.house, told)
    return await once(
        call, SIGNAL, body, act, line_signals.signal_document, scope_id=body.customer_id
    )


async def carry_clearance(call: Call, body: ClearanceBody) -> Answer | Refused:
    """Clear a signal."""
    act = partial(
        line_signals.clear_signal,
        call.house,
        customer_id=body.customer_id,
        signal_id=call.path["line_signal_id"],
        by=f"{call.author}:{body.cleared_by}",
        reason=body.reason,
    )
    return await once(
        call, CLEAR, body, act, line_signals.signal_document, scope_id=body.customer_id
    )


SIGNAL = Write(
    name="note_line_signal",
    tag=TAG,
    path="/v1/lines/{line_id}/signals",
    path_ids={"line_id": ids.LINE},
    scope=Scope.OPERATIONS_WRITE,
    body=SignalBody,
    answer=SignalView,
    carry=carry_signal,
    status=201,
    summary="Tell something of a line",
    description="The line is reviewed on it at once.",
    example={
        "customer_id": _CUSTOMER,
        "kind": "fraud_signal",
        "source": "device-checks",
        "reference": "case-4711",
    },
)
CLEAR = Write(
    name="clear_line_signal",
    tag=TAG,
    path="/v1/line-signals/{line_signal_id}/clearance",
    path_ids={"line_signal_id": ids.LINE_SIGNAL},
    scope=Scope.OPERATIONS_WRITE,
    body=ClearanceBody,
    answer=SignalView,
    carry=carry_clearance,
    summary="Clear a signal",
    description="Measures that followed from it end on their day, or are lifted.",
    example={"customer_id": _CUSTOMER, "reason": "phone confirmed", "cleared_by": "li-wei"},
)
WRITES = (SIGNAL, CLEAR)


@router.get(
    "/v1/lines/{line_id}/signals",
    **reads(Scope.OPERATIONS_READ, TAG, "List what was told of a line"),
)
async def list_line_signals(
    house: HouseOf, line_id: LineId, customer_id: Owner, turn: Paging
) -> Signals:
    """Return the signals, newest first; for staff, fraud is never itemised."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await case_store.signals_of_line(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            page=turn.page,
            before=turn.number(),
            is_back=turn.is_back,
        )
    page = page_of(found, turn, lambda item: (0, item.signal_id))
    return Signals(
        items=[
            SignalView.model_validate(line_signals.signal_document(item)) for item in page.items
        ],
        **page.cursors,
    )
