"""The life of a model: draft, validated, approved, live, retired; three people on the way.

Invariant   Who developed a model does not validate it, and who did either does not approve it. A
            model that breaks a declared direction is never validated; a red alarm only where the
            validator accepts it by name.
States      Fold of what happened, in order. A model in use is validated and approved again without
            leaving its state; approval and validation expire.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.models.artefact import Artefact
from counterfoil.models.refusals import (
    MODEL_ALARM_RED,
    MODEL_APPROVAL_EXPIRED,
    MODEL_APPROVED_BY_INVOLVED,
    MODEL_DIRECTION_BROKEN,
    MODEL_NOT_IN_STATE,
    MODEL_NOT_RELEASED,
    MODEL_VALIDATED_BY_DEVELOPER,
    MODEL_VALIDATION_OF_ANOTHER,
)
from counterfoil.models.thresholds import Level

#: For how long a validation counts, and an approval.
VALIDATION_LIFE: Final = timedelta(days=365)
APPROVAL_LIFE: Final = timedelta(days=365)
#: Before the end of either, people are told.
WARNED: Final = timedelta(days=30)
#: What is read from a card where it names no owner.
NO_OWNER: Final = "—"


class State(StrEnum):
    """Where a model stands."""

    DRAFT = "draft"
    VALIDATED = "validated"
    APPROVED = "approved"
    LIVE = "live"
    RETIRED = "retired"


class Step(StrEnum):
    """What happens to a model."""

    REGISTERED = "registered"
    VALIDATED = "validated"
    APPROVED = "approved"
    PUBLISHED = "published"
    RETIRED = "retired"


#: From which states a step may be taken, and where it leads; None leaves the state as it is.
_STEPS: Final[Mapping[Step, Mapping[State, State]]] = {
    Step.VALIDATED: {
        State.DRAFT: State.VALIDATED,
        State.VALIDATED: State.VALIDATED,
        State.APPROVED: State.APPROVED,
        State.LIVE: State.LIVE,
    },
    Step.APPROVED: {
        State.VALIDATED: State.APPROVED,
        State.APPROVED: State.APPROVED,
        State.LIVE: State.LIVE,
    },
    Step.PUBLISHED: {State.APPROVED: State.LIVE},
    Step.RETIRED: {
        State.DRAFT: State.RETIRED,
        State.VALIDATED: State.RETIRED,
        State.APPROVED: State.RETIRED,
        State.LIVE: State.RETIRED,
    },
}
_REACHES: Final = {
    Step.VALIDATED: State.VALIDATED,
    Step.APPROVED: State.APPROVED,
    Step.PUBLISHED: State.LIVE,
    Step.RETIRED: State.RETIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A registered file."""

    model_sha256: str
    code: str
    version: str
    kind: str
    #: Who answers for it, as its card says.
    owner: str
    data_sha256: str
    #: Who registered it.
    developer: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """A validation that somebody stands behind."""

    validation_id: int
    model_sha256: str
    data_sha256: str
    report_sha256: bytes
    verdict: str
    accepted: Sequence[str]
    reason: str
    validated_by: str
    validated_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a model."""

    event_id: int
    model_sha256: str
    act: Step
    state: State
    done_by: str
    reason: str
    at: datetime
    validation_id: int | None = None
    approval_id: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a model stands, and who stands behind that."""

    state: State
    live_since: datetime | None = None
    approved_until: datetime | None = None
    approver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A published policy that decides, or decided, by a model."""

    policy_hash: str
    code: str
    version: str
    purpose: str
    publication_id: int
    effective_from: datetime
    is_in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about a registered model that its owner has to look at."""

    code: str
    level: Level
    until: datetime | None


def model_of(artefact: Artefact, *, developer: str, at: datetime) -> Model:
    """Return what the registry keeps of a file."""
    owner = artefact.card.get("owner")
    return Model(
        model_sha256=artefact.sha256,
        code=artefact.code,
        version=artefact.version,
        kind=artefact.kind.value,
        owner=owner if isinstance(owner, str) and owner.strip() else NO_OWNER,
        data_sha256=artefact.training.data_sha256,
        developer=developer,
        added_at=at,
    )


def standing_of(events: Iterable[Event]) -> Standing:
    """Return where a model stands after what happened, oldest first."""
    standing = Standing(state=State.DRAFT)
    for event in events:
        standing = replace(standing, state=event.state)
        if event.act is Step.APPROVED:
            standing = replace(standing, approved_until=event.expires_at, approver=event.done_by)
        elif event.act is Step.PUBLISHED:
            standing = replace(standing, live_since=event.at)
    return standing


def after(state: State, step: Step) -> State | Refused:
    """Return the state that a step leads to, or why it cannot be taken."""
    found = _STEPS[step].get(state)
    return (
        refuse(MODEL_NOT_IN_STATE, state=state, wanted=_REACHES[step]) if found is None else found
    )


def check_validation(
    model: Model, document: Mapping[str, Any], *, validator: str, accepted: Collection[str]
) -> Refused | None:
    """Refuse a validation that cannot carry an approval."""
    if document["model"]["sha256"] != model.model_sha256:
        return refuse(MODEL_VALIDATION_OF_ANOTHER)
    if validator == model.developer:
        return refuse(MODEL_VALIDATED_BY_DEVELOPER)
    red = {alarm["code"] for alarm in document["alarms"] if alarm["level"] == Level.RED}
    if left := sorted(red - set(accepted)):
        return refuse(MODEL_ALARM_RED, alarms=", ".join(left))
    return None


def check_directions(artefact: Artefact) -> Refused | None:
    """Refuse a model whose tables go against a declared direction; nobody can accept that."""
    broken = artefact.broken_directions()
    return refuse(MODEL_DIRECTION_BROKEN, feature=broken[0]) if broken else None


def check_approver(model: Model, validation: Validation, approver: str) -> Refused | None:
    """Refuse an approval by somebody who made or validated the model."""
    if approver in {model.developer, validation.validated_by}:
        return refuse(MODEL_APPROVED_BY_INVOLVED)
    return None


def check_approval_holds(standing: Standing, *, at: datetime) -> Refused | None:
    """Refuse what rests on an approval that has expired."""
    until = standing.approved_until
    if until is not None and until <= at:
        return refuse(MODEL_APPROVAL_EXPIRED, until=until.date().isoformat())
    return None


def check_released(standing: Standing | None, *, at: datetime) -> Refused | None:
    """Refuse to let a policy decide by a model that is not live, or whose approval has expired."""
    if standing is None:
        return refuse(MODEL_NOT_RELEASED, state="not registered")
    if standing.state is not State.LIVE:
        return refuse(MODEL_NOT_RELEASED, state=standing.state)
    return check_approval_holds(standing, at=at)


def notices_of(standing: Standing, validation: Validation | None, *, at: datetime) -> list[Notice]:
    """Return what is due about a model in use: validation and approval end, or have ended."""
    if standing.state is not State.LIVE:
        return []
    ends = {
        "validation": None if validation is None else validation.expires_at,
        "approval": standing.approved_until,
    }
    found = []
    for name, until in ends.items():
        if until is None or until <= at:
            found.append(Notice(code=f"{name}_expired", level=Level.RED, until=until))
        elif until <= at + WARNED:
            found.append(Notice(code=f"{name}_expires", level=Level.AMBER, until=until))
    return found


def payload_of(model: Model, report_sha256: bytes) -> dict[str, str]:
    """Return exactly what the third person approves."""
    return {
        "act": "model_approval",
        "code": model.code,
        "model_sha256": model.model_sha256,
        "report_sha256": report_sha256.hex(),
        "version": model.version,
    }


def leaf_facts(model: Model, validation: Validation, *, approver: str) -> dict[str, str]:
    """Return what the leaf of a publication says: the model, who stands for it, what was found."""
    return {
        "act": "model",
        "approver": approver,
        "author": model.developer,
        "code": model.code,
        "data_sha256": model.data_sha256,
        "model_sha256": model.model_sha256,
        "report_sha256": validation.report_sha256.hex(),
        "validator": validation.validated_by,
        "verdict": validation.verdict,
        "version": model.version,
    }
