"""Credit lines: the agreement with its limit, its holds, and what may be changed of it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of, page_of_whole
from counterfoil.api.reads import HouseOf, ReachOf, business_date, reads
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    CustomerId,
    Day,
    LineId,
    NotNegativeMinor,
    Reason,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.lines import adjust_limit as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import refusals, store
from counterfoil.lending.line import Line
from counterfoil.lending.line_changes import line_answer
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

TAG = "Credit lines"
router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"
_PATH = {"line_id": ids.LINE}


class LineView(View):
    """A credit line; what is available is what the limit leaves."""

    id: str
    customer_id: str
    application_id: str
    product_code: str
    product_version: int
    currency: str
    status: str
    status_reason: str | None
    frozen_until: date | None
    limit_minor: int
    #: The highest limit that the customer has agreed to: what was lowered goes back up to it.
    agreed_limit_minor: int
    #: The customer's own ceiling below the limit.
    own_cap_minor: int | None
    #: A raised ceiling that waits for its day.
    next_cap_minor: int | None
    next_cap_on: date | None
    principal_minor: int
    held_minor: int
    available_minor: int
    #: What could be drawn were it not for the state of the line: with what is available it adds up
    #: to the limit, or the own ceiling below it, less principal and holds.
    blocked_minor: int
    #: Why nothing is available although something is left.
    blocked_by: str | None
    #: Overpayments kept for the customer.
    credit_minor: int
    #: Credit on its way back to the customer.
    returning_minor: int
    rate_daily_e8: int
    repayment_day: int
    opened_on: date
    valid_to: date
    #: The signed agreement that drawings follow, and the SHA-256 of its text; without one nothing
    #: can be drawn.
    contract_id: str | None
    agreement_sha256: str | None
    #: What a transfer names that repays this line's loans in the product's order (ISO 11649).
    payment_reference: str
    version: int


class Lines(PageView):
    """A page of credit lines."""

    items: list[LineView]


class LineEventView(View):
    """A change of a line."""

    version: int
    kind: str
    before: str | None
    after: str | None
    reason: str
    author: str
    book_date: date
    at: datetime


class LineEvents(PageView):
    """The history of a line, oldest first."""

    items: list[LineEventView]


class PlannedLimit(View):
    """A decrease that was announced and waits for its day."""

    measure_id: str
    limit_minor: int
    effective_on: date


class LimitAnswer(LineView):
    """A line after its limit was changed, or as it is until a decrease works."""

    #: None where the limit is changed.
    planned: PlannedLimit | None


class LimitBody(Body):
    """A new limit."""

    customer_id: CustomerId
    limit_minor: AmountMinor
    reason: Reason


class FreezeBody(Body):
    """A stop of drawing."""

    customer_id: CustomerId
    #: Last day of the freeze; without one a freeze by staff ends after thirty days, and one that
    #: the customer wishes (`customer_request`) when it is lifted.
    until: Day | None = None
    reason: Reason


class ReasonBody(Body):
    """A change for which the reason is all there is to say."""

    customer_id: CustomerId
    reason: Reason


class OwnCapBody(Body):
    """The customer's own ceiling."""

    customer_id: CustomerId
    #: None takes the ceiling away.
    cap_minor: NotNegativeMinor | None


async def carry_limit(call: Call, body: LimitBody) -> Answer | Refused:
    """Raise or lower the limit."""
    return await journey.set_limit(
        **_who(call, body), limit_minor=body.limit_minor, reason=body.reason
    )


async def carry_freeze(call: Call, body: FreezeBody) -> Answer | Refused:
    """Stop drawing."""
    return await journey.freeze(**_who(call, body), until=body.until, reason=body.reason)


async def carry_unfreeze(call: Call, body: ReasonBody) -> Answer | Refused:
    """Lift a freeze."""
    return await journey.unfreeze(**_who(call, body), reason=body.reason)


async def carry_close(call: Call, body: ReasonBody) -> Answer | Refused:
    """Close a line."""
    return await journey.close(**_who(call, body), reason=body.reason)


async def carry_own_cap(call: Call, body: OwnCapBody) -> Answer | Refused:
    """Set the customer's own ceiling."""
    return await journey.set_own_cap(**_who(call, body), cap_minor=body.cap_minor)


def _who(
    call: Call,
    body: LimitBody | FreezeBody | ReasonBody | OwnCapBody,
) -> dict[str, Any]:
    """Return what every change of a line is handed."""
    return {
        "house": call.house,
        "customer_id": body.customer_id,
        "line_id": call.path["line_id"],
        "author": call.author,
        "idempotency_key": call.idempotency_key,
    }


LIMIT = Write(
    name="set_limit",
    tag=TAG,
    path="/v1/lines/{line_id}/limit",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=LimitBody,
    answer=LimitAnswer,
    carry=carry_limit,
    summary="Raise or lower a limit",
    description="Lowering a limit below what is used makes nothing due. A decrease works days "
    "after its notice to the customer; for `fraud` or `suspected_fraud`, and as the customer's own "
    "wish (`own_wish`, `customer_request`), at once. A limit goes up to `agreed_limit_minor`; more "
    "needs the customer's agreement, by a limit request or the offer of a review. What the "
    "customer wished lower is agreed to from then on.",
    example={"customer_id": _CUSTOMER, "limit_minor": 2_500_000, "reason": "annual_review"},
)
FREEZE = Write(
    name="freeze_line",
    tag=TAG,
    path="/v1/lines/{line_id}/freeze",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=FreezeBody,
    answer=LineView,
    carry=carry_freeze,
    summary="Stop drawing",
    description="Until a day or until it is lifted; repayment stays possible.",
    example={"customer_id": _CUSTOMER, "until": None, "reason": "suspected_fraud"},
)
UNFREEZE = Write(
    name="unfreeze_line",
    tag=TAG,
    path="/v1/lines/{line_id}/unfreeze",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=ReasonBody,
    answer=LineView,
    carry=carry_unfreeze,
    summary="Lift a freeze",
    example={"customer_id": _CUSTOMER, "reason": "identity_confirmed"},
)
CLOSE = Write(
    name="close_line",
    tag=TAG,
    path="/v1/lines/{line_id}/close",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=ReasonBody,
    answer=LineView,
    carry=carry_close,
    summary="Close a line",
    description="Only where nothing is owed, held or kept on it.",
    example={"customer_id": _CUSTOMER, "reason": "customer_request"},
)
OWN_CAP = Write(
    name="set_own_cap",
    tag=TAG,
    path="/v1/lines/{line_id}/own-cap",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=OwnCapBody,
    answer=LineView,
    carry=carry_own_cap,
    summary="Set the customer's own ceiling",
    description="A lower one works at once, a higher one after the days of waiting.",
    example={"customer_id": _CUSTOMER, "cap_minor": 500_000},
)
WRITES = (LIMIT, FREEZE, UNFREEZE, CLOSE, OWN_CAP)

LineStatus = Literal["active", "frozen", "suspended", "closed"]
Owner = Annotated[CustomerId, Query(description="Whose line it is.")]


@router.get("/v1/lines", **reads(Scope.LINES_READ, TAG, "List lines"))
async def list_lines(
    house: HouseOf,
    reach: ReachOf,
    turn: Paging,
    customer_id: Annotated[CustomerId | None, Query()] = None,
    status: Annotated[LineStatus | None, Query()] = None,
) -> Lines:
    """Return lines in the order of customer and line."""
    async with house.database.connection() as connection:
        found = await store.read_lines_after(
            connection,
            after=turn.pair(),
            customer_id=customer_id,
            status=status,
            products=reach.products,
            lenders=reach.lenders,
            page=turn.page,
            is_back=turn.is_back,
        )
        on = await business_date(connection)
    page = page_of(found, turn, lambda item: (item.customer_id, item.line_id))
    return Lines(
        items=[line_view(line, on) for line in page.items],
        **page.cursors,
    )


@router.get("/v1/lines/{line_id}", **reads(Scope.LINES_READ, TAG, "Read a line"))
async def get_line(house: HouseOf, line_id: LineId, customer_id: Owner) -> LineView:
    """Return a line with what may be drawn on the business date, and its parts."""
    async with house.database.connection() as connection:
        line = await line_or_refuse(connection, customer_id, line_id)
        on = await business_date(connection)
    return line_view(line, on)


@router.get(
    "/v1/lines/{line_id}/history", **reads(Scope.LINES_READ, TAG, "Read the history of a line")
)
async def list_line_events(
    house: HouseOf, line_id: LineId, customer_id: Owner, turn: Paging
) -> LineEvents:
    """Return every change of limit, state and setting, oldest first."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        rows = await store.QUERIES.events_of_line.fetch(
            connection, customer_id=customer_id, line_id=line_id
        )
    page = page_of_whole(rows, turn, lambda row: (0, row["version"]))
    return LineEvents(
        items=[
            LineEventView(
                version=row["version"],
                kind=row["kind"],
                before=row["before_value"],
                after=row["after_value"],
                reason=row["reason"],
                author=row["author"],
                book_date=row["book_date"],
                at=row["at"],
            )
            for row in page.items
        ],
        **page.cursors,
    )


async def line_or_refuse(connection: Connection, customer_id: int, line_id: int) -> Line:
    """Return a customer's line; somebody else's is as unknown as one that never was."""
    line = await store.read_line(connection, customer_id, line_id)
    if line is None:
        raise RefusedError(refuse(refusals.LINE_NOT_FOUND))
    return line


def line_view(line: Line, on: date) -> LineView:
    """Return what an answer says of a line on a date, in the same words as a change of it."""
    return LineView.model_validate(line_answer(line, on))
