"""A policy is published by two people, once, with a leaf; nothing of it changes afterwards."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.store.applicants import Counter
from tests.unit.decisioning.cases import asked
from tests.unit.decisioning.policies import base_document, rule

from counterfoil.decisioning import publication_store as store
from counterfoil.decisioning.document import load_policy, policy_of
from counterfoil.decisioning.gate import GateReport
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import ActionCap
from counterfoil.evidence.leaf import LeafType
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.deciding.publish_policy import (
    guards_now,
    policy_in_force,
    publish_policy,
    request_publication,
    run_gate,
)
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.settings import Settings

ANALYST = Actor(name="ana", role="risk_analyst", source="cli")
COMPLIANCE = Actor(name="bo", role="compliance", source="console")


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


def next_version() -> Policy:
    return policy_of(base_document() | {"version": "2026-02"})


async def gated(house: House, policy: Policy, *, generated: int = 900) -> GateReport:
    async with house.database.connection() as connection:
        return await run_gate(
            connection, policy, asked(), replayed=100, generated=generated, at=house.clock.now()
        )


async def requested(house: House, policy: Policy) -> Approval:
    approval = await request_publication(
        house, ANALYST, await gated(house, policy), reason="new limits"
    )
    assert isinstance(approval, Approval), approval
    return approval


async def test_the_gate_replays_what_was_recorded(house: House) -> None:
    await Counter(house).apply()
    report = await gated(house, next_version())
    assert (report.replayed, report.generated, report.passed) == (1, 900, True)


async def test_two_people_publish_and_the_version_then_stands(house: House) -> None:
    policy = next_version()
    early = await publish_policy(house, ANALYST, policy, reason="new limits")
    assert isinstance(early, Refused)
    assert early.code == "policy_not_requested"
    approval = await requested(house, policy)
    alone = await publish_policy(house, ANALYST, policy, reason="new limits")
    assert isinstance(alone, Refused)
    assert alone.code == "approval_missing"
    own = await decide_approval(
        house, replace(COMPLIANCE, name="ana"), approval.approval_id, is_approved=True, reason="x"
    )
    assert isinstance(own, Refused)
    await decide_approval(house, COMPLIANCE, approval.approval_id, is_approved=True, reason="read")
    made = await publish_policy(house, ANALYST, policy, reason="new limits")
    assert not isinstance(made, Refused), made
    assert (made.author, made.approver) == ("ana", "bo")
    again = await publish_policy(house, ANALYST, policy, reason="again")
    assert isinstance(again, Refused)
    async with house.database.connection() as connection:
        [found] = await store.publications_in_force(connection, at=house.clock.now(), depth=1)
        published = await policy_in_force(connection, "origination", at=house.clock.now())
        assert found == "origination"
        assert published is not None
        assert published.hash == policy.hash
        assert await store.read_publications(connection, page=5) == [made]
        leaves = await connection.fetch(
            "SELECT body FROM evidence.leaf_staged WHERE leaf_type = $1", int(LeafType.PUBLICATION)
        )
    assert policy.hash in leaves[0]["body"].decode()


async def test_a_version_that_the_gate_refuses_is_not_asked_for(house: House) -> None:
    document = base_document()
    document["rules"].append(rule("X01", "lenders_count > 1000"))
    report = await gated(house, policy_of(document))
    refused = await request_publication(house, ANALYST, report, reason="dead rule")
    assert isinstance(refused, Refused)
    assert refused.code == "policy_gate_closed"
    assert "X01" in str(refused.message)


async def test_nobody_is_asked_to_approve_a_policy_whose_model_is_not_released(
    house: House,
) -> None:
    # Enough for each of its segments.
    report = await gated(house, load_policy("cards-2026-01"), generated=2_000)
    refused = await request_publication(house, ANALYST, report, reason="early")
    assert isinstance(refused, Refused)
    assert refused.code == "model_not_released"


async def test_what_was_published_cannot_be_changed(house: House) -> None:
    await requested(house, next_version())
    async with house.database.connection() as connection:
        with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
            await connection.execute("UPDATE decisioning.policy_gate SET report = '{}'")


async def test_the_cap_counts_what_was_recorded_within_its_window(house: House) -> None:
    counter = Counter(house)
    for _ in range(3):
        await counter.apply(delay_months_latest=3)
    cap = ActionCap(count_min=2, share_ppm=1, window_hours=1)
    capped = replace(house.policies.origination.policy, action_cap=cap)
    now = house.clock.now()
    async with house.database.connection() as connection:
        found = await guards_now(connection, capped, at=now)
        assert found.tripped == {"R01", "*"}
        later = await guards_now(connection, capped, at=now + timedelta(hours=2))
        assert not later.are_up
        assert not (await guards_now(connection, house.policies.origination.policy, at=now)).are_up
