"""Requests for approval, and the trail: who asked, who decided, who looked, who was refused.

A program asks and reads; whoever decides is a person, in the console or at the command line.
"""

from datetime import UTC, date, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import (
    Body,
    Code,
    CustomerId,
    Day,
    FreeText,
    NoNul,
    Reason,
    ShortText,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys import approve as journey
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.platform.idempotency import HOUSE
from counterfoil.platform.trail import Entry, Wanted

TAG = "Approvals and trail"
router = APIRouter()

_SUMMARY_LENGTH_MAX = 500
#: The largest integer that every reader of JSON takes for itself.
_EXACT_MAX = 2**53 - 1


def _exact(payload: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
    """Refuse integers that canonical JSON does not keep exactly (RFC 8785, 3.2.2.3)."""
    if any(isinstance(said, int) and abs(said) > _EXACT_MAX for said in payload.values()):
        raise PydanticCustomError("less_than_equal", "an integer is larger than JSON keeps exactly")
    return payload


class ApprovalBody(Body):
    """A request for the approval of a second person."""

    kind: Code
    payload: Annotated[
        dict[str, Annotated[str, StringConstraints(max_length=500)] | int | bool],
        Field(
            max_length=20, description="Exactly what would be done; its canonical JSON is hashed."
        ),
        AfterValidator(_exact),
    ]
    summary: Annotated[
        str, StringConstraints(min_length=1, max_length=_SUMMARY_LENGTH_MAX), NoNul, FreeText
    ]
    reason: Reason


class ApprovalView(View):
    """A request, and what became of it."""

    approval_id: str
    kind: str
    #: SHA-256 of the canonical payload, in hexadecimal.
    payload_sha256: str
    summary: str
    requested_by: str
    request_reason: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    is_approved: bool | None
    decision_reason: str | None
    decided_at: datetime | None
    used_by: str | None
    used_at: datetime | None


class Approvals(PageView):
    """A page of requests, newest first."""

    items: list[ApprovalView]


class TrailView(View):
    """One line of the trail; texts that do not apply are empty."""

    trail_id: str
    at: datetime
    actor: str
    role: str
    source: str
    act: str
    #: `done`, or the code of the refusal.
    outcome: str
    customer_id: str | None
    #: Everybody whom a page or a list showed; empty where it is about one alone.
    customer_ids: list[str]
    subject: str
    purpose: str
    ticket: str
    reason: str
    before: str
    after: str
    #: The row of a recorded command, which is a line by itself; `act` is its kind.
    is_command: bool
    #: The leaf of the log that commits to it; null where none does yet.
    leaf_id: str | None


class Trail(PageView):
    """A page of the trail, newest first."""

    items: list[TrailView]


async def carry_request(call: Call, body: ApprovalBody) -> Answer | Refused:
    """Ask for approval."""

    async def work() -> str | Refused:
        outcome = await journey.ask_approval(
            call.house,
            actor_of(call, Scope.APPROVALS_WRITE),
            body.kind,
            body.payload,
            summary=body.summary,
            reason=body.reason,
        )
        if isinstance(outcome, Refused):
            return outcome
        return orjson.dumps(approval_view(outcome).model_dump()).decode()

    return await remembered(
        call.house,
        scope_id=HOUSE,
        key=f"{call.key.client}:{call.idempotency_key}",
        kind="request_approval",
        request=body.model_dump(),
        work=work,
    )


REQUEST = Write(
    name="request_approval",
    tag=TAG,
    path="/v1/approvals",
    scope=Scope.APPROVALS_WRITE,
    body=ApprovalBody,
    answer=ApprovalView,
    carry=carry_request,
    status=201,
    summary="Ask for the approval of a second person",
    description="A person decides in the console; an approval is used once, for this payload.",
    example={
        "kind": "policy_publication",
        "payload": {"act": "policy_publication", "policy_sha256": "ab" * 32},
        "summary": "Publish the policy of February.",
        "reason": "Back-test passed.",
    },
)
WRITES = (REQUEST,)


@router.get("/v1/approvals", **reads(Scope.APPROVALS_READ, TAG, "List requests for approval"))
async def list_approvals(
    house: HouseOf,
    *,
    only_open: Annotated[bool, Query(description="Only what waits for a decision.")] = False,
    turn: Paging,
) -> Approvals:
    """Return requests, newest first."""
    before = turn.number()
    found = await journey.list_approvals(
        house, only_open=only_open, before=before, page=turn.page, is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, item.approval_id))
    return Approvals(
        items=[approval_view(item) for item in page.items],
        **page.cursors,
    )


@router.get("/v1/trail", **reads(Scope.TRAIL_READ, TAG, "Search the trail"))
async def search_trail(
    house: HouseOf,
    *,
    actor: Annotated[ShortText | None, Query()] = None,
    act: Annotated[Code | None, Query()] = None,
    customer_id: Annotated[CustomerId | None, Query()] = None,
    only_refused: Annotated[bool, Query(description="Only what was turned away.")] = False,
    since: Annotated[Day | None, Query(description="From this day on, in UTC.")] = None,
    until: Annotated[Day | None, Query(description="Before this day, in UTC.")] = None,
    turn: Paging,
) -> Trail:
    """Return looks, changes, commands and refusals, newest first."""
    wanted = Wanted(
        actor=actor,
        act=act,
        customer_id=customer_id,
        since=_midnight(since),
        until=_midnight(until),
        only_refused=only_refused,
    )
    before = turn.number()
    found = await find_trail(house, wanted, before=before, page=turn.page, is_back=turn.is_back)
    page = page_of(found, turn, lambda item: (0, item.trail_id))
    return Trail(
        items=[trail_view(entry) for entry in page.items],
        **page.cursors,
    )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, datetime.min.time(), UTC)


def approval_view(approval: Approval) -> ApprovalView:
    """Return what an answer says of a request."""
    return ApprovalView(
        approval_id=ids.to_text(ids.APPROVAL, approval.approval_id),
        kind=approval.kind,
        payload_sha256=approval.payload_hash.hex(),
        summary=approval.summary,
        requested_by=approval.requested_by,
        request_reason=approval.request_reason,
        requested_at=approval.requested_at,
        expires_at=approval.expires_at,
        decided_by=approval.decided_by,
        is_approved=approval.is_approved,
        decision_reason=approval.decision_reason,
        decided_at=approval.decided_at,
        used_by=approval.used_by,
        used_at=approval.used_at,
    )


def trail_view(entry: Entry) -> TrailView:
    """Return what an answer says of a line."""
    number = entry.customer_id
    return TrailView(
        trail_id=ids.to_text(ids.TRAIL, entry.trail_id),
        at=entry.at,
        actor=entry.actor,
        role=entry.role,
        source=entry.source,
        act=entry.act,
        outcome=entry.outcome,
        customer_id=None if number is None else ids.to_text(ids.CUSTOMER, number),
        customer_ids=[ids.to_text(ids.CUSTOMER, shown) for shown in entry.customer_ids],
        subject=entry.subject,
        purpose=entry.purpose,
        ticket=entry.ticket,
        reason=entry.reason,
        before=entry.before,
        after=entry.after,
        is_command=entry.is_command,
        leaf_id=None if entry.leaf_id is None else ids.to_text(ids.LEAF, entry.leaf_id),
    )
