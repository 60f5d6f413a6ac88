"""The funnel of applications: stages, times, straight-through rate, triggers of referrals."""

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query

from counterfoil.api import refusals
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Code, Day, View
from counterfoil.journeys.funnel import ProductFunnel, read_funnel
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.access import Scope

TAG = "Applications"
router = APIRouter()

DAYS_MAX: Final = 366


class FunnelStepView(View):
    """How long one step took for the applications that ended it."""

    #: `gathering`, `decision`, `person`, `acceptance`, or the whole `journey` to the open line.
    step: str
    ended: int
    median_ms: int
    p95_ms: int
    p99_ms: int


class FunnelTriggerView(View):
    """A rule that asked for a person."""

    rule_code: str
    applications: int


class LeftView(View):
    """Applications that came to an end without an answer or with the offer in hand."""

    #: `undecided`, `referred` or `offered`.
    stage: str
    expired: int
    withdrawn: int


class ProductFunnelView(View):
    """The funnel of one product."""

    product_code: str
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


class FunnelView(View):
    """The funnels of a span of dates."""

    first_date: date
    last_date: date
    items: list[ProductFunnelView]


@router.get(
    "/v1/applications/funnel",
    **reads(Scope.OPERATIONS_READ, TAG, "Read the funnel of applications"),
)
async def get_funnel(
    house: HouseOf,
    first_date: Annotated[Day, Query(alias="from")],
    last_date: Annotated[Day, Query(alias="to")],
    product_code: Annotated[Code | None, Query()] = None,
) -> FunnelView:
    """Return how far the applications received from one date to another came, and how fast."""
    if not timedelta(0) <= last_date - first_date < timedelta(days=DAYS_MAX):
        raise RefusedError(refuse(refusals.SPAN_INVALID, days_max=DAYS_MAX))
    found = await read_funnel(
        house.database, first_date=first_date, last_date=last_date, product_code=product_code
    )
    return FunnelView(
        first_date=first_date, last_date=last_date, items=[_product_view(one) for one in found]
    )


def _product_view(one: ProductFunnel) -> ProductFunnelView:
    stages = one.stages
    left = (
        ("undecided", stages.expired_undecided, stages.withdrawn_undecided),
        ("referred", stages.expired_referred, stages.withdrawn_referred),
        ("offered", stages.expired_offered, stages.withdrawn_offered),
    )
    return ProductFunnelView(
        product_code=stages.product_code,
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
                ended=t.ended,
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
