"""Payment rails: how they stand, closing one by hand, cases that people resolve, and callbacks."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import StringConstraints
from starlette.responses import Response

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Reason, View
from counterfoil.api.writes import BODY_BYTES_MAX, Call, Write
from counterfoil.journeys.paying import payment_cases
from counterfoil.journeys.paying import rails as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.payments.hint import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER
from counterfoil.payments.route_store import NEWEST
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.platform.queries import Row

TAG: Final = "Payments"
router = APIRouter()
RailCode = Annotated[
    str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{0,31}|\*)$", min_length=1, max_length=32)
]


class FeeView(View):
    """What a payment over the rail costs the lender."""

    payer: str
    fixed_minor: int
    rate_ppm: int
    minimum_minor: int
    maximum_minor: int | None


class RailView(View):
    """A rail, what was agreed with it, and how it stands."""

    code: str
    kind: str
    currencies: list[str]
    #: The lowest goes first.
    priority: int
    payment_minor_min: int
    payment_minor_max: int
    day_minor_max: int | None
    day_payments_max: int | None
    checks_payee: bool
    fee: FeeView
    #: Its hours let it take a payment now.
    is_open_now: bool
    opens_at: datetime | None
    is_closed_by_hand: bool
    closed_by: str | None
    closed_reason: str | None
    #: Payments that wait for it.
    held: int
    held_since: datetime | None
    sent: int
    in_doubt: int
    #: Before two people.
    suspended: int
    #: Calls of the last hour: all, without an answer, refused; and 95 of 100 were as fast.
    calls: int
    silent: int
    declined: int
    p95_ms: int | None
    #: Fees of the last 31 days: booked as the lender's cost, and asked for on its statements.
    fees_booked_minor: int
    fees_asked_minor: int


class WayView(View):
    """A payment that waits for a rail or went over another than the first, with the reasons."""

    customer_id: str
    payment_id: str
    amount_minor: int
    currency: str
    #: The rail it went over, or is meant for.
    rail: str
    #: Rails passed over, with the obstacle of each.
    passed_over: list[str]


class Rails(View):
    """All rails, what waits for one, and what was rerouted before it was sent."""

    items: list[RailView]
    are_all_closed: bool
    #: The 100 that have waited longest; all of them stand in `/v1/queued-payments`.
    queued: list[WayView]
    #: The latest 100; all of them stand in `/v1/rerouted-payments`.
    rerouted: list[WayView]


class QueuedPayments(PageView):
    """Payments that wait for a rail, the oldest first."""

    items: list[WayView]


class ReroutedPayments(PageView):
    """Payments that went over another rail than the first, the newest first."""

    items: list[WayView]


class CaseView(View):
    """A payment that only people can resolve."""

    customer_id: str
    payment_id: str
    case_no: int
    cause: str
    opened_at: datetime
    rail: str
    status: str
    amount_minor: int
    currency: str
    #: What one person proposed; none where nobody has.
    resolution: str | None
    value_date: date | None
    returned_minor: int | None
    first_person: str | None


class Cases(PageView):
    """Cases that wait for people, oldest first."""

    items: list[CaseView]


class SwitchBody(Body):
    """A rail is closed or opened by hand."""

    #: A code of the rails file, or `*` for all of them.
    rail: RailCode
    is_closed: bool
    reason: Reason


class SwitchView(View):
    """A switch that holds, or the request for its approval."""

    #: `switched`, or `waiting` for a second person.
    status: Literal["switched", "waiting"]
    rail: str
    is_closed: bool
    approval_id: str | None


async def carry_switch(call: Call, body: SwitchBody) -> Answer | Refused:
    """Close or open a rail, or ask for the approval of that."""

    async def work() -> str | Refused:
        done = await journey.switch_rail(
            call.house,
            actor_of(call, Scope.OPERATIONS_WRITE),
            body.rail,
            is_closed=body.is_closed,
            reason=body.reason,
        )
        if isinstance(done, Refused):
            return done
        number = done.approval_id
        view = SwitchView(
            status="waiting" if isinstance(done, Approval) else "switched",
            rail=body.rail,
            is_closed=body.is_closed,
            approval_id=None if number is None else ids.to_text(ids.APPROVAL, number),
        )
        return orjson.dumps(view.model_dump()).decode()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="switch_rail",
        request=body.model_dump(mode="json"),
        work=work,
    )


SWITCH = Write(
    name="switch_rail",
    tag=TAG,
    path="/v1/rail-switches",
    scope=Scope.OPERATIONS_WRITE,
    body=SwitchBody,
    answer=SwitchView,
    carry=carry_switch,
    summary="Close or open a payment rail by hand",
    description=(
        "What was not sent waits or goes over another rail; what was sent stays with its own. All"
        " rails at once take two people: the first call asks for approval, the same call under a"
        " new key after somebody else has given it switches them."
    ),
    example={"rail": "clearing", "is_closed": True, "reason": "works at the operator"},
)
WRITES = (SWITCH,)


@router.get("/v1/rails", **reads(Scope.OPERATIONS_READ, TAG, "List payment rails"))
async def list_rails(house: HouseOf) -> Rails:
    """Return every rail with its terms and health, what waits, and what was rerouted and why.

    The list is whole: the rails of this installation.
    """
    found = await journey.read_rails(house)
    return Rails(
        items=[_rail(rail) for rail in found.rails],
        are_all_closed=found.all_closed is not None,
        queued=[_way(row) for row in found.queued],
        rerouted=[_way(row) for row in found.rerouted],
    )


@router.get(
    "/v1/queued-payments",
    **reads(Scope.OPERATIONS_READ, TAG, "List payments that wait for a rail"),
)
async def list_queued_payments(house: HouseOf, turn: Paging) -> QueuedPayments:
    """Return payments that no rail carries at present, each with the reasons, the oldest first."""
    found = await journey.queued_payments(
        house, page=turn.page, after=turn.pair(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda row: (row["payment_id"], row["customer_id"]))
    return QueuedPayments(items=[_way(row) for row in page.items], **page.cursors)


@router.get(
    "/v1/rerouted-payments",
    **reads(Scope.OPERATIONS_READ, TAG, "List payments that went another way"),
)
async def list_rerouted_payments(house: HouseOf, turn: Paging) -> ReroutedPayments:
    """Return payments that went over another rail than the first, and why, the newest first."""
    found = await journey.rerouted_payments(
        house, page=turn.page, before=turn.pair(NEWEST), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda row: (row["payment_id"], row["route_no"]))
    return ReroutedPayments(items=[_way(row) for row in page.items], **page.cursors)


@router.get("/v1/payment-cases", **reads(Scope.OPERATIONS_READ, TAG, "List payments in suspense"))
async def list_payment_cases(house: HouseOf, turn: Paging) -> Cases:
    """Return cases that two people resolve, the oldest payment first."""
    found = await payment_cases.open_cases(
        house, page=turn.page, after=turn.pair(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda row: (row["payment_id"], row["case_no"]))
    return Cases(items=[_case(row) for row in page.items], **page.cursors)


@router.post("/v1/rail-callbacks/{rail}", include_in_schema=False)
async def take_rail_callback(
    request: Request,
    house: HouseOf,
    rail: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,31}$")],
) -> Response:
    """Take what a rail sends on its own account: signed by it, and a hint all the same."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            return Response(status_code=413)
    names = (ID_HEADER, TIME_HEADER, SIGNATURE_HEADER)
    headers = {name: request.headers.get(name, "") for name in names}
    taken = await journey.take_callback(house, rail, headers, body)
    if isinstance(taken, Refused):
        raise RefusedError(taken)
    # Whether a payment is known is nobody's business who only sends callbacks.
    return Response(status_code=204)


def _rail(rail: journey.RailStanding) -> RailView:
    terms, limits, fee = rail.terms, rail.terms.limits, rail.terms.fee
    return RailView(
        code=terms.code,
        kind=terms.kind.value,
        currencies=sorted(terms.currencies),
        priority=terms.priority,
        payment_minor_min=limits.payment_minor_min,
        payment_minor_max=limits.payment_minor_max,
        day_minor_max=limits.day_minor_max,
        day_payments_max=limits.day_payments_max,
        checks_payee=terms.checks_payee,
        fee=FeeView(
            payer=fee.payer.value,
            fixed_minor=fee.fixed_minor,
            rate_ppm=fee.rate_ppm,
            minimum_minor=fee.minimum_minor,
            maximum_minor=fee.maximum_minor,
        ),
        is_open_now=rail.is_open_now,
        opens_at=rail.opens_at,
        is_closed_by_hand=rail.is_closed_by_hand,
        closed_by=rail.closed_by,
        closed_reason=rail.closed_reason,
        held=rail.held,
        held_since=rail.held_since,
        sent=rail.sent,
        in_doubt=rail.in_doubt,
        suspended=rail.suspended,
        calls=rail.calls,
        silent=rail.silent,
        declined=rail.declined,
        p95_ms=rail.p95_ms,
        fees_booked_minor=rail.fees_booked_minor,
        fees_asked_minor=rail.fees_asked_minor,
    )


def _way(row: Row) -> WayView:
    passed = zip(row["passed_rails"] or (), row["obstacles"] or (), strict=True)
    return WayView(
        customer_id=ids.to_text(ids.CUSTOMER, row["customer_id"]),
        payment_id=ids.to_text(ids.PAYMENT, row["payment_id"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        rail=row["rail"],
        passed_over=[f"{rail}: {obstacle}" for rail, obstacle in passed],
    )


def _case(row: Row) -> CaseView:
    return CaseView(
        customer_id=ids.to_text(ids.CUSTOMER, row["customer_id"]),
        payment_id=ids.to_text(ids.PAYMENT, row["payment_id"]),
        case_no=row["case_no"],
        cause=row["cause"],
        opened_at=row["opened_at"],
        rail=row["rail"],
        status=row["status"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        resolution=row["resolution"],
        value_date=row["value_date"],
        returned_minor=row["returned_minor"],
        first_person=row["first_person"],
    )
