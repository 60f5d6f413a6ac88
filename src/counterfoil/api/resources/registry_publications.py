"""Publications of the registry of features: what changes, asked for, approved by another."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.features import registry_store as store
from counterfoil.features.refusals import REGISTRY_GATE_CLOSED
from counterfoil.features.registry import Registry
from counterfoil.features.registry_file import parse_registry
from counterfoil.features.registry_store import RegistryPublication
from counterfoil.features.table import RegistryError
from counterfoil.journeys.knowing import publish_registry as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

TAG = "Features"
router = APIRouter()
_FILES_MAX = 100
_TEXT_LENGTH_MAX = 500_000

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}\.toml$")]
_FileText = Annotated[str, StringConstraints(max_length=_TEXT_LENGTH_MAX)]
_Files = Annotated[dict[_FileName, _FileText], Field(min_length=1, max_length=_FILES_MAX)]


class RegistryPublicationBody(Body):
    """A registry to be put in force."""

    #: The text of each file by its name; or the SHA-256 of a registry that was published or asked
    #: for, or that ships.
    registry: Sha256 | _Files
    reason: Reason


class RegistryPublicationAnswer(View):
    """What became of the call: `requested`, or `published`."""

    state: str
    #: What somebody else decides on, or has decided on.
    approval_id: str


class RegistryPublicationView(View):
    """A registry that was put in force."""

    registry_sha256: str
    author: str
    approver: str
    approval_id: str
    published_at: datetime


class RegistryPublications(PageView):
    """A page of publications, newest first."""

    items: list[RegistryPublicationView]


class MemberDifference(View):
    """A member of an entry that is not as it was; both sides as canonical JSON."""

    member: str
    before: str
    after: str


class EntryDifference(View):
    """An entry that came, went or is another."""

    part: str
    name: str
    #: `added`, `removed` or `changed`.
    how: str
    members: list[MemberDifference]


class FaultView(View):
    """What stands in the way of the publication."""

    place: str
    reason: str


class ImpactView(View):
    """What the latest recorded decisions would have read and become."""

    cases: int
    #: Feature, then `same`, `changed`, `became_known` or `became_unknown`, then decisions.
    values: dict[str, dict[str, int]]
    #: Outcome then and now, then decisions.
    outcomes: dict[str, int]
    limits_changed: int


class RegistryDifferenceView(View):
    """What a registry would change in the one in force, and what that would have meant."""

    registry_sha256: str
    before_sha256: str
    changes: list[EntryDifference]
    #: Versions that were held against it.
    policies: list[str]
    faults: list[FaultView]
    impact: ImpactView


async def carry_publication(call: Call, body: RegistryPublicationBody) -> Answer | Refused:
    """Publish a registry, or ask for the approval of that."""

    async def act() -> RegistryPublicationAnswer | Refused:
        found = await _registry(call, body)
        if isinstance(found, Refused):
            return found
        actor = actor_of(call, Scope.APPROVALS_WRITE)
        made = await journey.ask_or_publish(call.house, actor, found, reason=body.reason)
        return made if isinstance(made, Refused) else _answer(made)

    return await once(call, PUBLISH, body, act, lambda answer: answer)


async def _registry(call: Call, body: RegistryPublicationBody) -> Registry | Refused:
    if isinstance(body.registry, str):
        async with call.house.database.connection() as connection:
            return await journey.known_registry(call.house, connection, body.registry)
    try:
        return parse_registry(body.registry)
    except (RegistryError, ValueError) as fault:
        return refuse(REGISTRY_GATE_CLOSED, fault=str(fault))


def _answer(made: RegistryPublication | Approval) -> RegistryPublicationAnswer:
    return RegistryPublicationAnswer(
        state="requested" if isinstance(made, Approval) else "published",
        approval_id=ids.to_text(ids.APPROVAL, made.approval_id),
    )


PUBLISH = Write(
    name="publish_registry",
    tag=TAG,
    path="/v1/feature-registries/publications",
    scope=Scope.APPROVALS_WRITE,
    body=RegistryPublicationBody,
    answer=RegistryPublicationAnswer,
    carry=carry_publication,
    status=201,
    summary="Publish a registry of features",
    description=(
        "The first call compares, keeps the report and asks for approval; once somebody else has"
        " approved, the same call under a new key publishes. To go back, name the one before by"
        " its SHA-256."
    ),
    example={"registry": "ab" * 32, "reason": "The bureau counts its lenders anew."},
)
WRITES = (PUBLISH,)


@router.get(
    "/v1/feature-registries/publications",
    **reads(Scope.APPROVALS_READ, TAG, "List publications of the registry of features"),
)
async def list_registry_publications(house: HouseOf, turn: Paging) -> RegistryPublications:
    """Return which registries were put in force, by whom, newest first."""
    async with house.database.connection() as connection:
        found = await store.read_publications(
            connection, page=turn.page, before=turn.number(), is_back=turn.is_back
        )
    page = page_of(found, turn, lambda made: (0, made.publication_id))
    return RegistryPublications(
        items=[
            RegistryPublicationView(
                registry_sha256=made.sha256,
                author=made.author,
                approver=made.approver,
                approval_id=ids.to_text(ids.APPROVAL, made.approval_id),
                published_at=made.published_at,
            )
            for made in page.items
        ],
        **page.cursors,
    )


@router.get(
    "/v1/feature-registries/{registry_sha256}/difference",
    **reads(Scope.APPROVALS_READ, TAG, "Read what a registry of features would change"),
)
async def get_registry_difference(
    house: HouseOf,
    registry_sha256: Annotated[Sha256, Path(description="SHA-256 of the registry.")],
) -> RegistryDifferenceView:
    """Return the difference to the registry in force, its faults, and decisions decided again."""
    async with house.database.connection() as connection:
        found = await journey.known_registry(house, connection, registry_sha256)
        if isinstance(found, Refused):
            raise RefusedError(found)
        report = await journey.gate(house, connection, found)
    return RegistryDifferenceView.model_validate(report.document())
