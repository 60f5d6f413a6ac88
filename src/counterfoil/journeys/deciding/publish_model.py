"""From a model's file to a model that policies may decide by: three people, and a leaf.

Order       `register_model` keeps a file as a draft. `record_validation` keeps what another person
            found and asks for approval of exactly these two. A third person approves, and
            `approve_model` uses the approval up. `publish_model` writes the leaf.
Invariant   Every step is one transaction with its line in the trail; steps on one model are taken
            one after another. A policy is published only if the model it decides by is live.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson

from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.publication_store import read_publications
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.models import registry, validation
from counterfoil.models import registry_store as store
from counterfoil.models.artefact import Artefact
from counterfoil.models.refusals import MODEL_IN_USE, MODEL_NOT_FOUND, MODEL_VERSION_TAKEN
from counterfoil.models.registry import Event, Model, Standing, State, Step, Use, Validation
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import (
    APPROVAL_NOT_ALLOWED,
    Approval,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection
from counterfoil.privacy.refusals import REASON_MISSING

APPROVAL: Final = "model_approval"

#: More publications than there were since any version in force was published.
PUBLICATIONS_LOOKED_AT: Final = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A model with everything the registry knows of it."""

    model: Model
    standing: Standing
    events: Sequence[Event]
    #: The last one; None before the first.
    validation: Validation | None
    #: Published policies that decide, or decided, by it.
    uses: Sequence[Use]


async def register_model(
    house: House, actor: Actor, artefact: Artefact, *, reason: str
) -> Model | Refused:
    """Keep a model's file as a draft; the same file again changes nothing."""

    async def work(connection: Connection, at: datetime) -> Model:
        present = await store.hash_of_version(connection, artefact.code, artefact.version)
        if present is not None and present != artefact.sha256:
            given = {"code": artefact.code, "version": artefact.version}
            raise RefusedError(refuse(MODEL_VERSION_TAKEN, **given))
        if present is not None:
            return await _model(connection, present)
        made = registry.model_of(artefact, developer=actor.name, at=at)
        await store.add_model(connection, made, artefact)
        event = _event(house, made, Step.REGISTERED, State.DRAFT, actor, reason, at)
        await store.add_event(connection, event)
        return made

    return await _step(house, actor, "model_registration", artefact.sha256, reason, work)


async def record_validation(
    house: House,
    actor: Actor,
    document: Mapping[str, Any],
    *,
    reason: str,
    accepted: Sequence[str] = (),
) -> Approval | Refused:
    """Keep what a second person found, and ask for a third one's approval of it.

    `accepted` names the red alarms that the person accepts; the reason says why.
    """
    model_sha256 = document["model"]["sha256"]

    async def work(connection: Connection, at: datetime) -> tuple[Model, Validation]:
        model = await _model(connection, model_sha256)
        standing = await _standing(connection, model)
        state = _allowed(registry.after(standing.state, Step.VALIDATED))
        _unless(registry.check_validation(model, document, validator=actor.name, accepted=accepted))
        # What the file itself says counts, whatever the document does.
        artefact = await store.read_file(connection, model.model_sha256)
        assert artefact is not None, "a registered model has a file"
        _unless(registry.check_directions(artefact))
        made = Validation(
            validation_id=house.ids.next(),
            model_sha256=model.model_sha256,
            data_sha256=document["data"]["sha256"],
            report_sha256=validation.digest(dict(document)),
            verdict=document["verdict"],
            accepted=tuple(sorted(set(accepted))),
            reason=reason,
            validated_by=actor.name,
            validated_at=at,
            expires_at=at + registry.VALIDATION_LIFE,
        )
        await store.add_validation(connection, made, document)
        event = _event(
            house, model, Step.VALIDATED, state, actor, reason, at, validation_id=made.validation_id
        )
        await store.add_event(connection, event)
        return model, made

    kept = await _step(house, actor, "model_validation", model_sha256, reason, work)
    if isinstance(kept, Refused):
        return kept
    model, made = kept
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        {**registry.payload_of(model, made.report_sha256)},
        summary=_summary(model, made),
        reason=reason,
    )


async def approve_model(
    house: House, actor: Actor, model_sha256: str, *, reason: str
) -> Event | Refused:
    """Use up the approval that a third person gave to the model's last validation."""

    async def work(connection: Connection, at: datetime) -> Event:
        model = await _model(connection, model_sha256)
        standing = await _standing(connection, model)
        state = _allowed(registry.after(standing.state, Step.APPROVED))
        found = await _validation(connection, model)
        payload = payload_hash({**registry.payload_of(model, found.report_sha256)})
        approval = await require_approval(connection, APPROVAL, payload, used_by=actor.name, now=at)
        approval = _allowed(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        _unless(registry.check_approver(model, found, approval.decided_by))
        event = Event(
            event_id=house.ids.next(),
            model_sha256=model.model_sha256,
            act=Step.APPROVED,
            state=state,
            done_by=approval.decided_by,
            reason=approval.decision_reason or reason,
            at=at,
            validation_id=found.validation_id,
            approval_id=approval.approval_id,
            expires_at=at + registry.APPROVAL_LIFE,
        )
        await store.add_event(connection, event)
        return event

    return await _step(house, actor, "model_approval", model_sha256, reason, work)


async def publish_model(
    house: House, actor: Actor, model_sha256: str, *, reason: str
) -> Event | Refused:
    """Let policies decide by an approved model; its leaf says with which validation."""

    async def work(connection: Connection, at: datetime) -> Event:
        model = await _model(connection, model_sha256)
        standing = await _standing(connection, model)
        state = _allowed(registry.after(standing.state, Step.PUBLISHED))
        _unless(registry.check_approval_holds(standing, at=at))
        found = await _validation(connection, model)
        event = _event(house, model, Step.PUBLISHED, state, actor, reason, at)
        await store.add_event(connection, event)
        leaf = house.leaves.stage(
            HOUSE,
            house.ids.next(),
            LeafType.PUBLICATION,
            event.event_id,
            {**registry.leaf_facts(model, found, approver=standing.approver or "")},
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        return event

    return await _step(house, actor, "model_publication", model_sha256, reason, work)


async def retire_model(
    house: House, actor: Actor, model_sha256: str, *, reason: str
) -> Event | Refused:
    """End a model's life; refused while a policy in force decides by it."""

    async def work(connection: Connection, at: datetime) -> Event:
        model = await _model(connection, model_sha256)
        standing = await _standing(connection, model)
        state = _allowed(registry.after(standing.state, Step.RETIRED))
        uses = await store.read_uses(connection, [model_sha256], at=at)
        for use in uses[model_sha256]:
            if use.is_in_force:
                raise RefusedError(refuse(MODEL_IN_USE, policy=f"{use.code} {use.version}"))
        event = _event(house, model, Step.RETIRED, state, actor, reason, at)
        await store.add_event(connection, event)
        return event

    return await _step(house, actor, "model_retirement", model_sha256, reason, work)


async def list_registered(
    house: House, *, after: str | None = None, page: int, is_back: bool = False
) -> list[Registered]:
    """Return models, newest first, with where each stands and what uses it.

    Those behind a hash, or those before it.
    """
    async with house.database.connection() as connection:
        models = await store.list_models(connection, beside=after, page=page, is_back=is_back)
        return await _registered(connection, models, at=house.clock.now())


async def read_registered(house: House, model_sha256: str) -> Registered | None:
    """Return one model, None where it is not registered."""
    async with house.database.connection() as connection:
        model = await store.read_model(connection, model_sha256)
        if model is None:
            return None
        [found] = await _registered(connection, [model], at=house.clock.now())
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CardInUse:
    """A points card that stands in a policy in force itself.

    Gate and two people are the policy's; no validation of its own stands in the registry.
    """

    code: str
    version: str
    policy_hash: str
    purpose: str
    features_count: int
    #: From when it decides; None for what ships with the program.
    since: datetime | None


async def cards_in_use(house: House) -> list[CardInUse]:
    """Return the points cards by which policies in force decide, by purpose."""
    async with house.database.connection() as connection:
        published = await read_publications(connection, page=PUBLICATIONS_LOOKED_AT)
    since = {item.publication_id: item.effective_from for item in published}
    return [
        CardInUse(
            code=version.policy.code,
            version=version.policy.version,
            policy_hash=version.policy.hash,
            purpose=purpose,
            features_count=len(version.policy.scorecard.characteristics),
            since=None if version.publication_id is None else since.get(version.publication_id),
        )
        for purpose, version in sorted(house.policies.every().items())
        if version.policy.scorecard.model is None
    ]


async def check_policy_model(
    connection: Connection, policy: Policy, *, at: datetime
) -> Refused | None:
    """Refuse a policy that decides by a model which is not live; without a model there is none."""
    named = orjson.loads(policy.canonical).get("model")
    if named is None:
        return None
    model_sha256 = named["sha256"]
    if await store.read_model(connection, model_sha256) is None:
        return registry.check_released(None, at=at)
    events = await store.read_events(connection, [model_sha256])
    return registry.check_released(registry.standing_of(events[model_sha256]), at=at)


async def _registered(
    connection: Connection, models: Sequence[Model], *, at: datetime
) -> list[Registered]:
    hashes = [model.model_sha256 for model in models]
    events = await store.read_events(connection, hashes)
    validations = await store.latest_validations(connection, hashes)
    uses = await store.read_uses(connection, hashes, at=at)
    return [
        Registered(
            model=model,
            standing=registry.standing_of(events[model.model_sha256]),
            events=events[model.model_sha256],
            validation=validations.get(model.model_sha256),
            uses=uses[model.model_sha256],
        )
        for model in models
    ]


async def _step(
    house: House,
    actor: Actor,
    name: str,
    model_sha256: str,
    reason: str,
    work: Callable[[Connection, datetime], Coroutine[Any, Any, T]],
) -> T | Refused:
    """Take one step in one transaction, with its line in the trail, or write who was refused."""
    act = Act(name=name, subject=model_sha256, reason=reason)
    if APPROVAL not in load_matrix().rights_for(actor).requests:
        return await note_refusal(house, actor, act, refuse(APPROVAL_NOT_ALLOWED, kind=APPROVAL))
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    try:
        async with house.database.transaction() as connection:
            await store.lock_model(connection, model_sha256)
            made = await work(connection, house.clock.now())
            await note(house, connection, actor, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    return made


async def _model(connection: Connection, model_sha256: str) -> Model:
    found = await store.read_model(connection, model_sha256)
    if found is None:
        raise RefusedError(refuse(MODEL_NOT_FOUND))
    return found


async def _standing(connection: Connection, model: Model) -> Standing:
    events = await store.read_events(connection, [model.model_sha256])
    return registry.standing_of(events[model.model_sha256])


async def _validation(connection: Connection, model: Model) -> Validation:
    found = await store.latest_validations(connection, [model.model_sha256])
    assert model.model_sha256 in found, "a model beyond a draft was validated"
    return found[model.model_sha256]


def _event(
    house: House,
    model: Model,
    act: Step,
    state: State,
    actor: Actor,
    reason: str,
    at: datetime,
    *,
    validation_id: int | None = None,
) -> Event:
    return Event(
        event_id=house.ids.next(),
        model_sha256=model.model_sha256,
        act=act,
        state=state,
        done_by=actor.name,
        reason=reason,
        at=at,
        validation_id=validation_id,
    )


def _summary(model: Model, found: Validation) -> str:
    accepted = f", accepted: {', '.join(found.accepted)}" if found.accepted else ""
    named = f"model {model.code} {model.version}, {model.model_sha256[:12]}"
    return f"{named}, validation {found.verdict}{accepted}"


def _allowed(outcome: T | Refused) -> T:
    if isinstance(outcome, Refused):
        raise RefusedError(outcome)
    return outcome


def _unless(refused: Refused | None) -> None:
    if refused is not None:
        raise RefusedError(refused)
