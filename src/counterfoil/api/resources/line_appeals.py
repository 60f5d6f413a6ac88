"""Appeals against measures on lines: lodged by customers, decided by persons."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from counterfoil.api.paging import PageView, Paging, Shown, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import Body, Code, CustomerId, FreeText, LineId, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.appeal import AppealStatus, LineAppeal
from counterfoil.journeys.lines import line_appeals
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Appeals"
router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"
Grounds = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$"),
    FreeText,
]


class AppealBody(Body):
    """A customer appeals."""

    customer_id: CustomerId
    #: In the customer's words; identity and phone numbers are hidden before it is kept.
    grounds: Grounds


class AppealDecisionBody(Body):
    """A person decides."""

    customer_id: CustomerId
    #: `lifted` from now on, `undone` because it was wrong from its start, `rejected`, or
    #: `withdrawn` at a wish that the customer told; the customer hears of each.
    outcome: Literal["lifted", "undone", "rejected", "withdrawn"]
    reason: Reason
    #: The person who decides; never the one who took the measure.
    decided_by: Code


class AppealView(View):
    """An appeal as it stands."""

    id: str
    customer_id: str
    line_id: str
    measure_id: str
    grounds: str
    received_at: datetime
    #: By when a person has to decide.
    due_on: date
    #: `open`, then `lifted`, `undone`, `rejected` or `withdrawn`.
    status: str
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None


class Appeals(PageView):
    """Appeals."""

    items: list[AppealView]


async def carry_appeal(call: Call, body: AppealBody) -> Answer | Refused:
    """Appeal."""
    act = partial(
        line_appeals.appeal,
        call.house,
        customer_id=body.customer_id,
        measure_id=call.path["line_measure_id"],
        grounds=body.grounds,
    )
    return await once(
        call, LODGE, body, act, line_appeals.appeal_document, scope_id=body.customer_id
    )


async def carry_decision(call: Call, body: AppealDecisionBody) -> Answer | Refused:
    """Decide an appeal."""
    decision = line_appeals.AppealDecision(
        customer_id=body.customer_id,
        appeal_id=call.path["line_appeal_id"],
        status=AppealStatus(body.outcome),
        by=f"{call.author}:{body.decided_by}",
        reason=body.reason,
    )
    act = partial(line_appeals.decide_appeal, call.house, decision)
    return await once(
        call, DECIDE, body, act, line_appeals.appeal_document, scope_id=body.customer_id
    )


LODGE = Write(
    name="lodge_line_appeal",
    tag=TAG,
    path="/v1/line-measures/{line_measure_id}/appeals",
    path_ids={"line_measure_id": ids.LINE_MEASURE},
    scope=Scope.APPLICATIONS_WRITE,
    body=AppealBody,
    answer=AppealView,
    carry=carry_appeal,
    status=201,
    summary="Appeal against a measure",
    description="A person decides within five working days. One open appeal a measure.",
    example={"customer_id": _CUSTOMER, "grounds": "The payment was made on the due date."},
)
DECIDE = Write(
    name="decide_line_appeal",
    tag=TAG,
    path="/v1/line-appeals/{line_appeal_id}/decision",
    path_ids={"line_appeal_id": ids.LINE_APPEAL},
    scope=Scope.OPERATIONS_WRITE,
    body=AppealDecisionBody,
    answer=AppealView,
    carry=carry_decision,
    summary="Decide an appeal",
    description="Upholding it lifts the measure and restores what it took.",
    example={
        "customer_id": _CUSTOMER,
        "outcome": "lifted",
        "reason": "the payment came in time",
        "decided_by": "wang-min",
    },
)
WRITES = (LODGE, DECIDE)


@router.get("/v1/line-appeals", **reads(Scope.OPERATIONS_READ, TAG, "List open appeals"))
async def list_open_appeals(house: HouseOf, turn: Paging) -> Appeals:
    """Return the appeals that wait for a person, the most urgent first."""
    found = await line_appeals.open_appeals(
        house, page=turn.page, after=turn.day(case_store.FIRST), is_back=turn.is_back
    )
    return _views(page_of(found, turn, lambda item: (item.due_on.toordinal(), item.appeal_id)))


@router.get(
    "/v1/lines/{line_id}/appeals", **reads(Scope.LINES_READ, TAG, "List the appeals about a line")
)
async def list_line_appeals(
    house: HouseOf,
    line_id: LineId,
    customer_id: Annotated[CustomerId, Query(description="Whose line it is.")],
    turn: Paging,
) -> Appeals:
    """Return the appeals about a line, newest first."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await case_store.appeals_of_line(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            page=turn.page,
            before=turn.number(),
            is_back=turn.is_back,
        )
    return _views(page_of(found, turn, lambda item: (0, item.appeal_id)))


def _views(page: Shown[LineAppeal]) -> Appeals:
    return Appeals(
        items=[
            AppealView.model_validate(line_appeals.appeal_document(item)) for item in page.items
        ],
        **page.cursors,
    )
