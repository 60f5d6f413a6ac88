"""Measures on lines: taken and lifted by persons, and what the customer was told of them."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.explanations import DatumView, datum_view
from counterfoil.api.resources.limit_requests import ReasonView
from counterfoil.api.resources.line_reviews import TAG, Owner
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    CustomerId,
    Day,
    LineId,
    MeasureId,
    Reason,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure
from counterfoil.journeys.lines import line_measures
from counterfoil.journeys.lines.explain_measure import explain_measure
from counterfoil.journeys.lines.lift_measure import lift_measure
from counterfoil.journeys.lines.line_measures import MeasureWish
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.journeys.lines.take_measure import take_as_asked
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"

#: A code of the policy, by which the customer is told why.
ReasonCode = Annotated[str, StringConstraints(max_length=62, pattern=r"^[A-Z][A-Z0-9_]*$")]


class MeasureBody(Body):
    """A measure that a person takes."""

    customer_id: CustomerId
    kind: Literal["lower", "freeze", "suspend", "close"]
    reason: ReasonCode
    #: The person who takes it, as your system knows them.
    taken_by: Code
    #: The limit of a decrease.
    to_minor: AmountMinor | None = None
    #: Last day of a freeze.
    ends_on: Day | None = None
    #: A decrease for fraud works at once, without the days of notice.
    is_fraud: bool = False


class LiftingBody(Body):
    """A person lifts a measure."""

    customer_id: CustomerId
    #: It was wrong from its start, and counts nowhere any more.
    is_wrong: bool = False
    reason: Reason
    lifted_by: Code


class MeasureView(View):
    """A measure on a line, from its notice to its end."""

    id: str
    customer_id: str
    line_id: str
    kind: str
    #: `planned`, `in_force`, then `ended`, `lifted`, `undone`, or `dropped` without effect.
    status: str
    cause: str
    reasons: list[ReasonView]
    #: `rule`, or the person.
    author: str
    review_id: str | None
    announced_at: datetime
    effective_on: date
    ends_on: date | None
    currency: str
    from_minor: int
    to_minor: int | None
    #: In the words of the person who took it.
    said: str | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None


class Measures(PageView):
    """Measures on one line, newest first."""

    items: list[MeasureView]


class MeasureExplanation(View):
    """Why a measure was taken, as the customer is told, and by which data."""

    measure_id: str
    by_person: bool
    reasons: list[ReasonView]
    #: What the rules that acted had read; empty where a person took it.
    data: list[DatumView]
    policy_version: str


class NoticeView(View):
    """What the customer was told."""

    id: str
    kind: str
    measure_id: str | None
    review_id: str | None
    zh: str
    en: str
    created_at: datetime


class LineNotices(PageView):
    """What the customer was told of one line, newest first."""

    items: list[NoticeView]


async def carry_measure(call: Call, body: MeasureBody) -> Answer | Refused:
    """Take a measure."""
    wish = MeasureWish(
        customer_id=body.customer_id,
        line_id=call.path["line_id"],
        kind=Kind(body.kind),
        reason=body.reason,
        author=f"{call.author}:{body.taken_by}",
        to_minor=body.to_minor,
        ends_on=body.ends_on,
        is_fraud=body.is_fraud,
    )
    return await take_as_asked(call.house, wish, call.idempotency_key)


async def carry_lifting(call: Call, body: LiftingBody) -> Answer | Refused:
    """Lift a measure."""

    async def lift() -> LineMeasure | Refused:
        return await lift_measure(
            call.house,
            customer_id=body.customer_id,
            measure_id=call.path["line_measure_id"],
            by=f"{call.author}:{body.lifted_by}",
            reason=body.reason,
            is_wrong=body.is_wrong,
        )

    async with call.house.database.connection() as connection:
        policy = await review_policy_in_force(connection, at=call.house.clock.now())
    tell = partial(line_measures.measure_document, policy)
    return await once(call, LIFT, body, lift, tell, scope_id=body.customer_id)


MEASURE = Write(
    name="take_line_measure",
    tag=TAG,
    path="/v1/lines/{line_id}/measures",
    path_ids={"line_id": ids.LINE},
    scope=Scope.LINES_WRITE,
    body=MeasureBody,
    answer=MeasureView,
    carry=carry_measure,
    status=201,
    summary="Take a measure on a line",
    description=(
        "The customer is told why and how to appeal: at once for a freeze or a suspension, days"
        " before it works for a decrease."
    ),
    example={
        "customer_id": _CUSTOMER,
        "kind": "freeze",
        "reason": "VERIFY",
        "taken_by": "li-wei",
        "ends_on": "2026-03-31",
    },
)
LIFT = Write(
    name="lift_line_measure",
    tag=TAG,
    path="/v1/line-measures/{line_measure_id}/lifting",
    path_ids={"line_measure_id": ids.LINE_MEASURE},
    scope=Scope.LINES_WRITE,
    body=LiftingBody,
    answer=MeasureView,
    carry=carry_lifting,
    summary="Lift a measure, or undo it from its start",
    description="The former limit is restored and the line opened, unless a later measure stands.",
    example={"customer_id": _CUSTOMER, "reason": "false alarm", "lifted_by": "wang-min"},
)
WRITES = (MEASURE, LIFT)


@router.get(
    "/v1/lines/{line_id}/measures", **reads(Scope.LINES_READ, TAG, "List the measures on a line")
)
async def list_line_measures(
    house: HouseOf, line_id: LineId, customer_id: Owner, turn: Paging
) -> Measures:
    """Return the measures, newest first, with how each ended."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        policy = await review_policy_in_force(connection, at=house.clock.now())
        found = await case_store.measures_of_line(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            page=turn.page,
            before=turn.number(),
            is_back=turn.is_back,
        )
    page = page_of(found, turn, lambda item: (0, item.measure_id))
    return Measures(
        items=[
            MeasureView.model_validate(line_measures.measure_document(policy, item))
            for item in page.items
        ],
        **page.cursors,
    )


@router.get(
    "/v1/lines/{line_id}/notices",
    **reads(Scope.LINES_READ, TAG, "List what the customer was told of a line"),
)
async def list_line_notices(
    house: HouseOf, line_id: LineId, customer_id: Owner, turn: Paging
) -> LineNotices:
    """Return the notices, newest first, as they were written."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await case_store.notices_of_line(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            page=turn.page,
            before=turn.number(),
            is_back=turn.is_back,
        )
    page = page_of(found, turn, lambda item: (0, item.notice_id))
    return LineNotices(
        items=[
            NoticeView(
                id=ids.to_text(ids.LINE_NOTICE, item.notice_id),
                kind=item.kind.value,
                measure_id=None
                if item.measure_id is None
                else ids.to_text(ids.LINE_MEASURE, item.measure_id),
                review_id=None
                if item.review_id is None
                else ids.to_text(ids.LINE_REVIEW, item.review_id),
                zh=item.text_zh,
                en=item.text_en,
                created_at=item.created_at,
            )
            for item in page.items
        ],
        **page.cursors,
    )


@router.get(
    "/v1/line-measures/{line_measure_id}/explanation",
    **reads(Scope.LINES_READ, TAG, "Explain a measure to the customer"),
)
async def get_measure_explanation(
    house: HouseOf, line_measure_id: MeasureId, customer_id: Owner
) -> MeasureExplanation:
    """Return the reasons with the data behind them, their sources and how to put them right."""
    told = await explain_measure(house, customer_id=customer_id, measure_id=line_measure_id)
    if isinstance(told, Refused):
        raise RefusedError(told)
    return MeasureExplanation(
        measure_id=ids.to_text(ids.LINE_MEASURE, told.measure.measure_id),
        by_person=told.measure.review_id is None,
        reasons=[
            ReasonView.model_validate(item) for item in told.policy.told(told.measure.reasons)
        ],
        data=[datum_view(item) for item in told.data],
        policy_version=told.policy.version,
    )
