"""Models: where each stands, who stands behind it, which policies decide by it, what is due."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import StringConstraints

from counterfoil.api.paging import (
    PAGE_DEFAULT,
    Limit,
    PageView,
    Paging,
    check_one_side,
    cut,
    page_of,
)
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import View
from counterfoil.journeys.deciding.publish_model import (
    Registered,
    cards_in_use,
    list_registered,
    read_registered,
)
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.models import monitoring_store, registry_store
from counterfoil.models.artefact import document_of
from counterfoil.models.refusals import MODEL_NOT_FOUND
from counterfoil.models.registry import notices_of
from counterfoil.platform.access import Scope

TAG = "Models"
router = APIRouter()

_Hash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
ModelHash = Annotated[_Hash, Path(description="SHA-256 of the model's file, its identity.")]
AfterHash = Annotated[_Hash | None, Query(description="The `next` of a page.")]
BeforeHash = Annotated[_Hash | None, Query(description="The `prev` of a page.")]


class ValidationView(View):
    """The last validation."""

    data_sha256: str
    report_sha256: str
    #: `green`, `amber` or `red`.
    verdict: str
    #: Red alarms that the validator accepts.
    accepted: list[str]
    validated_by: str
    validated_at: datetime
    expires_at: datetime


class UseView(View):
    """A published policy that decides, or decided, by the model."""

    policy_hash: str
    code: str
    version: str
    purpose: str
    effective_from: datetime
    is_in_force: bool


class NoticeView(View):
    """Something that is due about a model in use."""

    code: str
    level: str
    until: datetime | None


class ModelView(View):
    """A model of the registry."""

    model_sha256: str
    code: str
    version: str
    kind: str
    owner: str
    #: Of the training data.
    data_sha256: str
    developer: str
    #: `draft`, `validated`, `approved`, `live` or `retired`.
    state: str
    live_since: datetime | None
    approved_until: datetime | None
    approver: str | None
    validation: ValidationView | None
    uses: list[UseView]
    notices: list[NoticeView]


class CardView(View):
    """A points card that stands in a policy in force, and not in the registry."""

    code: str
    version: str
    policy_hash: str
    purpose: str
    features_count: int
    #: From when it decides; null for what ships with the program.
    since: datetime | None


class Models(PageView):
    """A page of models, newest first."""

    items: list[ModelView]
    #: Points cards by which policies in force decide; on every page.
    cards: list[CardView]


class EventView(View):
    """Something that happened to a model."""

    act: str
    state: str
    done_by: str
    reason: str
    at: datetime


class ModelDetail(View):
    """A model with its history and its file."""

    model: ModelView
    events: list[EventView]
    #: The file as it was registered: tables, calibration, grades, card.
    file: dict[str, Any]


class MonitoringView(View):
    """What was found of one segment over a span."""

    #: `*` is all segments.
    segment: str
    since: datetime
    until: datetime
    cases: int
    #: `green`, `amber` or `red`.
    level: str
    owner: str
    due_on: date | None
    made_at: datetime
    #: Figures and alarms; shares, indices and ratios in ppm.
    figures: dict[str, Any]


class Monitorings(PageView):
    """A page of what monitoring found, newest first."""

    items: list[MonitoringView]


class StressView(View):
    """What a scenario would do to cases that the model scores."""

    scenario_sha256: str
    data_sha256: str
    made_by: str
    made_at: datetime
    #: Expected losses before and in the scenario, and cases by grade before and after.
    result: dict[str, Any]


class Stresses(PageView):
    """A page of stress tests, newest first."""

    items: list[StressView]


@router.get("/v1/models", **reads(Scope.APPROVALS_READ, TAG, "List models"))
async def list_models(
    house: HouseOf,
    *,
    after: AfterHash = None,
    before: BeforeHash = None,
    limit: Limit = PAGE_DEFAULT,
) -> Models:
    """Return models, newest first, with what is due about them."""
    check_one_side(after, before)
    is_back = before is not None
    found = await list_registered(house, after=after or before, page=limit + 1, is_back=is_back)
    items, goes_on = cut(found, limit, is_back=is_back)
    hashes = [item.model.model_sha256 for item in items]
    cards = [
        CardView(
            code=card.code,
            version=card.version,
            policy_hash=card.policy_hash,
            purpose=card.purpose,
            features_count=card.features_count,
            since=card.since,
        )
        for card in await cards_in_use(house)
    ]
    return Models(
        items=[_view(house, item) for item in items],
        cards=cards,
        next=hashes[-1] if hashes and (goes_on or is_back) else None,
        prev=hashes[0] if hashes and (goes_on if is_back else after is not None) else None,
    )


@router.get("/v1/models/{model_sha256}", **reads(Scope.APPROVALS_READ, TAG, "Read a model"))
async def get_model(house: HouseOf, model_sha256: ModelHash) -> ModelDetail:
    """Return a model with its history and its file."""
    found = await read_registered(house, model_sha256)
    if found is None:
        raise RefusedError(refuse(MODEL_NOT_FOUND))
    async with house.database.connection() as connection:
        artefact = await registry_store.read_file(connection, model_sha256)
    assert artefact is not None, "a registered model has a file"
    return ModelDetail(
        model=_view(house, found),
        events=[
            EventView(
                act=event.act.value,
                state=event.state.value,
                done_by=event.done_by,
                reason=event.reason,
                at=event.at,
            )
            for event in found.events
        ],
        file={**document_of(artefact)},
    )


@router.get(
    "/v1/models/{model_sha256}/monitoring",
    **reads(Scope.APPROVALS_READ, TAG, "List what monitoring found"),
)
async def list_monitoring(house: HouseOf, model_sha256: ModelHash, *, turn: Paging) -> Monitorings:
    """Return what was found of a model by segment, newest first."""
    async with house.database.connection() as connection:
        if await registry_store.read_model(connection, model_sha256) is None:
            raise RefusedError(refuse(MODEL_NOT_FOUND))
        found = await monitoring_store.list_monitorings(
            connection, model_sha256, page=turn.page, is_back=turn.is_back, before=turn.number()
        )
    page = page_of(found, turn, lambda item: (0, item.monitoring_id))
    return Monitorings(
        items=[
            MonitoringView(
                segment=item.segment,
                since=item.since,
                until=item.until,
                cases=item.cases,
                level=item.level,
                owner=item.owner,
                due_on=item.due_on,
                made_at=item.made_at,
                figures=dict(item.document),
            )
            for item in page.items
        ],
        **page.cursors,
    )


@router.get(
    "/v1/models/{model_sha256}/stress-tests",
    **reads(Scope.APPROVALS_READ, TAG, "List stress tests"),
)
async def list_stress_tests(house: HouseOf, model_sha256: ModelHash, *, turn: Paging) -> Stresses:
    """Return the stress tests of a model, newest first."""
    async with house.database.connection() as connection:
        if await registry_store.read_model(connection, model_sha256) is None:
            raise RefusedError(refuse(MODEL_NOT_FOUND))
        found = await monitoring_store.list_stresses(
            connection, model_sha256, page=turn.page, before=turn.number(), is_back=turn.is_back
        )
    page = page_of(found, turn, lambda item: (0, item.stress_id))
    return Stresses(
        items=[
            StressView(
                scenario_sha256=item.scenario_sha256,
                data_sha256=item.data_sha256,
                made_by=item.made_by,
                made_at=item.made_at,
                result=dict(item.document),
            )
            for item in page.items
        ],
        **page.cursors,
    )


def _view(house: House, item: Registered) -> ModelView:
    model, standing, validation = item.model, item.standing, item.validation
    return ModelView(
        model_sha256=model.model_sha256,
        code=model.code,
        version=model.version,
        kind=model.kind,
        owner=model.owner,
        data_sha256=model.data_sha256,
        developer=model.developer,
        state=standing.state.value,
        live_since=standing.live_since,
        approved_until=standing.approved_until,
        approver=standing.approver,
        validation=None
        if validation is None
        else ValidationView(
            data_sha256=validation.data_sha256,
            report_sha256=validation.report_sha256.hex(),
            verdict=validation.verdict,
            accepted=list(validation.accepted),
            validated_by=validation.validated_by,
            validated_at=validation.validated_at,
            expires_at=validation.expires_at,
        ),
        uses=[
            UseView(
                policy_hash=use.policy_hash,
                code=use.code,
                version=use.version,
                purpose=use.purpose,
                effective_from=use.effective_from,
                is_in_force=use.is_in_force,
            )
            for use in item.uses
        ],
        notices=[
            NoticeView(code=notice.code, level=notice.level.value, until=notice.until)
            for notice in notices_of(standing, validation, at=house.clock.now())
        ],
    )
