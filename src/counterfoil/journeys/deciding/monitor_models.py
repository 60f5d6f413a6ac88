"""Looking at what models decided: figures by segment, and what is stopped until somebody looks.

Order       For every live model: its decisions of a span with their outcomes, scored again by its
            own file, held against the validation it was approved with; in all and by segment.
Stop        Red stability or calibration holds back automatic approvals of the segment from the
            next second on, with a line in the trail; only a person lets them go again.
Alarm       A model in use whose validation or approval has ended is counted in a metric and named
            in the log, each round, until somebody validates it again or retires it.
Bounds      The newest `DECISIONS_MAX` decisions of a span.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.models import monitoring_store as store
from counterfoil.models import registry, registry_store
from counterfoil.models.artefact import Artefact
from counterfoil.models.monitoring import frame_of, monitor, stops
from counterfoil.models.monitoring_store import EVERY_SEGMENT, Decided, Hold, Monitoring, Stress
from counterfoil.models.refusals import MODEL_NOT_FOUND, MODEL_SEGMENT_NOT_HELD
from counterfoil.models.registry import Model, Notice, State
from counterfoil.models.thresholds import Level, Thresholds, load_thresholds
from counterfoil.models.validation_data import Layout, read_cases
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import APPROVAL_NOT_ALLOWED
from counterfoil.platform.database import Connection

DECISIONS_MAX: Final = 200_000
#: The span that is looked at unless another is asked for.
SPAN: Final = timedelta(days=180)
#: Live models that one round looks at; a lender has a handful.
MODELS_MAX: Final = 1_000
#: Who holds a segment back when nobody asked for the round.
MACHINE: Final = Actor(name="monitoring", role="machine", source="worker")
_LAYOUT: Final = Layout(target="bad", period="period")
_REQUEST: Final = "model_approval"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """A live model with what it is held against."""

    model: Model
    artefact: Artefact
    #: Document of the validation that it was approved with.
    baseline: Mapping[str, Any]
    #: What is due about it: validation or approval end soon, or have ended.
    notices: Sequence[Notice]


async def monitor_models(
    house: House, actor: Actor = MACHINE, *, span: timedelta = SPAN
) -> list[Monitoring]:
    """Look at every live model once; keep what was found and hold back what is red."""
    now, limits = house.clock.now(), load_thresholds()
    found: list[Monitoring] = []
    for watched in await _watched(house):
        async with house.database.connection() as connection:
            decided = await store.read_decided(
                connection,
                watched.model.model_sha256,
                since=now - span,
                until=now,
                horizon_months=watched.artefact.target.horizon_months,
                bad_days=limits["monitoring"]["bad_days"],
                page=DECISIONS_MAX,
            )
        made = _look(house, watched, decided, limits, (now - span, now))
        async with house.database.transaction() as connection:
            await store.add_monitorings(connection, made)
            await _hold(house, connection, actor, made)
        found += made
    return found


async def release_segment(
    house: House, actor: Actor, model_sha256: str, segment: str, *, reason: str
) -> Hold | Refused:
    """Let automatic approvals of a segment go again; somebody has looked and says why."""
    act = Act(name="model_release", subject=f"{model_sha256} {segment}", reason=reason)
    if _REQUEST not in load_matrix().rights_for(actor).requests:
        return await note_refusal(house, actor, act, refuse(APPROVAL_NOT_ALLOWED, kind=_REQUEST))
    async with house.database.transaction() as connection:
        await registry_store.lock_model(connection, model_sha256)
        held = await store.held_segments(connection, [model_sha256])
        if segment in held[model_sha256] and reason.strip():
            hold = _change(house, model_sha256, segment, actor, reason, is_held=False)
            await store.add_hold(connection, hold)
            await note(house, connection, actor, act)
            return hold
    return await note_refusal(house, actor, act, refuse(MODEL_SEGMENT_NOT_HELD, segment=segment))


async def keep_stress(
    house: House, actor: Actor, document: Mapping[str, Any], *, reason: str
) -> Stress | Refused:
    """Keep what a scenario would do with a registered model, with the hashes of all its parts."""
    sha256 = document["model"]["sha256"]
    act = Act(name="model_stress", subject=sha256, reason=reason)
    if _REQUEST not in load_matrix().rights_for(actor).requests:
        return await note_refusal(house, actor, act, refuse(APPROVAL_NOT_ALLOWED, kind=_REQUEST))
    async with house.database.transaction() as connection:
        if await registry_store.read_model(connection, sha256) is not None:
            made = Stress(
                stress_id=house.ids.next(),
                model_sha256=sha256,
                data_sha256=document["data"]["sha256"],
                scenario_sha256=document["scenario"]["sha256"],
                document=document,
                made_by=actor.name,
                made_at=house.clock.now(),
            )
            await store.add_stress(connection, made)
            await note(house, connection, actor, act)
            return made
    return await note_refusal(house, actor, act, refuse(MODEL_NOT_FOUND))


async def _watched(house: House) -> list[_Watched]:
    async with house.database.connection() as connection:
        models = await registry_store.list_models(connection, page=MODELS_MAX)
        hashes = [model.model_sha256 for model in models]
        events = await registry_store.read_events(connection, hashes)
        validations = await registry_store.latest_validations(connection, hashes)
        found = []
        for model in models:
            sha256 = model.model_sha256
            if registry.standing_of(events[sha256]).state is not State.LIVE:
                continue
            artefact = await registry_store.read_file(connection, sha256)
            assert artefact is not None, "a registered model has a file"
            number = validations[sha256].validation_id
            baseline = await registry_store.read_report(connection, number)
            due = registry.notices_of(
                registry.standing_of(events[sha256]), validations[sha256], at=house.clock.now()
            )
            found.append(_Watched(model=model, artefact=artefact, baseline=baseline, notices=due))
    _alarm(house, found)
    return found


def _alarm(house: House, watched: Sequence[_Watched]) -> None:
    """Say how many models in use have no validation or approval any more, and which in the log."""
    expired = 0
    for item in watched:
        for notice in item.notices:
            expired += notice.level is Level.RED
            _log.warning(
                "model_due",
                notice=notice.code,
                model=f"{item.model.code} {item.model.version}",
                owner=item.model.owner,
                until=None if notice.until is None else notice.until.isoformat(),
            )
    house.metrics.models_expired.set(expired)


def _look(
    house: House,
    watched: _Watched,
    decided: Sequence[Decided],
    limits: Thresholds,
    span: tuple[datetime, datetime],
) -> list[Monitoring]:
    """Return the figures of all decisions and of each segment that has some."""
    parts = {EVERY_SEGMENT: list(decided)}
    for item in decided:
        parts.setdefault(item.segment, []).append(item)
    return [
        _kept(house, watched, segment, part, limits, span)
        for segment, part in parts.items()
        if part
    ]


def _kept(
    house: House,
    watched: _Watched,
    segment: str,
    part: Sequence[Decided],
    limits: Thresholds,
    span: tuple[datetime, datetime],
) -> Monitoring:
    document = _figures(watched, part, limits)
    level = Level(document["level"])
    deadline = limits["deadline"].get(f"{level.value}_days")
    due_on = None if deadline is None else span[1].date() + timedelta(days=deadline)
    return Monitoring(
        monitoring_id=house.ids.next(),
        model_sha256=watched.model.model_sha256,
        segment=segment,
        since=span[0],
        until=span[1],
        cases=len(part),
        level=level.value,
        document=document,
        owner=watched.model.owner,
        due_on=due_on,
        made_at=span[1],
    )


def _figures(watched: _Watched, part: Sequence[Decided], limits: Thresholds) -> dict[str, Any]:
    names = [item.feature for item in watched.artefact.characteristics]
    frame = frame_of(
        [item.features for item in part],
        names,
        {
            "bad": [item.bad for item in part],
            "period": [item.decided_at.strftime("%Y-%m") for item in part],
        },
    )
    cases = read_cases(watched.artefact, frame, _LAYOUT, needs_outcomes=False)
    overridden = sum(
        item.person_outcome is not None and item.person_outcome != item.outcome for item in part
    )
    return monitor(cases, watched.baseline, limits, overridden=overridden)


async def _hold(
    house: House, connection: Connection, actor: Actor, made: Sequence[Monitoring]
) -> None:
    """Hold back segments that have become red and are not held back already."""
    if not made:
        return
    sha256 = made[0].model_sha256
    held = (await store.held_segments(connection, [sha256]))[sha256]
    for item in made:
        codes = stops(item.document)
        if not codes or item.segment in held:
            continue
        reason = ", ".join(codes)
        hold = _change(
            house, sha256, item.segment, actor, reason, is_held=True, found_by=item.monitoring_id
        )
        await store.add_hold(connection, hold)
        act = Act(name="model_stop", subject=f"{sha256} {item.segment}", reason=reason)
        await note(house, connection, actor, act)


def _change(
    house: House,
    model_sha256: str,
    segment: str,
    actor: Actor,
    reason: str,
    *,
    is_held: bool,
    found_by: int | None = None,
) -> Hold:
    return Hold(
        hold_id=house.ids.next(),
        model_sha256=model_sha256,
        segment=segment,
        is_held=is_held,
        monitoring_id=found_by,
        done_by=actor.name,
        reason=reason,
        at=house.clock.now(),
    )
