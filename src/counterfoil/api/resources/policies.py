"""Policies in force, what their caps hold back, and rules suppressed for single customers."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Code, CustomerId, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.snooze import Snooze, SnoozeWish
from counterfoil.journeys.deciding import snooze_rule as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

TAG = "Policies"
router = APIRouter()

#: Longer than any policy allows; the policy in force has the last word.
_DAYS_MAX = 366

_RuleCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]


class SnoozeBody(Body):
    """A rule to be suppressed for one customer."""

    customer_id: CustomerId
    #: Of the policy that the rule stands in, such as `origination`.
    purpose: Code
    rule: _RuleCode
    days: int = Field(ge=1, le=_DAYS_MAX)
    reason: Reason


class SnoozeEndBody(Body):
    """A rule that is to act again before its time."""

    customer_id: CustomerId
    reason: Reason


class SnoozeView(View):
    """A rule that is, was or may be suppressed for a customer."""

    #: None while it waits for approval.
    snooze_id: str | None
    #: `requested`, `active`, `ended` or `expired`.
    state: str
    approval_id: str
    customer_id: str
    purpose: str
    rule: str
    starts_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None


class Snoozes(PageView):
    """A page of a customer's snoozes, newest first."""

    items: list[SnoozeView]


class PolicyView(View):
    """A version that decides now."""

    purpose: str
    code: str
    version: str
    #: SHA-256 of the canonical document, in hexadecimal.
    policy_hash: str
    #: Whether it was published here; else it is the one that ships with the product.
    is_published: bool
    #: Codes of rules whose declines go to people now; `*` stands for every decline.
    tripped: list[str]
    #: The version that was published last, where it is held back and this one decides instead.
    fallen_from: str | None


class PoliciesInForce(View):
    """What decides now, by purpose."""

    items: list[PolicyView]


async def carry_snooze(call: Call, body: SnoozeBody) -> Answer | Refused:
    """Suppress a rule, or ask for the approval of that."""
    wish = SnoozeWish(
        customer_id=body.customer_id,
        purpose=body.purpose,
        rule_code=body.rule,
        days=body.days,
        reason=body.reason,
    )

    async def work() -> str | Refused:
        actor = actor_of(call, Scope.APPROVALS_WRITE)
        outcome = await journey.snooze_rule(call.house, actor, wish)
        if isinstance(outcome, Refused):
            return outcome
        view = (
            _requested(wish, outcome)
            if isinstance(outcome, Approval)
            else snooze_view(outcome, call.house.clock.now())
        )
        return orjson.dumps(view.model_dump()).decode()

    return await _once(call, body, body.customer_id, "snooze_rule", work)


async def carry_end(call: Call, body: SnoozeEndBody) -> Answer | Refused:
    """Let a rule act again."""
    snooze_id = call.path["snooze_id"]

    async def work() -> str | Refused:
        outcome = await journey.end_snooze(
            call.house,
            actor_of(call, Scope.APPROVALS_WRITE),
            customer_id=body.customer_id,
            snooze_id=snooze_id,
            reason=body.reason,
        )
        if isinstance(outcome, Refused):
            return outcome
        return orjson.dumps(snooze_view(outcome, call.house.clock.now()).model_dump()).decode()

    return await _once(call, body, body.customer_id, f"end_snooze {snooze_id}", work)


async def _once(
    call: Call,
    body: Body,
    customer_id: int,
    kind: str,
    work: Callable[[], Awaitable[str | Refused]],
) -> Answer | Refused:
    return await remembered(
        call.house,
        scope_id=customer_id,
        key=call.idempotency_key,
        kind=kind,
        request=body.model_dump(),
        work=work,
    )


_CUSTOMER_EXAMPLE = "cu_01hv4zq3k2f00"

SNOOZE = Write(
    name="snooze_rule",
    tag=TAG,
    path="/v1/rule-snoozes",
    scope=Scope.APPROVALS_WRITE,
    body=SnoozeBody,
    answer=SnoozeView,
    carry=carry_snooze,
    status=201,
    summary="Suppress a rule for one customer",
    description=(
        "The first call asks for the approval of a second person; the same call under a new key "
        "suppresses the rule once it is given. Never a rule of law, never longer than the policy "
        "in force allows. The rule's verdict is recorded all the same."
    ),
    example={
        "customer_id": _CUSTOMER_EXAMPLE,
        "purpose": "origination",
        "rule": "R03",
        "days": 7,
        "reason": "The bureau confirmed in writing that the late month was its own mistake.",
    },
)
END = Write(
    name="end_snooze",
    tag=TAG,
    path="/v1/rule-snoozes/{snooze_id}/end",
    scope=Scope.APPROVALS_WRITE,
    body=SnoozeEndBody,
    answer=SnoozeView,
    carry=carry_end,
    summary="Let a suppressed rule act again",
    example={"customer_id": _CUSTOMER_EXAMPLE, "reason": "No longer needed."},
    path_ids={"snooze_id": ids.SNOOZE},
)
WRITES = (SNOOZE, END)


@router.get("/v1/policies", **reads(Scope.APPROVALS_READ, TAG, "List the policies in force"))
async def list_policies(house: HouseOf) -> PoliciesInForce:
    """Return which version decides for each purpose, and what its cap holds back.

    The list is whole: one version a purpose.
    """
    return PoliciesInForce(
        items=[
            PolicyView(
                purpose=purpose,
                code=version.policy.code,
                version=version.policy.version,
                policy_hash=version.policy.hash,
                is_published=version.publication_id is not None,
                tripped=sorted(version.guards.tripped),
                fallen_from=version.fallen_from,
            )
            for purpose, version in sorted(house.policies.every().items())
        ]
    )


@router.get(
    "/v1/rule-snoozes", **reads(Scope.APPROVALS_READ, TAG, "List rules suppressed for a customer")
)
async def list_snoozes(
    house: HouseOf,
    *,
    customer_id: Annotated[CustomerId, Query()],
    turn: Paging,
) -> Snoozes:
    """Return what was suppressed for a customer, newest first."""
    before = turn.number()
    found = await journey.list_snoozes(
        house, customer_id, page=turn.page, before=before, is_back=turn.is_back
    )
    page, now = page_of(found, turn, lambda item: (0, item.snooze_id)), house.clock.now()
    return Snoozes(
        items=[snooze_view(item, now) for item in page.items],
        **page.cursors,
    )


def snooze_view(snooze: Snooze, now: datetime) -> SnoozeView:
    """Return what an answer says of a snooze."""
    ended = "expired" if snooze.ended_at is None else "ended"
    return SnoozeView(
        snooze_id=ids.to_text(ids.SNOOZE, snooze.snooze_id),
        state="active" if snooze.is_active(now) else ended,
        approval_id=ids.to_text(ids.APPROVAL, snooze.approval_id),
        customer_id=ids.to_text(ids.CUSTOMER, snooze.customer_id),
        purpose=snooze.purpose,
        rule=snooze.rule_code,
        starts_at=snooze.starts_at,
        expires_at=snooze.expires_at,
        ended_at=snooze.ended_at,
    )


def _requested(wish: SnoozeWish, approval: Approval) -> SnoozeView:
    return SnoozeView(
        snooze_id=None,
        state="requested",
        approval_id=ids.to_text(ids.APPROVAL, approval.approval_id),
        customer_id=ids.to_text(ids.CUSTOMER, wish.customer_id),
        purpose=wish.purpose,
        rule=wish.rule_code,
        starts_at=None,
        expires_at=None,
        ended_at=None,
    )
