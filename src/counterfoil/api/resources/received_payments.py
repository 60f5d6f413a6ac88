"""Money that came in over rails: what became of it, and what two people say of the rest."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Day, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.paying import received
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.payments.received import Ending, Received, ReceivedKey, ReceivedStatus
from counterfoil.payments.received_store import NEWEST, number_of
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

TAG: Final = "Payments"
router = APIRouter()
#: More lines than a statement has.
_LINES_MAX: Final = 1_000_000_000

_Rail = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_Reference = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z _-]{0,63}$")]


class PlacingBody(Body):
    """Where money that came in belongs, or that it was sent back."""

    rail: _Rail
    statement_date: Day
    line_no: Annotated[int, Field(ge=1, le=_LINES_MAX)]
    #: Reference of a line or loan, number of a purchase, or code of a promotion; for a recall the
    #: rail's number of the money. Left out, the money was sent back, or the books have the recall
    #: otherwise.
    reference: _Reference | None = None
    #: For what no booking ends: a recall that waits becomes a `claim` or a `loss`, an open claim a
    #: `loss`; money that waits `pays_claim` of the recall whose number the reference is.
    ending: Ending | None = None
    reason: Reason


class ReceivedView(View):
    """Money that came in, as a statement shows it, and how far it has got."""

    rail: str
    statement_date: date
    line_no: int
    #: The rail's own number of it.
    rail_reference: str
    #: What it is booked by: people's word, else the payer's; a dash where neither names anything.
    reference: str
    amount_minor: int
    currency: str
    value_date: date
    #: `taken`, `booked`, `suspended` or `sent_back`.
    status: str
    #: Why it lies before people, or did.
    cause: str | None
    #: What of it is not booked where it belongs.
    left_minor: int
    #: `received`, or `recalled` by the payer's bank.
    kind: str
    #: The account of ours that it came to; null where the rail does not say it.
    account: str | None
    #: In whose books it stands while it lies before people.
    lender_id: str | None
    #: Whose repayment it was booked as; null where it is none.
    customer_id: str | None
    repayment_id: str | None
    #: Whether the customer sent it; null where nobody knows.
    is_own_money: bool | None
    #: Of a recall that became a claim, all of it and what is open; null where it became none.
    claimed_minor: int | None
    claim_left_minor: int | None


class PlacingView(View):
    """What became of the money, or the request for the approval of that."""

    #: `waiting` for a second person, or the money's own status.
    status: str
    approval_id: str | None


class ReceivedPayments(PageView):
    """A page of money that came in, the newest day first."""

    items: list[ReceivedView]


async def carry_placing(call: Call, body: PlacingBody) -> Answer | Refused:
    """Place money, or ask for the approval of that."""
    placing = received.Placing(
        key=ReceivedKey(body.rail, body.statement_date, body.line_no),
        reference=body.reference,
        reason=body.reason,
        ending=body.ending,
    )

    async def act() -> PlacingView | Refused:
        outcome = await received.place(call.house, actor_of(call, Scope.APPROVALS_WRITE), placing)
        return outcome if isinstance(outcome, Refused) else _placing_view(outcome)

    return await once(call, PLACE, body, act, lambda view: view)


def _placing_view(outcome: Received | Approval) -> PlacingView:
    if isinstance(outcome, Approval):
        number = ids.to_text(ids.APPROVAL, outcome.approval_id)
        return PlacingView(status="waiting", approval_id=number)
    return PlacingView(status=outcome.status.value, approval_id=None)


PLACE = Write(
    name="place_received_payment",
    tag=TAG,
    path="/v1/received-payments/placings",
    scope=Scope.APPROVALS_WRITE,
    body=PlacingBody,
    answer=PlacingView,
    carry=carry_placing,
    status=201,
    summary="Say where money that came in belongs",
    description=(
        "For money that no reference places. Two people stand behind it: the first call asks for"
        " approval, the same call under a new key after somebody else has given it books the money"
        " there. Without a reference it says that the money was sent back."
        " A recall of money that was passed on since ends as a claim or a loss."
    ),
    example={
        "rail": "instant",
        "statement_date": "2026-03-16",
        "line_no": 4,
        "reference": "pu_01hv4zq3k2f00",
        "reason": "the merchant named the wrong number",
    },
)
WRITES = (PLACE,)


@router.get(
    "/v1/received-payments",
    **reads(Scope.PAYMENTS_READ, TAG, "List money that came in over rails"),
)
async def list_received_payments(
    house: HouseOf,
    turn: Paging,
    status: Annotated[
        ReceivedStatus | None,
        Query(description="Of this status only; what waits for people is `suspended`."),
    ] = None,
) -> ReceivedPayments:
    """Return money by the day of its statement, the newest first."""
    found = await received.received_of_days(
        house,
        status=status,
        page=turn.page,
        before=turn.pair(NEWEST),
        is_back=turn.is_back,
    )
    page = page_of(found, turn, lambda one: number_of(one.key))
    return ReceivedPayments(items=[_view(one) for one in page.items], **page.cursors)


def _view(one: Received) -> ReceivedView:
    return ReceivedView(
        rail=one.key.rail,
        statement_date=one.key.statement_date,
        line_no=one.key.line_no,
        rail_reference=one.rail_reference,
        reference=one.names,
        amount_minor=one.amount_minor,
        currency=one.currency,
        value_date=one.value_date,
        status=one.status.value,
        cause=None if one.cause is None else one.cause.value,
        left_minor=one.left_minor,
        kind=one.kind.value,
        account=one.account,
        lender_id=one.lender_id,
        customer_id=None if one.customer_id is None else ids.to_text(ids.CUSTOMER, one.customer_id),
        repayment_id=None
        if one.repayment_id is None
        else ids.to_text(ids.REPAYMENT, one.repayment_id),
        is_own_money=one.is_own_money,
        claimed_minor=one.claimed_minor,
        claim_left_minor=one.claim_left_minor,
    )
