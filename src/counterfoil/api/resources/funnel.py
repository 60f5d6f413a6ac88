"""The funnel of applications: stages, times, straight-through rate, triggers of referrals."""

from datetime import date, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from counterfoil.api import refusals
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Code, Day, View
from counterfoil.decisioning.application import Channel
from counterfoil.journeys.applying.funnel import (
    COMPLIANCE_STEPS,
    FunnelQuestion,
    GroupFunnel,
    read_funnel,
    read_sources,
)
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.access import Scope

TAG = "Applications"
router = APIRouter()

DAYS_MAX: Final = 366


class FunnelStepView(View):
    """How many applications took one step, and how long."""

    #: `gathering`, `consent_reading`, `consent_proof`, `inquiry`, `decision`, `person`,
    #: `identity_check`, `cost_sheet_reading`, `agreement_reading`, `agreement` (both with the
    #: signature), `acceptance`, or the whole `journey` to the open line.
    step: str
    #: Whether it is a check that the law asks for.
    is_compliance: bool
    began: int
    ended: int
    #: Expired or withdrawn before the step ended.
    left_off: int
    #: Of those that ended it; None where none did.
    median_ms: int | None
    p95_ms: int | None
    p99_ms: int | None


class FunnelTriggerView(View):
    """A rule that asked for a person, or `PERSON_WISHED` where the customer did."""

    rule_code: str
    applications: int


class LeftView(View):
    """Applications that came to an end without an answer or with the offer in hand."""

    #: `undecided`, `referred` or `offered`.
    stage: str
    expired: int
    withdrawn: int


class GroupFunnelView(View):
    """The funnel of one group."""

    #: A product's code, a channel, a segment's code or a policy version, as was asked for.
    group: str
    received: int
    decided: int
    approved_by_policy: int
    declined_by_policy: int
    referred: int
    approved_by_person: int
    declined_by_person: int
    accepted: int
    #: Decided without a person, in basis points of all decided; None where none was decided.
    straight_through_bp: int | None
    left: list[LeftView]
    steps: list[FunnelStepView]
    triggers: list[FunnelTriggerView]


class SourceView(View):
    """How a source that is asked kept its time."""

    source: str
    asked: int
    answered: int
    #: Not ended within its time.
    over_limit: int
    median_seconds: int | None
    p95_seconds: int | None
    p99_seconds: int | None


class FunnelView(View):
    """The funnels of a span of dates."""

    first_date: date
    last_date: date
    #: By what the items are told apart.
    by: str
    items: list[GroupFunnelView]
    #: Of the span, whatever else was asked for.
    sources: list[SourceView]


Group = Literal["product", "channel", "segment", "policy_version"]
Version = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[!-~]+$")]


@router.get(
    "/v1/applications/funnel",
    **reads(Scope.OPERATIONS_READ, TAG, "Read the funnel of applications"),
)
async def get_funnel(
    house: HouseOf,
    first_date: Annotated[Day, Query(alias="from")],
    last_date: Annotated[Day, Query(alias="to")],
    product_code: Annotated[Code | None, Query()] = None,
    channel: Annotated[Channel | None, Query()] = None,
    segment: Annotated[Code | None, Query()] = None,
    policy_version: Annotated[Version | None, Query()] = None,
    by: Annotated[Group, Query(description="By what applications are told apart.")] = "product",
) -> FunnelView:
    """Return how far the applications received from one date to another came, and how fast.

    The list is whole: one row for each value that tells them apart.
    """
    if not timedelta(0) <= last_date - first_date < timedelta(days=DAYS_MAX):
        raise RefusedError(refuse(refusals.SPAN_INVALID, days_max=DAYS_MAX))
    question = FunnelQuestion(
        first_date=first_date,
        last_date=last_date,
        product_code=product_code,
        channel=channel and channel.value,
        segment=segment,
        policy_version=policy_version,
        by=by,
    )
    found = await read_funnel(house.database, question)
    sources = await read_sources(house, question)
    return FunnelView(
        first_date=first_date,
        last_date=last_date,
        by=by,
        items=[_group_view(one) for one in found],
        sources=[SourceView(**one._asdict()) for one in sources],
    )


def _group_view(one: GroupFunnel) -> GroupFunnelView:
    stages = one.stages
    left = (
        ("undecided", stages.expired_undecided, stages.withdrawn_undecided),
        ("referred", stages.expired_referred, stages.withdrawn_referred),
        ("offered", stages.expired_offered, stages.withdrawn_offered),
    )
    return GroupFunnelView(
        group=stages.group_code,
        received=stages.received,
        decided=stages.decided,
        approved_by_policy=stages.approved_by_policy,
        declined_by_policy=stages.declined_by_policy,
        referred=stages.referred,
        approved_by_person=stages.approved_by_person,
        declined_by_person=stages.declined_by_person,
        accepted=stages.accepted,
        straight_through_bp=one.straight_through_bp,
        left=[LeftView(stage=name, expired=e, withdrawn=w) for name, e, w in left],
        steps=[
            FunnelStepView(
                step=t.step,
                is_compliance=t.step in COMPLIANCE_STEPS,
                began=t.began,
                ended=t.ended,
                left_off=t.left_off,
                median_ms=t.median_ms,
                p95_ms=t.p95_ms,
                p99_ms=t.p99_ms,
            )
            for t in one.steps
        ],
        triggers=[
            FunnelTriggerView(rule_code=code, applications=count)
            for code, count in one.triggers.items()
        ],
    )
