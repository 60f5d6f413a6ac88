"""Personal data: looks in clear, holds, erasure, and where the keeping of a customer's data stands.

A look is the one answer that carries personal data. It is recorded nowhere but in the trail and
the log, so that it takes no idempotency key: every request is a look of its own.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.shapes import Body, Code, CustomerId, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.guarding import erase as journey
from counterfoil.journeys.guarding.reveal import Revealed, RevealRequest, look_again, reveal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer
from counterfoil.privacy.erasure_store import Erasure, Hold, Standing

TAG = "Personal data"
router = APIRouter()

_CUSTOMERS_MAX = 100
_MINUTES_MAX = 1_440

Ticket = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"),
    Field(description="Number of the ticket, case or request.", examples=["T-2026-0017"]),
]


class RevealBody(Body):
    """A wish to see personal data in clear."""

    customer_ids: list[CustomerId] = Field(min_length=1, max_length=_CUSTOMERS_MAX)
    purpose: Code = Field(description="One of the purposes of the access matrix.")
    data: list[Code] = Field(min_length=1, max_length=10, description="What is wanted.")
    ticket: Ticket
    reason: Reason
    minutes: int | None = Field(
        default=None, ge=1, le=_MINUTES_MAX, description="At most what the purpose allows."
    )


class RevealedView(View):
    """Data of one customer in clear."""

    customer_id: str
    grant_id: str
    expires_at: datetime
    data: dict[str, dict[str, str]]
    damaged: list[str] = Field(
        description="What is kept and does not open any more; the others are shown."
    )


class RevealAnswer(View):
    """Data in clear."""

    items: list[RevealedView]


class LookAgainBody(Body):
    """A wish to look again under a grant that lasts."""

    customer_id: CustomerId


class HoldBody(Body):
    """A legal hold."""

    customer_id: CustomerId
    reason: Reason
    ticket: Ticket


class LiftBody(Body):
    """The end of a legal hold."""

    customer_id: CustomerId
    reason: Reason


class HoldView(View):
    """A legal hold: while it stands nothing of the customer is erased."""

    hold_id: str
    reason: str
    ticket: str
    set_by: str
    set_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


class LiftedView(View):
    """A hold that was lifted."""

    hold_id: str


class EraseBody(Body):
    """A wish to erase a class of a customer's data; a second person has approved it."""

    customer_id: CustomerId
    data_class: Code
    reason: Reason


class ErasureView(View):
    """What was destroyed."""

    erasure_id: str
    data_class: str
    #: The rule that demanded keeping so far.
    rule: str
    keys_destroyed: int
    #: From this day it is out of reach of backups too.
    gone_by: date
    approval_id: str
    erased_by: str
    erased_at: datetime


class StandingView(View):
    """Where one class of a customer's data stands."""

    data_class: str
    #: Since when its purpose is over.
    ended_on: date
    #: Last day on which law demands keeping; None where it does not.
    keep_until: date | None
    #: `active`, `restricted` or `erased`.
    state: str


class PrivacyView(View):
    """Everything that is known of the keeping of a customer's data."""

    customer_id: str
    holds: list[HoldView]
    standings: list[StandingView]
    erasures: list[ErasureView]


def actor_of(call: Call, scope: Scope) -> Actor:
    """Return who acts: the client's name, in the role of the scope that let it in."""
    return Actor(name=call.author, role=scope.value, source="api")


async def carry_reveal(call: Call, body: RevealBody) -> Answer | Refused:
    """Look; the answer is kept nowhere."""
    request = RevealRequest(
        customer_ids=tuple(dict.fromkeys(body.customer_ids)),
        purpose=body.purpose,
        data=tuple(dict.fromkeys(body.data)),
        ticket=body.ticket,
        reason=body.reason,
        minutes=body.minutes,
    )
    outcome = await reveal(call.house, actor_of(call, Scope.PERSONAL_REVEAL), request)
    if isinstance(outcome, Refused):
        return outcome
    return answer_of({"items": [_revealed(item) for item in outcome]})


async def carry_look_again(call: Call, body: LookAgainBody) -> Answer | Refused:
    """Look again."""
    outcome = await look_again(
        call.house,
        actor_of(call, Scope.PERSONAL_REVEAL),
        customer_id=body.customer_id,
        grant_id=call.path["grant_id"],
    )
    return outcome if isinstance(outcome, Refused) else answer_of({"items": [_revealed(outcome)]})


async def carry_hold(call: Call, body: HoldBody) -> Answer | Refused:
    """Set a hold."""

    async def work() -> str | Refused:
        outcome = await journey.set_hold(
            call.house,
            actor_of(call, Scope.PRIVACY_WRITE),
            customer_id=body.customer_id,
            reason=body.reason,
            ticket=body.ticket,
        )
        return outcome if isinstance(outcome, Refused) else _text(hold_view(outcome).model_dump())

    return await _once(call, body, body.customer_id, "set_hold", work)


async def carry_lift(call: Call, body: LiftBody) -> Answer | Refused:
    """Lift a hold."""

    async def work() -> str | Refused:
        refused = await journey.lift_hold(
            call.house,
            actor_of(call, Scope.PRIVACY_WRITE),
            customer_id=body.customer_id,
            hold_id=call.path["hold_id"],
            reason=body.reason,
        )
        hold_id = ids.to_text(ids.LEGAL_HOLD, call.path["hold_id"])
        return refused or _text({"hold_id": hold_id})

    return await _once(call, body, body.customer_id, f"lift_hold {call.path['hold_id']}", work)


async def carry_erasure(call: Call, body: EraseBody) -> Answer | Refused:
    """Erase."""

    async def work() -> str | Refused:
        outcome = await journey.erase(
            call.house,
            actor_of(call, Scope.PRIVACY_WRITE),
            customer_id=body.customer_id,
            data_class=body.data_class,
            on=await call.house.business_date(),
            reason=body.reason,
        )
        if isinstance(outcome, Refused):
            return outcome
        return _text(erasure_view(outcome).model_dump())

    return await _once(call, body, body.customer_id, "erase", work)


#: For the examples of the reference.
CUSTOMER_EXAMPLE = "cu_01hv4zq3k2f00"

REVEAL = Write(
    name="reveal_personal_data",
    tag=TAG,
    path="/v1/reveals",
    scope=Scope.PERSONAL_REVEAL,
    body=RevealBody,
    answer=RevealAnswer,
    carry=carry_reveal,
    needs_key=False,
    summary="See personal data in clear",
    description="Each look is recorded with its reason and committed to by a leaf of the log.",
    example={
        "customer_ids": [CUSTOMER_EXAMPLE],
        "purpose": "customer_request",
        "data": ["contact"],
        "ticket": "T-2026-0017",
        "reason": "Asks which number we have.",
        "minutes": 5,
    },
)
LOOK_AGAIN = Write(
    name="look_again",
    tag=TAG,
    path="/v1/reveals/{grant_id}/again",
    scope=Scope.PERSONAL_REVEAL,
    body=LookAgainBody,
    answer=RevealAnswer,
    carry=carry_look_again,
    needs_key=False,
    summary="See the data of a grant once more",
    description="While the grant lasts; each look is recorded again.",
    example={"customer_id": CUSTOMER_EXAMPLE},
    path_ids={"grant_id": ids.ACCESS_GRANT},
)
SET_HOLD = Write(
    name="set_legal_hold",
    tag=TAG,
    path="/v1/legal-holds",
    scope=Scope.PRIVACY_WRITE,
    body=HoldBody,
    answer=HoldView,
    carry=carry_hold,
    status=201,
    summary="Set a legal hold",
    description="While it stands nothing of the customer is erased.",
    example={"customer_id": CUSTOMER_EXAMPLE, "reason": "court file", "ticket": "C-2026-3"},
)
LIFT_HOLD = Write(
    name="lift_legal_hold",
    tag=TAG,
    path="/v1/legal-holds/{hold_id}/lift",
    scope=Scope.PRIVACY_WRITE,
    body=LiftBody,
    answer=LiftedView,
    carry=carry_lift,
    summary="Lift a legal hold",
    example={"customer_id": CUSTOMER_EXAMPLE, "reason": "case closed"},
    path_ids={"hold_id": ids.LEGAL_HOLD},
)
ERASE = Write(
    name="erase_personal_data",
    tag=TAG,
    path="/v1/erasures",
    scope=Scope.PRIVACY_WRITE,
    body=EraseBody,
    answer=ErasureView,
    carry=carry_erasure,
    status=201,
    summary="Erase a class of a customer's data",
    description="Destroys its keys, after law's floor, with the approval of a second person.",
    example={
        "customer_id": CUSTOMER_EXAMPLE,
        "data_class": "identity",
        "reason": "retention schedule",
    },
)
WRITES = (REVEAL, LOOK_AGAIN, SET_HOLD, LIFT_HOLD, ERASE)


@router.get(
    "/v1/applicants/{customer_id}/privacy",
    **reads(Scope.PRIVACY_READ, TAG, "Read how a customer's data is kept"),
)
async def get_privacy(house: HouseOf, customer_id: CustomerId) -> PrivacyView:
    """Return holds, ends of purposes and erasures; nothing personal."""
    found = await journey.read_privacy(house, customer_id)
    return PrivacyView(
        customer_id=ids.to_text(ids.CUSTOMER, customer_id),
        holds=[hold_view(hold) for hold in found.holds],
        standings=[_standing_view(item) for item in found.standings],
        erasures=[erasure_view(item) for item in found.erasures],
    )


def hold_view(hold: Hold) -> HoldView:
    """Return what an answer says of a hold."""
    return HoldView(
        hold_id=ids.to_text(ids.LEGAL_HOLD, hold.hold_id),
        reason=hold.reason,
        ticket=hold.ticket,
        set_by=hold.set_by,
        set_at=hold.set_at,
        lifted_by=hold.lifted_by,
        lifted_at=hold.lifted_at,
    )


def erasure_view(erasure: Erasure) -> ErasureView:
    """Return what an answer says of an erasure."""
    return ErasureView(
        erasure_id=ids.to_text(ids.ERASURE, erasure.erasure_id),
        data_class=erasure.data_class,
        rule=erasure.rule,
        keys_destroyed=erasure.keys_destroyed,
        gone_by=erasure.gone_by,
        approval_id=ids.to_text(ids.APPROVAL, erasure.approval_id),
        erased_by=erasure.erased_by,
        erased_at=erasure.erased_at,
    )


def _standing_view(item: Standing) -> StandingView:
    return StandingView(
        data_class=item.data_class,
        ended_on=item.ended_on,
        keep_until=item.keep_until,
        state=item.state.value,
    )


def _revealed(item: Revealed) -> dict[str, object]:
    return {
        "customer_id": ids.to_text(ids.CUSTOMER, item.customer_id),
        "grant_id": ids.to_text(ids.ACCESS_GRANT, item.grant_id),
        "expires_at": item.expires_at,
        "data": {name: dict(fields) for name, fields in item.data.items()},
        "damaged": list(item.damaged),
    }


async def _once(call: Call, body: Body, customer_id: int, kind: str, work: Any) -> Answer | Refused:
    return await remembered(
        call.house,
        scope_id=customer_id,
        key=call.idempotency_key,
        kind=kind,
        request=body.model_dump(),
        work=work,
    )


def answer_of(value: Mapping[str, object]) -> Answer:
    """Return an answer that is kept nowhere."""
    return Answer(_text(value), is_replay=False)


def _text(value: Mapping[str, object]) -> str:
    return orjson.dumps(value).decode()
