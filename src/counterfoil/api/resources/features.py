"""Features: what may be known of customers, the customer's own profile, and events from outside."""

from datetime import UTC, date, datetime, time
from typing import Annotated

import orjson
from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.shapes import Body, Code, ConsentId, CustomerId, Day, Fact, LineId, View
from counterfoil.api.writes import Call, Write
from counterfoil.features.event import Draft
from counterfoil.features.registry import Registry
from counterfoil.journeys.knowing import profile as journey
from counterfoil.journeys.knowing.feature_check import feature_document
from counterfoil.journeys.knowing.feature_quality import quality_of_sources
from counterfoil.journeys.knowing.profile import Profile, Trait
from counterfoil.journeys.knowing.profile_words import plain_words
from counterfoil.journeys.knowing.tell_events import take_one
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer

TAG = "Features"
router = APIRouter()
_PATH = {"customer_id": ids.CUSTOMER}
_CUSTOMER = "cu_01hv4zq3k2f00"
#: More members than events of any kind have.
_FACTS_MAX = 100

Told = bool | Fact | Code
Record = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]*$")
]


class UseView(View):
    """One way in which a feature may be read."""

    source: str
    legal_basis: str
    #: Of the consent behind it; empty where the basis names none.
    consent_purpose: str
    purposes: list[str]


class FeatureView(View):
    """One registered feature."""

    name: str
    name_en: str
    name_zh: str
    meaning_en: str
    meaning_zh: str
    type: str
    unit: str
    lowest: int
    highest: int
    values: list[str]
    category: str
    sources: list[str]
    purposes: list[str]
    uses: list[UseView]
    owner: str
    version: int
    #: Days after which a value says nothing any more; null: it does not age.
    fresh_days: int | None
    #: Whether a model made it, not a source.
    is_inferred: bool
    #: Whether the customer can say that it is otherwise.
    is_stated: bool
    #: Which room computes it; empty where it follows from events.
    computed_by: str
    #: How it follows from events.
    definition: str


class Features(View):
    """The registry of features."""

    registry_sha256: str
    items: list[FeatureView]


class DayScore(View):
    """How far a source could be relied on in a day's runs of the checks."""

    #: By UTC.
    on: date
    #: Share of the cases that held, in ppm; null where there were none.
    score_ppm: int | None


class SourceView(View):
    """A source, and how far it can be relied on."""

    source: str
    owner: str
    #: What one record of it costs, minor units of CNY.
    cost_minor: int
    #: Records that it has told in ninety days, and what they cost together.
    records_count: int
    spent_minor: int
    #: Share of the cases that hold, in ppm; null where nothing was measured.
    score_ppm: int | None
    #: `pass`, `warn`, `degrade` or `stop`: stopped, it is unknown to every decision.
    effect: str
    #: Its score day by day for ninety days, the oldest first; days without a run are not there.
    history: list[DayScore]


class Sources(View):
    """Every source of the registry."""

    items: list[SourceView]


class TraitView(View):
    """One thing that is known of a customer."""

    name: str
    name_en: str
    name_zh: str
    meaning_en: str
    meaning_zh: str
    #: The line it is about; null for the customer.
    line_id: str | None
    #: Null for unknown.
    value: bool | int | str | None
    unit: str
    source: str
    on: date | None
    age_days: int | None
    #: `good`, `degraded`, `contested`, `stale`, `stopped`, `ended` or `unknown`.
    quality: str
    purposes: list[str]
    #: Whether a model concluded it, and which.
    is_inferred: bool
    model: str
    #: Whether the customer can correct it here.
    is_stated: bool
    text_en: str
    text_zh: str


class ProfileView(View):
    """What is known of a customer, for the customer."""

    customer_id: str
    on: date
    traits: list[TraitView]


class CorrectionBody(Body):
    """The customer says that something is otherwise, or just wrong."""

    name: Code
    #: What is right; null says only that it is wrong.
    value: Told | None


class FeatureEventBody(Body):
    """What became known of a customer, as a source tells it."""

    customer_id: CustomerId
    kind: Code
    source: Code
    #: The source's own number of it; the same again is taken once.
    source_record: Record
    #: What it was collected for, and on what basis; without both nothing is kept.
    purpose: Code | None = None
    legal_basis: Code | None = None
    consent_id: ConsentId | None = None
    line_id: LineId | None = None
    occurred_on: Day
    facts: dict[Code, Told] = Field(max_length=_FACTS_MAX)


class FeatureEventAnswer(View):
    """What became of an event."""

    customer_id: str
    source_record: str
    #: `accepted`, `duplicate`, or `quarantined` until somebody repairs it.
    status: str


async def carry_correction(call: Call, body: CorrectionBody) -> Answer | Refused:
    """Correct."""
    customer_id = call.path["customer_id"]
    actor = Actor(name=call.author, role="client", source="api")

    async def work() -> str | Refused:
        made = await journey.correct(
            call.house, actor, customer_id=customer_id, name=body.name, value=body.value
        )
        if isinstance(made, Refused):
            return made
        return profile_view(call.house.registry, made).model_dump_json()

    return await remembered(
        call.house,
        scope_id=customer_id,
        key=call.idempotency_key,
        kind="correct_profile",
        request={"name": body.name, "value": body.value},
        work=work,
    )


async def carry_event(call: Call, body: FeatureEventBody) -> Answer | Refused:
    """Take in."""
    draft = _draft(body)

    async def work() -> str | Refused:
        status = await take_one(call.house, draft)
        if isinstance(status, Refused):
            return status
        answer = {
            "customer_id": ids.to_text(ids.CUSTOMER, body.customer_id),
            "source_record": body.source_record,
            "status": status,
        }
        return orjson.dumps(answer).decode()

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="tell_event",
        request=draft._asdict(),
        work=work,
    )


CORRECT = Write(
    name="correct_profile",
    tag=TAG,
    path="/v1/applicants/{customer_id}/profile/corrections",
    path_ids=_PATH,
    scope=Scope.APPLICANTS_WRITE,
    body=CorrectionBody,
    answer=ProfileView,
    carry=carry_correction,
    summary="Correct the own profile",
    description=(
        "What the customer has stated is stated anew; what others say is marked as contested."
        " Earlier decisions keep what they read; the customer's lines are reviewed next."
    ),
    example={"name": "debt_monthly_minor", "value": 250_000},
)
TELL = Write(
    name="tell_event",
    tag=TAG,
    path="/v1/feature-events",
    scope=Scope.OPERATIONS_WRITE,
    body=FeatureEventBody,
    answer=FeatureEventAnswer,
    carry=carry_event,
    status=201,
    summary="Tell what became known of a customer",
    description=(
        "Taken once by the source's own record. An event without legal basis and purpose is"
        " refused; a malformed one waits in quarantine."
    ),
    example={
        "customer_id": _CUSTOMER,
        "kind": "statement",
        "source": "applicant",
        "source_record": "crm-4711",
        "purpose": "origination",
        "legal_basis": "contract",
        "occurred_on": "2026-01-05",
        "facts": {"debt_monthly_minor": 250_000},
    },
)
WRITES = (CORRECT, TELL)


@router.get("/v1/features", **reads(Scope.OPERATIONS_READ, TAG, "List the registered features"))
async def list_features(house: HouseOf) -> Features:
    """Return the whole registry; it is short and changes with a release or by its owners.

    The list is whole: the features of the registry in force.
    """
    return Features(
        registry_sha256=house.registry.sha256,
        items=[
            FeatureView.model_validate(feature_document(feature))
            for feature in house.registry.features.values()
        ],
    )


@router.get("/v1/feature-sources", **reads(Scope.OPERATIONS_READ, TAG, "List sources of data"))
async def list_feature_sources(house: HouseOf) -> Sources:
    """Return every source with its owner, its cost and how far it can be relied on now.

    The list is whole: the sources of the registry in force.
    """
    async with house.database.connection() as connection:
        found = await quality_of_sources(house, connection)
    return Sources(
        items=[
            SourceView(
                source=one.source,
                owner=one.owner,
                cost_minor=one.cost_minor,
                score_ppm=one.score_ppm,
                effect=one.effect.value,
                records_count=one.records_count,
                spent_minor=one.spent_minor,
                history=[DayScore(on=on, score_ppm=score) for on, score in one.history],
            )
            for one in found
        ]
    )


@router.get(
    "/v1/applicants/{customer_id}/profile",
    **reads(Scope.APPLICANTS_READ, TAG, "Read the own profile"),
)
async def get_profile(house: HouseOf, customer_id: CustomerId) -> ProfileView:
    """Return what is known of a customer, each with its source, age and quality, for the customer.

    It is folded from events when it is asked for; there is no copy.
    """
    found = await journey.own_profile(house, customer_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return profile_view(house.registry, found)


def profile_view(registry: Registry, profile: Profile) -> ProfileView:
    """Return what an answer says of a profile."""
    return ProfileView(
        customer_id=ids.to_text(ids.CUSTOMER, profile.customer_id),
        on=profile.on,
        traits=[_trait(registry, trait) for trait in profile.traits],
    )


def _trait(registry: Registry, trait: Trait) -> TraitView:
    feature = trait.feature
    text_en, text_zh = plain_words(registry, trait)
    return TraitView(
        name=feature.name,
        name_en=feature.name_en,
        name_zh=feature.name_zh,
        meaning_en=feature.meaning_en,
        meaning_zh=feature.meaning_zh,
        line_id=None if trait.line_id is None else ids.to_text(ids.LINE, trait.line_id),
        value=trait.value,
        unit=feature.unit,
        source=trait.source,
        on=trait.on,
        age_days=trait.age_days,
        quality=trait.quality.value,
        purposes=sorted(feature.purposes),
        is_inferred=feature.is_inferred,
        model=trait.model,
        is_stated=feature.is_stated,
        text_en=text_en,
        text_zh=text_zh,
    )


def _draft(body: FeatureEventBody) -> Draft:
    return Draft(
        customer_id=body.customer_id,
        kind=body.kind,
        source=body.source,
        source_record=body.source_record,
        line_id=body.line_id,
        purpose=body.purpose or "",
        legal_basis=body.legal_basis or "",
        consent_id=body.consent_id,
        occurred_on=body.occurred_on,
        occurred_at=datetime.combine(body.occurred_on, time(), UTC),
        known_at=None,
        expires_at=None,
        facts=body.facts,
    )
