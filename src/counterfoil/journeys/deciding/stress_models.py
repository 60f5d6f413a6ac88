"""Stress tests on schedule: every live model's own lines in every scenario, when it is due again.

The story   The lines that a model decided on, with what is owed and open today, are scored in each
            scenario, and the limits of the policy in force by that model are told. The result is
            kept beside those made on demand, with the hashes of model, data and scenario, under
            the name of the machine.
Due         When nobody kept that model in that scenario within `stress_days`, whoever asked.
Invariant   Of two processes at the same moment one keeps its result: the model is held meanwhile.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from importlib import resources
from typing import Any, Final

import orjson

from counterfoil.journeys.deciding.monitor_models import MACHINE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note
from counterfoil.models import monitoring_store as store
from counterfoil.models import registry, registry_store
from counterfoil.models.artefact import Artefact
from counterfoil.models.monitoring import frame_of
from counterfoil.models.monitoring_store import LineOfModel, Stress
from counterfoil.models.registry import State
from counterfoil.models.stress import Scenario, read_scenario, stress
from counterfoil.models.stress_effects import Grid
from counterfoil.platform.database import Connection

#: More lines than one book of one model has.
LINES_MAX: Final = 200_000
MODELS_MAX: Final = 1_000
_RESULTS_LOOKED_AT: Final = 1_000
_DRAWN, _LIMIT, _SEGMENT = "drawn_minor", "limit_minor", "segment"


def scenarios_of(house: House) -> list[Scenario]:
    """Return the scenarios of this installation in the order of their files.

    Raises `ScenarioError` with place and reason where one cannot be followed.
    """
    folder = house.settings.stress_scenarios or resources.files("counterfoil.models") / "scenarios"
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".toml")),
        key=lambda entry: entry.name,
    )
    return [read_scenario(entry.read_bytes()) for entry in files]


async def stress_models(house: House) -> list[Stress]:
    """Run what is due and return what was kept; a model without open lines has nothing to lose."""
    scenarios, made = scenarios_of(house), []
    for artefact in await _live(house):
        async with house.database.connection() as connection:
            due = [item for item in scenarios if await _is_due(house, connection, artefact, item)]
            if not due:
                continue
            lines = await store.read_lines_of_model(connection, artefact.sha256, page=LINES_MAX)
        for scenario in due if lines else ():
            told = _told(artefact, scenario, lines, _grid(house, artefact))
            kept = await _keep(house, artefact, scenario, told)
            made += [] if kept is None else [kept]
    return made


def _grid(house: House, artefact: Artefact) -> Grid | None:
    """Return the limit matrix of the policy in force by a model; None where none decides by it."""
    policy = house.policies.origination.policy
    model = policy.scorecard.model
    if model is None or model.sha256 != artefact.sha256:
        return None
    codes = [segment.code for segment in policy.segments]
    return Grid(
        policy=f"{policy.code} {policy.version}",
        policy_hash=policy.hash,
        segment_column=_SEGMENT,
        pd_ppm_max=tuple(grade.pd_ppm_max or 0 for grade in policy.grades),
        limits_minor={
            code: tuple(grade.limits_minor[code] for grade in policy.grades) for code in codes
        },
    )


def _told(
    artefact: Artefact, scenario: Scenario, lines: Sequence[LineOfModel], grid: Grid | None
) -> dict[str, Any]:
    """Return what a scenario does to lines; a feature that the model does not read is refused."""
    names = [item.feature for item in artefact.characteristics]
    amounts = {
        _DRAWN: [line.drawn_minor for line in lines],
        _LIMIT: [line.limit_minor for line in lines],
    }
    beside: dict[str, Sequence[Any]] = {**amounts, _SEGMENT: [line.segment for line in lines]}
    frame = frame_of([line.features for line in lines], names, beside)
    rows = [[line.features.get(name) for name in names] for line in lines]
    text = orjson.dumps([names, rows, amounts], option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(text).hexdigest()
    return stress(
        artefact, frame, scenario, amount=_DRAWN, limit=_LIMIT, data_sha256=digest, grid=grid
    )


async def _live(house: House) -> list[Artefact]:
    async with house.database.connection() as connection:
        models = await registry_store.list_models(connection, page=MODELS_MAX)
        hashes = [model.model_sha256 for model in models]
        events = await registry_store.read_events(connection, hashes)
        found = []
        for sha256 in hashes:
            if registry.standing_of(events[sha256]).state is State.LIVE:
                artefact = await registry_store.read_file(connection, sha256)
                assert artefact is not None, "a registered model has a file"
                found.append(artefact)
    return found


async def _is_due(
    house: House, connection: Connection, artefact: Artefact, scenario: Scenario
) -> bool:
    since = house.clock.now() - timedelta(days=house.settings.stress_days)
    found = await store.list_stresses(connection, artefact.sha256, page=_RESULTS_LOOKED_AT)
    return not any(
        item.scenario_sha256 == scenario.sha256 and item.made_at > since for item in found
    )


async def _keep(
    house: House, artefact: Artefact, scenario: Scenario, document: dict[str, Any]
) -> Stress | None:
    """Keep a result; None where another process was faster."""
    async with house.database.transaction() as connection:
        await registry_store.lock_model(connection, artefact.sha256)
        if not await _is_due(house, connection, artefact, scenario):
            return None
        made = Stress(
            stress_id=house.ids.next(),
            model_sha256=artefact.sha256,
            data_sha256=document["data"]["sha256"],
            scenario_sha256=scenario.sha256,
            document=document,
            made_by=MACHINE.name,
            made_at=house.clock.now(),
        )
        await store.add_stress(connection, made)
        act = Act(name="model_stress", subject=artefact.sha256, reason=scenario.code)
        await note(house, connection, MACHINE, act)
    return made
