"""Hosts: registered by two people, stopped by one."""

from datetime import date
from typing import Annotated, Final

import orjson
from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Code, Day, HostId, Reason, ShortText, View
from counterfoil.api.writes import Call, Write
from counterfoil.hosts.host import Host, HostPurpose, HostTerms
from counterfoil.journeys.hosting import hosts as journey
from counterfoil.journeys.hosting.hosts import HostWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

TAG: Final = "Hosts"
router = APIRouter()
_PATH: Final = {"host_id": ids.HOST}
_FEW: Final = 20

Url = Annotated[
    str,
    StringConstraints(min_length=8, max_length=400, pattern=r"^[!-~]+$"),
    Field(examples=["https://app.example/return"]),
]
_Products = Annotated[list[Code], Field(min_length=1, max_length=_FEW)]


class HostBody(Body):
    """A host as it is to be registered, whole; also where only a part of it changes."""

    #: Left out, the host is new.
    host_id: HostId | None = None
    code: Code
    name: ShortText
    contract_from: Day
    #: The last day.
    contract_until: Day
    products: _Products
    purposes: list[HostPurpose] = Field(min_length=1, max_length=_FEW)
    #: What drawdowns through it may be for.
    drawdown_purposes: list[Code] = Field(max_length=_FEW)
    #: Where pages return to and notices go: `https://name[:port]`.
    origins: list[Url] = Field(min_length=1, max_length=_FEW)
    #: None: the host is told nothing.
    webhook_url: Url | None = None
    reason: Reason


class HostAnswer(View):
    """A registration that holds, or the request for its approval."""

    #: `registered`, or `waiting` for a second person.
    status: str
    host_id: str | None
    version: int | None
    approval_id: str


class StopBody(Body):
    """Why a host is stopped."""

    reason: Reason


class HostView(View):
    """A host as it stands."""

    id: str
    code: str
    name: str
    version: int
    #: `active`, `stopped`, `not_begun` or `ended`.
    state: str
    stopped_for: str | None
    contract_from: date
    contract_until: date
    products: list[str]
    purposes: list[str]
    drawdown_purposes: list[str]
    origins: list[str]
    webhook_url: str | None
    asked_by: str
    approved_by: str


class Hosts(PageView):
    """Every host."""

    items: list[HostView]


async def carry_registration(call: Call, body: HostBody) -> Answer | Refused:
    """Register, or ask for the approval of that."""
    terms = HostTerms(
        code=body.code,
        name=body.name,
        contract_from=body.contract_from,
        contract_until=body.contract_until,
        products=tuple(dict.fromkeys(body.products)),
        purposes=tuple(dict.fromkeys(item.value for item in body.purposes)),
        drawdown_purposes=tuple(dict.fromkeys(body.drawdown_purposes)),
        origins=tuple(dict.fromkeys(body.origins)),
        webhook_url=body.webhook_url,
    )
    wish = HostWish(terms=terms, reason=body.reason, host_id=body.host_id)

    async def work() -> str | Refused:
        actor = actor_of(call, Scope.APPROVALS_WRITE)
        outcome = await journey.register_host(call.house, actor, wish)
        if isinstance(outcome, Refused):
            return outcome
        return orjson.dumps(_answer(outcome).model_dump()).decode()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="register_host",
        request=body.model_dump(mode="json"),
        work=work,
    )


async def carry_stop(call: Call, body: StopBody) -> Answer | Refused:
    """Stop."""
    on = await call.house.business_date()

    async def work() -> str | Refused:
        actor = actor_of(call, Scope.OPERATIONS_WRITE)
        stopped = await journey.stop_host(
            call.house, actor, host_id=call.path["host_id"], reason=body.reason
        )
        return stopped if isinstance(stopped, Refused) else host_view(stopped, on).model_dump_json()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind="stop_host",
        request={"host": call.path["host_id"], **body.model_dump(mode="json")},
        work=work,
    )


def host_view(host: Host, on: date) -> HostView:
    """Return what an answer says of a host on a day."""
    terms = host.terms
    return HostView(
        id=ids.to_text(ids.HOST, host.host_id),
        code=terms.code,
        name=terms.name,
        version=host.version_no,
        state=host.state_on(on),
        stopped_for=host.stopped_for,
        contract_from=terms.contract_from,
        contract_until=terms.contract_until,
        products=list(terms.products),
        purposes=list(terms.purposes),
        drawdown_purposes=list(terms.drawdown_purposes),
        origins=list(terms.origins),
        webhook_url=terms.webhook_url,
        asked_by=host.asked_by,
        approved_by=host.approved_by,
    )


def _answer(outcome: Host | Approval) -> HostAnswer:
    approval_id = ids.to_text(ids.APPROVAL, outcome.approval_id)
    if isinstance(outcome, Approval):
        return HostAnswer(status="waiting", host_id=None, version=None, approval_id=approval_id)
    return HostAnswer(
        status="registered",
        host_id=ids.to_text(ids.HOST, outcome.host_id),
        version=outcome.version_no,
        approval_id=approval_id,
    )


REGISTER = Write(
    name="register_host",
    tag=TAG,
    path="/v1/hosts",
    scope=Scope.APPROVALS_WRITE,
    body=HostBody,
    answer=HostAnswer,
    carry=carry_registration,
    status=201,
    summary="Register a host",
    description=(
        "Two people stand behind it: the first call asks for approval, the same call under a new"
        " key after somebody else has given it writes the version. A change is a new version,"
        " whole."
    ),
    example={
        "code": "travel-app",
        "name": "Example Travel",
        "contract_from": "2026-01-01",
        "contract_until": "2027-12-31",
        "products": ["cash-line-open"],
        "purposes": ["linking", "origination", "servicing"],
        "drawdown_purposes": ["daily_consumption"],
        "origins": ["https://app.example"],
        "webhook_url": "https://app.example/notices",
        "reason": "contract signed",
    },
)
STOP = Write(
    name="stop_host",
    tag=TAG,
    path="/v1/hosts/{host_id}/stop",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=StopBody,
    answer=HostView,
    carry=carry_stop,
    summary="Stop a host at once",
    description="Its keys open nothing from now on; its customers keep their lines and loans.",
    example={"reason": "keys may have leaked"},
)
WRITES = (REGISTER, STOP)


@router.get("/v1/hosts", **reads(Scope.OPERATIONS_READ, TAG, "List hosts"))
async def list_hosts(house: HouseOf, turn: Paging) -> Hosts:
    """Return hosts with contract, products and purposes, in the order of their registration."""
    on = await house.business_date()
    found = await journey.list_hosts(
        house, page=turn.page, after=turn.number(0), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda host: (0, host.host_id))
    return Hosts(items=[host_view(host, on) for host in page.items], **page.cursors)
