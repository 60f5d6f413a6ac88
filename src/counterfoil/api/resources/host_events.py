"""Notices to hosts: listed, tested, sent again; and the secrets that sign them."""

from datetime import datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, Turn, page_of
from counterfoil.api.reads import HouseOf, VisitOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.host_links import TAG as HOST_TAG
from counterfoil.api.resources.hosts import TAG
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, HostId, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.hosts.delivery import Delivery, DeliveryState
from counterfoil.hosts.delivery_store import NEWEST, Listed
from counterfoil.journeys.hosting import tell_hosts as journey
from counterfoil.journeys.hosting.host_flow import key_of
from counterfoil.journeys.hosting.host_links import actor_of as actor_of_host
from counterfoil.journeys.hosting.host_scope import admit
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

router = APIRouter()
_DELIVERY: Final = {"delivery_id": ids.DELIVERY}


class EmptyBody(Body):
    """Nothing to say."""


class SecretBody(Body):
    """Why a secret is made."""

    reason: Reason


class SecretAnswer(View):
    """A signing secret."""

    host_id: str
    #: Told once. The one before signs along for 24 hours.
    secret: str


class NoticeView(View):
    """A notice to a host."""

    #: The `webhook-id` of every attempt.
    id: str
    host_id: str
    type: str
    #: The body as it is signed: identifiers and states, nothing personal.
    body: str
    #: `waiting`, `delivered` or `dead`.
    state: str
    attempts: int
    #: `delivered`, `status`, `timeout`, `unreachable`, `origin` or `secret`; None before the first.
    last_outcome: str | None
    #: When it is tried next; None where it is not.
    next_at: datetime | None
    made_at: datetime


class Notices(PageView):
    """A page of notices, newest first."""

    items: list[NoticeView]


async def carry_test(call: Call, body: EmptyBody) -> Answer | Refused:
    """Send a test."""
    visit = await admit(call.house, call.key, TEST.name)

    async def work() -> str | Refused:
        made = await journey.send_test(call.house, visit.host)
        return made if isinstance(made, Refused) else _text(made)

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=key_of(visit, call.idempotency_key),
        kind=TEST.name,
        request=body.model_dump(),
        work=work,
    )


async def carry_own_resend(call: Call, _body: EmptyBody) -> Answer | Refused:
    """Send a notice of the host's own again."""
    visit = await admit(call.house, call.key, OWN_RESEND.name)
    again = await journey.resend(
        call.house,
        actor_of_host(visit),
        call.path["delivery_id"],
        host_id=visit.host.host_id,
    )
    return again if isinstance(again, Refused) else Answer(_text(again), is_replay=False)


async def carry_resend(call: Call, _body: EmptyBody) -> Answer | Refused:
    """Send any notice again."""
    actor = actor_of(call, Scope.OPERATIONS_WRITE)
    again = await journey.resend(call.house, actor, call.path["delivery_id"])
    return again if isinstance(again, Refused) else Answer(_text(again), is_replay=False)


async def carry_secret(call: Call, body: SecretBody) -> Answer | Refused:
    """Make a secret; it is answered once and recorded nowhere in clear."""
    made = await journey.renew_secret(
        call.house,
        actor_of(call, Scope.OPERATIONS_WRITE),
        host_id=call.path["host_id"],
        reason=body.reason,
    )
    if isinstance(made, Refused):
        return made
    view = SecretAnswer(host_id=ids.to_text(ids.HOST, call.path["host_id"]), secret=made)
    return Answer(view.model_dump_json(), is_replay=False)


def _view(listed: Listed) -> NoticeView:
    item = listed.delivery
    return NoticeView(
        id=item.message_id,
        host_id=ids.to_text(ids.HOST, item.host_id),
        type=item.kind,
        body=item.payload,
        state=item.state.value,
        attempts=item.attempts,
        last_outcome=listed.last_outcome,
        next_at=item.next_at if item.state is DeliveryState.WAITING else None,
        made_at=item.made_at,
    )


def _text(item: Delivery) -> str:
    view = _view(Listed(item, None)).model_dump(mode="json")
    return orjson.dumps(view).decode()


TEST = Write(
    name="test_host_events",
    tag=HOST_TAG,
    path="/v1/host/events/test",
    scope=Scope.HOST_WRITE,
    body=EmptyBody,
    answer=NoticeView,
    carry=carry_test,
    status=201,
    summary="Have a test sent to your address",
    example={},
)
OWN_RESEND = Write(
    name="resend_host_event",
    tag=HOST_TAG,
    path="/v1/host/events/{delivery_id}/resend",
    path_ids=_DELIVERY,
    scope=Scope.HOST_WRITE,
    body=EmptyBody,
    answer=NoticeView,
    carry=carry_own_resend,
    summary="Have a notice sent again",
    example={},
)
RESEND = Write(
    name="resend_host_delivery",
    tag=TAG,
    path="/v1/host-deliveries/{delivery_id}/resend",
    path_ids=_DELIVERY,
    scope=Scope.OPERATIONS_WRITE,
    body=EmptyBody,
    answer=NoticeView,
    carry=carry_resend,
    summary="Send a notice to a host again",
    description="Also one that is dead; it keeps its identifier.",
    example={},
)
SECRET = Write(
    name="renew_host_secret",
    tag=TAG,
    path="/v1/hosts/{host_id}/webhook-secrets",
    path_ids={"host_id": ids.HOST},
    scope=Scope.OPERATIONS_WRITE,
    body=SecretBody,
    answer=SecretAnswer,
    carry=carry_secret,
    status=201,
    summary="Make a host's signing secret",
    description=(
        "Told once; a repetition makes another. The secret before signs along for 24 hours, so that"
        " the host changes over without missing a notice."
    ),
    example={"reason": "yearly change"},
)
WRITES = (TEST, OWN_RESEND, RESEND, SECRET)

State = Annotated[DeliveryState | None, Query(description="Only those in this state.")]
Whose = Annotated[HostId | None, Query(description="Only those of this host.")]


@router.get("/v1/host/events", **reads(Scope.HOST_READ, HOST_TAG, "List your notices"))
async def list_host_events(
    house: HouseOf,
    visit: VisitOf,
    turn: Paging,
    state: State = None,
) -> Notices:
    """Return what you were told or will be, newest first; also what did not reach you."""
    return await _page(house, visit.host.host_id, state, turn)


@router.get("/v1/host-deliveries", **reads(Scope.OPERATIONS_READ, TAG, "List notices to hosts"))
async def list_host_deliveries(
    house: HouseOf,
    turn: Paging,
    host_id: Whose = None,
    state: State = None,
) -> Notices:
    """Return notices to hosts, newest first; the dead ones by `state`."""
    return await _page(house, host_id, state, turn)


async def _page(
    house: House, host_id: int | None, state: DeliveryState | None, turn: Turn
) -> Notices:
    before = turn.number(NEWEST)
    found = await journey.list_deliveries(
        house, host_id=host_id, state=state, before=before, page=turn.page, is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, item.delivery.delivery_id))
    return Notices(items=[_view(item) for item in page.items], **page.cursors)
