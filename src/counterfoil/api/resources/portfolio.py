"""How the whole book stands: ceilings on debt with losses by band, and who is served how well."""

import dataclasses
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query

from counterfoil.api import refusals
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Day, View
from counterfoil.decisioning.inclusion import KindCount, SegmentCount
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Segment
from counterfoil.journeys.affording.portfolio import portfolio
from counterfoil.journeys.applying.inclusion import read_inclusion, read_segments, starter_path
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.access import Scope

EXPOSURE_TAG = "Capacity and exposure"
INCLUSION_TAG = "Applications"
router = APIRouter()
DAYS_MAX: Final = 366


class AboveView(View):
    """Customers above one ceiling."""

    ceiling: str
    #: `hard` refuses, `soft` sends to a person.
    end: str
    customers: int
    #: Of all who were looked at.
    share_ppm: int


class ExposureMonthView(View):
    """Persons looked at in one month."""

    #: First day of the month.
    month: date
    customers: int
    #: Above any ceiling, and refused for one.
    above: int
    refused: int
    ceilings: list[AboveView]


class OutcomeOwedView(View):
    """What customers owe whose latest run ended in one way."""

    #: `clear`, `unknown`, `capped`, `refer` or `refuse`.
    outcome: str
    customers: int
    owed_minor: int
    #: In loans at least 90 days past due.
    late_minor: int
    late_ppm: int


class LentMonthView(View):
    """What was lent in one month to people in one band."""

    month: date
    loans: int
    lent_minor: int
    owed_minor: int
    #: Principal of open loans at least 90 days past due.
    lost_minor: int
    #: Of what was lent.
    lost_ppm: int


class BandView(View):
    """What was lent to people in one band of a measure, and lost of it."""

    #: Whether the figure was known when it was lent.
    is_known: bool
    #: Where the band begins and below what it ends, in the measure's unit; None for no end.
    at_least: int | None
    below: int | None
    currency: str
    loans: int
    lent_minor: int
    owed_minor: int
    lost_minor: int
    lost_ppm: int
    months: list[LentMonthView]


class BandsView(View):
    """The bands of one measure."""

    #: `active_lenders`, `own_exposure`, `total_exposure`, `dsr` or `debt_to_yearly_income`.
    measure: str
    #: `count`, `minor` or `ppm`.
    unit: str
    bands: list[BandView]


class ExposureView(View):
    """The whole book against the ceilings on debt."""

    as_of: date
    customers: int
    #: Customers by the outcome of their latest run.
    outcomes: dict[str, int]
    above: list[AboveView]
    #: Oldest month first.
    trend: list[ExposureMonthView]
    losses: list[OutcomeOwedView]
    bands: list[BandsView]


class InclusionKindView(View):
    """How one kind of customers fared."""

    #: `all`, `thin_file`, `first_time`, `young_adult`, `student`, `elderly`, `rural` or
    #: `micro_owner`.
    code: str
    applied: int
    #: Applications of which it is not known whether they are of this kind.
    not_known: int
    decided: int
    approved: int
    approved_ppm: int | None
    limit_median_minor: int | None
    rate_median_daily_e8: int | None
    lines: int
    #: Lines with an instalment that has fallen due.
    observed: int
    late: int
    defaulted: int
    #: Of the observed.
    defaulted_ppm: int | None
    cured: int
    #: Of the late.
    cured_ppm: int | None
    graduated: int
    #: Of the lines.
    graduated_ppm: int | None
    reviews: int
    overturned: int


class InclusionSegmentView(View):
    """How one segment of a policy fared."""

    policy: str
    policy_hash: str
    code: str
    name_zh: str
    name_en: str
    #: What the policy promises this segment.
    protections: list[str]
    applied: int
    decided: int
    approved: int
    approved_ppm: int | None
    limit_median_minor: int | None
    rate_median_daily_e8: int | None
    lines: int
    observed: int
    late: int
    defaulted: int
    defaulted_ppm: int | None
    cured: int
    cured_ppm: int | None
    #: Lines open for long enough to have grown, and those that have.
    seasoned: int
    graduated: int
    graduated_ppm: int | None


class StarterPathView(View):
    """How those fare who begin with a small limit."""

    lines: int
    seasoned: int
    graduated: int
    graduated_ppm: int | None


class InclusionView(View):
    """The inclusion report of a span of dates."""

    first_date: date
    last_date: date
    kinds: list[InclusionKindView]
    segments: list[InclusionSegmentView]
    starter_path: StarterPathView
    #: Kept nowhere yet: None is not known, which is not none.
    complaints: int | None


@router.get(
    "/v1/exposure/portfolio",
    **reads(
        Scope.OPERATIONS_READ, EXPOSURE_TAG, "Read how the book stands against ceilings on debt"
    ),
)
async def get_portfolio(house: HouseOf) -> ExposureView:
    """Return customers above each ceiling, the trend, and losses by band and month."""
    return ExposureView.model_validate(await portfolio(house))


@router.get(
    "/v1/applications/inclusion",
    **reads(Scope.OPERATIONS_READ, INCLUSION_TAG, "Read the inclusion report"),
)
async def get_inclusion(
    house: HouseOf,
    first_date: Annotated[Day, Query(alias="from")],
    last_date: Annotated[Day, Query(alias="to")],
) -> InclusionView:
    """Return how kinds of customers and segments fared: approval, price, limit, default, cure."""
    if not timedelta(0) <= last_date - first_date < timedelta(days=DAYS_MAX):
        raise RefusedError(refuse(refusals.SPAN_INVALID, days_max=DAYS_MAX))
    async with house.database.connection() as connection:
        kinds = await read_inclusion(connection, first_date=first_date, last_date=last_date)
        segments = await read_segments(connection, first_date=first_date, last_date=last_date)
    starter = starter_path(segments)
    return InclusionView(
        first_date=first_date,
        last_date=last_date,
        kinds=[_kind(item) for item in kinds],
        segments=[_segment(*row) for row in segments],
        starter_path=StarterPathView(**starter._asdict(), graduated_ppm=starter.graduated_ppm),
        complaints=None,
    )


def _kind(item: KindCount) -> InclusionKindView:
    return InclusionKindView(**dataclasses.asdict(item), **_shares(item))


def _segment(policy: Policy, segment: Segment, item: SegmentCount) -> InclusionSegmentView:
    return InclusionSegmentView(
        policy=f"{policy.code} {policy.version}",
        name_zh=segment.name_zh,
        name_en=segment.name_en,
        protections=[one.value for one in segment.protections],
        **dataclasses.asdict(item),
        **_shares(item),
    )


def _shares(item: KindCount | SegmentCount) -> dict[str, int | None]:
    return {
        "approved_ppm": item.approved_ppm,
        "defaulted_ppm": item.defaulted_ppm,
        "cured_ppm": item.cured_ppm,
        "graduated_ppm": item.graduated_ppm,
    }
