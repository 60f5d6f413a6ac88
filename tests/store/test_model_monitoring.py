"""What a model decided is looked at, and a segment whose model is red goes to a person."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.store.applicants import Counter
from tests.store.branch import an_opening
from tests.store.test_models import APPROVER, DEVELOPER, VALIDATOR, approved, code_of
from tests.unit.decisioning.models import model_file, model_policy_document
from tests.unit.models.test_monitoring import look_at

from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.document_model import with_model
from counterfoil.journeys.deciding import follow_policies, monitor_models
from counterfoil.journeys.deciding.follow_policies import PolicyFollower
from counterfoil.journeys.deciding.monitor_models import release_segment
from counterfoil.journeys.deciding.policies import ORIGINATION, InForce
from counterfoil.journeys.deciding.publish_model import (
    approve_model,
    publish_model,
    record_validation,
    register_model,
)
from counterfoil.journeys.deciding.stress_models import stress_models
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.models import monitoring_store as store
from counterfoil.models.artefact import Artefact, read_artefact
from counterfoil.models.monitoring_store import EVERY_SEGMENT
from counterfoil.models.registry import VALIDATION_LIFE
from counterfoil.models.thresholds import load_thresholds
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings


@pytest.fixture
async def house(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    # A test puts a version in force by itself; nobody may put the shipped one back meanwhile.
    monkeypatch.setattr(follow_policies, "FOLLOW_MS", 1_000_000_000)
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


TRAINING = {
    "data_sha256": "00" * 32,
    "rows": 1_000,
    "bad_ppm": 220_000,
    "seed": 7,
    "code_version": "0.2.0",
    "parameters": {},
    "period": None,
}


async def in_use(house: House) -> Artefact:
    """A live model that decides, validated on cases unlike those that will come."""
    file = model_file(training=TRAINING)
    artefact = read_artefact(file)
    await register_model(house, DEVELOPER, artefact, reason="new")
    found = look_at(artefact)
    red = sorted({alarm["code"] for alarm in found["alarms"] if alarm["level"] == "red"})
    asked = await record_validation(house, VALIDATOR, found, reason="test", accepted=red)
    await approved(house, asked, by=APPROVER)
    for step in (approve_model, publish_model):
        assert not isinstance(await step(house, DEVELOPER, artefact.sha256, reason="x"), Refused)
    document = model_policy_document()
    document["model"]["sha256"] = artefact.sha256
    compiled = compile_python(policy_of(with_model(document, lambda _: file)))
    house.policies.put_in_force(ORIGINATION, InForce(compiled=compiled))
    return artefact


async def test_decisions_are_looked_at_by_segment(house: House) -> None:
    artefact = await in_use(house)
    counter = Counter(house)
    for _ in range(3):
        await counter.apply()
    found = await monitor_models.monitor_models(house)
    segments = {item.segment: item for item in found}
    assert segments[EVERY_SEGMENT].cases == 3
    assert sum(item.cases for item in found) == 6
    figures = segments[EVERY_SEGMENT].document["figures"]
    # Three cases tell nothing of stability, and no outcome is known yet.
    assert (figures["score_psi_ppm"], figures["auc_ppm"], figures["judged"]) == (None, None, 0)
    assert segments[EVERY_SEGMENT].level == "green"
    async with house.database.connection() as connection:
        kept = await store.list_monitorings(connection, artefact.sha256, page=10)
        assert sorted(item.segment for item in kept) == sorted(segments)
        assert await store.held_segments(connection, [artefact.sha256]) == {artefact.sha256: {}}


async def test_a_red_model_stops_approvals_until_somebody_lets_them_go(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    artefact = await in_use(house)
    compiled = house.policies.origination.compiled
    counter = Counter(house)
    before = await counter.apply()
    monkeypatch.setattr(
        monitor_models,
        "load_thresholds",
        lambda: {**load_thresholds(), "monitoring": {"cases_min": 1, "bad_min": 1, "bad_days": 90}},
    )
    found = await monitor_models.monitor_models(house)
    assert {item.level for item in found} == {"red"}
    assert found[0].due_on == date(2026, 1, 10)
    async with house.database.connection() as connection:
        held = await store.held_segments(connection, [artefact.sha256])
    assert EVERY_SEGMENT in held[artefact.sha256]
    assert "score_psi" in held[artefact.sha256][EVERY_SEGMENT]
    # A second look holds nothing back a second time.
    await monitor_models.monitor_models(house)

    async def follow() -> None:
        follower = PolicyFollower(
            *(house.database, house.policies, house.clock, house.metrics),
            *(house.registries, house.templates),
        )
        follower._shipped = {ORIGINATION: InForce(compiled=compiled)}
        await follower.read()

    await follow()
    guards = house.policies.origination.guards
    assert EVERY_SEGMENT in guards.stopped
    after = await counter.apply()
    assert (before.status, after.status) == ("approved", "referred")
    for segment in guards.stopped:
        wordless = await release_segment(house, DEVELOPER, artefact.sha256, segment, reason=" ")
        assert code_of(wordless) == "model_segment_not_held"
        done = await release_segment(house, DEVELOPER, artefact.sha256, segment, reason="seen")
        assert not isinstance(done, Refused), done
    again = await release_segment(house, DEVELOPER, artefact.sha256, "*", reason="seen")
    assert code_of(again) == "model_segment_not_held"
    await follow()
    assert (await counter.apply()).status == "approved"


async def test_a_validation_that_has_ended_is_an_alarm(house: House) -> None:
    await in_use(house)

    async def alarms() -> float:
        await monitor_models.monitor_models(house)
        return house.metrics.registry.get_sample_value("counterfoil_models_expired") or 0.0

    assert await alarms() == 0
    assert isinstance(house.clock, TestClock)
    house.clock.advance(VALIDATION_LIFE)
    assert await alarms() >= 1


async def test_outcomes_come_from_the_book(house: House) -> None:
    artefact = await in_use(house)
    view = await Counter(house).apply()
    assert view.status == "approved"
    now = house.clock.now()
    async with house.database.connection() as connection:
        [case] = await store.read_decided(
            connection,
            artefact.sha256,
            since=now - timedelta(days=1),
            until=now + timedelta(days=1),
            horizon_months=1,
            bad_days=90,
            page=10,
        )
    assert (case.outcome, case.person_outcome, case.bad) == ("approved", None, None)
    assert case.segment
    assert case.features["delay_months_latest"] == 0


async def test_a_live_model_meets_every_scenario_once_until_it_is_due_again(house: House) -> None:
    artefact = await in_use(house)
    assert await stress_models(house) == []
    view = await Counter(house).apply()
    line_id = house.ids.next()
    opening = replace(
        an_opening(view.customer_id, line_id, limit_minor=500_000),
        application_id=view.application_id,
    )
    assert isinstance(await house.counter.submit(opening, idempotency_key="open"), Answer)
    made = await stress_models(house)
    assert {item.document["scenario"]["code"] for item in made} == {"crisis", "downturn"}
    for item in made:
        assert item.document["data"]["rows"] == 1
        assert item.document["effects"]["liquidity"]["open_minor"] == 500_000
    crisis, downturn = (item.document["effects"] for item in made)
    assert crisis["liquidity"]["drawn_more_minor"] == 200_000
    by_policy = crisis["limits_by_policy"]
    assert by_policy["policy_hash"] == house.policies.origination.policy.hash
    assert (by_policy["before_minor"], by_policy["unknown_cases"]) == (500_000, 0)
    assert crisis["liquidity"]["drawn_more_minor"] <= by_policy["after_minor"] <= 500_000
    assert crisis["provisions"]["after_minor"] > downturn["provisions"]["after_minor"] > 0
    assert await stress_models(house) == []
    assert isinstance(house.clock, TestClock)
    house.clock.advance(timedelta(days=31))
    assert len(await stress_models(house)) == 2
    async with house.database.connection() as connection:
        assert len(await store.list_stresses(connection, artefact.sha256, page=10)) == 4
