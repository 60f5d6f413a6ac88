"""A model comes to decide by three people, and what was kept of it never changes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.unit.models.models import document, file_of
from tests.unit.models.test_validation import data, look, model

from counterfoil.evidence.leaf import LeafType
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.deciding.publish_model import (
    approve_model,
    check_policy_model,
    list_registered,
    publish_model,
    read_registered,
    record_validation,
    register_model,
    retire_model,
)
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.models import registry
from counterfoil.models import registry_store as store
from counterfoil.models.artefact import Artefact, read_artefact
from counterfoil.models.registry import State
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.settings import Settings

DEVELOPER = Actor(name="dev", role="risk_analyst", source="cli")
VALIDATOR = Actor(name="val", role="risk_analyst", source="cli")
APPROVER = Actor(name="bo", role="compliance", source="console")
CLOCK = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> TestClock:
    return TestClock(CLOCK)


@pytest.fixture
async def house(database_url: str, tmp_path: Path, clock: TestClock) -> AsyncIterator[House]:
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


def sound(artefact: Artefact | None = None) -> dict[str, Any]:
    return look(data(12_000), artefact or model())


def code_of(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


async def approved(house: House, asked: object, by: Actor = APPROVER) -> None:
    assert isinstance(asked, Approval), asked
    given = await decide_approval(
        house, by, asked.approval_id, is_approved=True, reason="read the report"
    )
    assert not isinstance(given, Refused), given


async def live(house: House, artefact: Artefact) -> str:
    await register_model(house, DEVELOPER, artefact, reason="new cards model")
    asked = await record_validation(house, VALIDATOR, sound(artefact), reason="sound")
    await approved(house, asked)
    for step in (approve_model, publish_model):
        done = await step(house, DEVELOPER, artefact.sha256, reason="goes live")
        assert not isinstance(done, Refused), done
    return artefact.sha256


async def test_three_people_bring_a_model_to_life(house: House) -> None:
    artefact = model()
    await register_model(house, DEVELOPER, artefact, reason="new cards model")
    again = await register_model(house, VALIDATOR, artefact, reason="by mistake")
    assert not isinstance(again, Refused)
    assert again.developer == "dev"
    early = await publish_model(house, DEVELOPER, artefact.sha256, reason="now")
    assert code_of(early) == "model_not_in_state"
    own = await record_validation(house, DEVELOPER, sound(), reason="sound")
    assert code_of(own) == "model_validated_by_developer"
    asked = await record_validation(house, VALIDATOR, sound(), reason="sound")
    missing = await approve_model(house, DEVELOPER, artefact.sha256, reason="now")
    assert code_of(missing) == "approval_missing"
    await approved(house, asked)
    await approve_model(house, DEVELOPER, artefact.sha256, reason="approved")
    event = await publish_model(house, DEVELOPER, artefact.sha256, reason="goes live")
    assert not isinstance(event, Refused), event
    found = await read_registered(house, artefact.sha256)
    assert found is not None
    assert found.standing == registry.Standing(
        state=State.LIVE,
        live_since=CLOCK,
        approved_until=CLOCK + registry.APPROVAL_LIFE,
        approver="bo",
    )
    assert [event.state.value for event in found.events] == [
        "draft", "validated", "approved", "live",
    ]  # fmt: skip
    async with house.database.connection() as connection:
        leaves = await connection.fetch(
            "SELECT body FROM evidence.leaf_staged WHERE leaf_type = $1", int(LeafType.PUBLICATION)
        )
        assert await store.read_file(connection, artefact.sha256) == artefact
        assert found.validation is not None
        kept = await store.read_report(connection, found.validation.validation_id)
    assert kept == sound()
    assert artefact.sha256 in leaves[0]["body"].decode()


@pytest.mark.parametrize("name", ["dev", "val"])
async def test_nobody_of_the_first_two_approves(house: House, name: str) -> None:
    artefact = model()
    await register_model(house, DEVELOPER, artefact, reason="new cards model")
    asked = await record_validation(house, VALIDATOR, sound(), reason="sound")
    assert isinstance(asked, Approval)
    involved = replace(APPROVER, name=name)
    given = await decide_approval(
        house, involved, asked.approval_id, is_approved=True, reason="mine"
    )
    if name == "val":
        # Who asked does not decide, as everywhere.
        assert code_of(given) == "approval_by_another"
        return
    refused = await approve_model(house, VALIDATOR, artefact.sha256, reason="approved")
    assert code_of(refused) == "model_approved_by_involved"


async def test_a_red_alarm_is_accepted_by_name_or_not_at_all(house: House) -> None:
    artefact = model()
    await register_model(house, DEVELOPER, artefact, reason="new cards model")
    red = look(data(12_000, bad_times=0.7))
    refused = await record_validation(house, VALIDATOR, red, reason="known fall")
    assert code_of(refused) == "model_alarm_red"
    assert "calibration" in str(refused)
    codes = sorted({alarm["code"] for alarm in red["alarms"] if alarm["level"] == "red"})
    some = await record_validation(house, VALIDATOR, red, reason="x", accepted=codes[:1])
    assert code_of(some) == "model_alarm_red"
    asked = await record_validation(house, VALIDATOR, red, reason="known fall", accepted=codes)
    assert isinstance(asked, Approval)
    assert codes[0] in asked.summary


async def test_a_broken_direction_is_never_accepted(house: House) -> None:
    content = document()
    content["characteristics"][0]["values"] = [-300_000, 900_000, 200_000]
    content["characteristics"][1]["unknown"] = 0
    broken = read_artefact(file_of(content))
    await register_model(house, DEVELOPER, broken, reason="new cards model")
    found = look(data(), broken)
    accepted = [alarm["code"] for alarm in found["alarms"]]
    refused = await record_validation(house, VALIDATOR, found, reason="x", accepted=accepted)
    assert code_of(refused) == "model_direction_broken"
    # A document that keeps silent about it changes nothing.
    silent = found | {"alarms": [], "verdict": "green"}
    again = await record_validation(house, VALIDATOR, silent, reason="x")
    assert code_of(again) == "model_direction_broken"


async def test_a_version_stands_for_one_content(house: House) -> None:
    await register_model(house, DEVELOPER, model(), reason="new cards model")
    other = await register_model(house, DEVELOPER, model(base=1), reason="another")
    assert code_of(other) == "model_version_taken"
    collector = replace(DEVELOPER, role="collector")
    assert code_of(await register_model(house, collector, model(), reason="x")) == (
        "approval_not_allowed"
    )
    assert (
        code_of(await register_model(house, DEVELOPER, model(), reason=" "))
        == "reveal_reason_missing"
    )
    unknown = await publish_model(house, DEVELOPER, "0" * 64, reason="x")
    assert code_of(unknown) == "model_not_found"


async def test_an_expired_approval_publishes_nothing_and_is_an_alarm(
    house: House, clock: TestClock
) -> None:
    artefact = model()
    await register_model(house, DEVELOPER, artefact, reason="new cards model")
    await approved(house, await record_validation(house, VALIDATOR, sound(), reason="sound"))
    await approve_model(house, DEVELOPER, artefact.sha256, reason="approved")
    clock.advance(registry.APPROVAL_LIFE)
    late = await publish_model(house, DEVELOPER, artefact.sha256, reason="late")
    assert code_of(late) == "model_approval_expired"
    # A second validation and approval bring it back.
    await approved(house, await record_validation(house, VALIDATOR, sound(), reason="again"))
    await approve_model(house, DEVELOPER, artefact.sha256, reason="approved")
    done = await publish_model(house, DEVELOPER, artefact.sha256, reason="goes live")
    assert not isinstance(done, Refused), done
    clock.advance(registry.VALIDATION_LIFE - timedelta(days=10))
    [found] = await list_registered(house, page=10)
    notices = registry.notices_of(found.standing, found.validation, at=house.clock.now())
    assert [(notice.code, notice.level.value) for notice in notices] == [
        ("validation_expires", "amber"), ("approval_expires", "amber"),
    ]  # fmt: skip
    clock.advance(timedelta(days=10))
    notices = registry.notices_of(found.standing, found.validation, at=house.clock.now())
    assert {notice.level.value for notice in notices} == {"red"}


async def test_a_retired_model_stays_retired(house: House) -> None:
    sha256 = await live(house, model())
    done = await retire_model(house, DEVELOPER, sha256, reason="replaced")
    assert not isinstance(done, Refused), done
    assert code_of(await publish_model(house, DEVELOPER, sha256, reason="x")) == (
        "model_not_in_state"
    )


async def test_what_was_kept_cannot_be_changed(house: House) -> None:
    await live(house, model())
    async with house.database.connection() as connection:
        for table in ("model", "validation", "model_event"):
            with pytest.raises(asyncpg.PostgresError, match="only added to"):
                await connection.execute(f"DELETE FROM models.{table}")


class _Policy:
    """As much of a policy as the check reads."""

    def __init__(self, canonical: bytes) -> None:
        self.canonical = canonical


async def test_a_policy_waits_for_its_model(house: House) -> None:
    artefact = model()
    named: Any = _Policy(b'{"model": {"sha256": "%s"}}' % artefact.sha256.encode())
    without: Any = _Policy(b"{}")
    async with house.database.connection() as connection:
        assert await check_policy_model(connection, without, at=CLOCK) is None
        early = await check_policy_model(connection, named, at=CLOCK)
        assert code_of(early) == "model_not_released"
    await live(house, artefact)
    async with house.database.connection() as connection:
        assert await check_policy_model(connection, named, at=CLOCK) is None
        late = await check_policy_model(connection, named, at=CLOCK + registry.APPROVAL_LIFE)
        assert code_of(late) == "model_approval_expired"
