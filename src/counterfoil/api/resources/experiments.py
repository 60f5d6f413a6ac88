"""Experiments: what is tried on whom, who approved it, what came of it; losses by version."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Code, View
from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning.refusals import EXPERIMENT_NOT_FOUND
from counterfoil.journeys.deciding.experiment_report import losses_by_version, report_on, shape_of
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope

TAG: Final = "Experiments"
router = APIRouter()

ExperimentCode = Annotated[Code, Path(description="The experiment's code.")]


class ExperimentArmView(View):
    """One way in which cases are decided."""

    name: str
    policy_hash: str
    #: Of the experiment's customers.
    share_ppm: int


class StopRuleView(View):
    """When the experiment ends before its last day."""

    metric: str
    #: Cases of all arms at which it is looked.
    looks_cases: list[int]
    #: Thousandths of a standard error, look by look.
    bounds_z_e3: list[int]


class ControlBudgetView(View):
    """How far a control group may go."""

    share_ppm: int
    accounts_max: int
    loss_minor_max: int


class ExperimentEventView(View):
    """Something that happened to an experiment."""

    #: `proposed`, `approved`, `started`, `looked`, `stopped` or `ended`.
    kind: str
    on: date
    at: datetime
    by: str
    #: The approval, what a look found, or why it stopped.
    detail: dict[str, Any]


class ExperimentView(View):
    """An experiment with its history."""

    id: str
    code: str
    #: `challenger`, `shadow` or `control`.
    kind: str
    purpose: str
    question: str
    #: The last thing that happened to it, looks aside.
    state: str
    #: What two persons approved.
    definition_sha256: str
    layer: str
    layer_from_ppm: int
    layer_share_ppm: int
    first_date: date
    last_date: date
    metrics: list[str]
    arms: list[ExperimentArmView]
    stop_rule: StopRuleView | None
    budget: ControlBudgetView | None
    events: list[ExperimentEventView]


class Experiments(PageView):
    """A page of experiments, newest first."""

    items: list[ExperimentView]


class ExperimentReport(View):
    """What came of an experiment, as `counterfoil experiment report --json` tells it."""

    experiment: ExperimentView
    as_of: date
    cases: int
    #: By arm, differences, swap set and budget; of a shadow its disagreement and rules.
    figures: dict[str, Any]


class VintageView(View):
    """Lines that one version approved and that were opened in one month."""

    policy_hash: str
    policy_version: str
    #: `YYYY-MM`.
    month: str
    accounts: int
    limit_minor_sum: int
    #: Sum of what the model said of each account; None unless it did of all.
    expected_bad_ppm_sum: int | None
    late_30: int
    late_90: int
    #: More than 90 days late over expected; None where nothing was expected.
    realised_over_expected_ppm: int | None
    #: Whether the version is to be looked at.
    needs_review: bool
    lost_minor: int
    revenue_minor: int
    #: What the money lent has cost, at the rate of COUNTERFOIL_COST_OF_FUNDS_ANNUAL_E8.
    funding_minor: int
    #: Revenue less what is lost and what the money cost.
    profit_minor: int


class Losses(View):
    """Expected and realised losses by version and month."""

    items: list[VintageView]


@router.get("/v1/experiments", **reads(Scope.OPERATIONS_READ, TAG, "List experiments"))
async def list_experiments(house: HouseOf, turn: Paging) -> Experiments:
    """Return experiments with their history, newest first."""
    before = turn.number(store.NEWEST)
    async with house.database.connection() as connection:
        found = await store.read_experiments(
            connection, page=turn.page, is_back=turn.is_back, before=before
        )
    page = page_of(found, turn, lambda item: (0, item.experiment_id))
    return Experiments(
        items=[ExperimentView(**shape_of(kept)) for kept in page.items],
        **page.cursors,
    )


@router.get("/v1/experiments/{code}", **reads(Scope.OPERATIONS_READ, TAG, "Read an experiment"))
async def get_experiment(house: HouseOf, code: ExperimentCode) -> ExperimentView:
    """Return an experiment with its history."""
    async with house.database.connection() as connection:
        kept = await store.read_experiment(connection, code)
    if kept is None:
        raise RefusedError(refuse(EXPERIMENT_NOT_FOUND, experiment=code))
    return ExperimentView(**shape_of(kept))


@router.get(
    "/v1/experiments/{code}/report",
    **reads(Scope.OPERATIONS_READ, TAG, "Read what came of an experiment"),
)
async def get_experiment_report(house: HouseOf, code: ExperimentCode) -> ExperimentReport:
    """Return arms, differences with their uncertainty, swap set; or what a shadow said."""
    document = await report_on(house, code)
    if isinstance(document, Refused):
        raise RefusedError(document)
    shape = {name: document.pop(name) for name in ExperimentView.model_fields}
    return ExperimentReport(
        experiment=ExperimentView(**shape),
        as_of=document.pop("as_of"),
        cases=document.pop("cases"),
        figures=document,
    )


@router.get(
    "/v1/policy-losses",
    **reads(Scope.OPERATIONS_READ, TAG, "Read expected and realised losses by policy version"),
)
async def get_policy_losses(house: HouseOf) -> Losses:
    """Return losses by version and month of opening, for the review of policies.

    The list is whole: three years of months for each version.
    """
    return Losses(items=[VintageView(**one) for one in await losses_by_version(house)])
