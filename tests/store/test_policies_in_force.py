"""What was published last decides for its purpose; caps and snoozes are inputs of each case."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.applicants import Counter
from tests.unit.decisioning.cases import asked
from tests.unit.decisioning.policies import document_of

from counterfoil.decisioning import guard_store
from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.document import load_policy, policy_of
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.snooze import Snooze, SnoozeWish
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.deciding.follow_policies import PolicyFollower
from counterfoil.journeys.deciding.hold_back import hold_back
from counterfoil.journeys.deciding.policies import InForce
from counterfoil.journeys.deciding.publish_policy import (
    publish_policy,
    request_publication,
    run_gate,
)
from counterfoil.journeys.deciding.replay_decisions import replay_decisions
from counterfoil.journeys.deciding.snooze_rule import end_snooze, list_snoozes, snooze_rule
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.settings import Settings

ANALYST = Actor(name="ana", role="risk_analyst", source="cli")
COMPLIANCE = Actor(name="bo", role="compliance", source="console")
START = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings(home=tmp_path)
    clock = TestClock(START)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


def changed(name: str, **parts: Any) -> Policy:
    return policy_of(document_of(name) | parts)


async def published(house: House, policy: Policy, *, begins: datetime | None = None) -> None:
    async with house.database.connection() as connection:
        report = await run_gate(
            connection, policy, asked(), replayed=10, generated=900, at=house.clock.now()
        )
    approval = await request_publication(
        house, ANALYST, report, reason="limits", effective_from=begins
    )
    assert isinstance(approval, Approval), approval
    await decide_approval(house, COMPLIANCE, approval.approval_id, is_approved=True, reason="read")
    made = await publish_policy(house, ANALYST, policy, reason="limits", effective_from=begins)
    assert not isinstance(made, Refused), made


async def followed(house: House) -> None:
    """Read what is in force, as every process does each second."""
    await follower_of(house).read()


def follower_of(house: House) -> PolicyFollower:
    return PolicyFollower(
        *(house.database, house.policies, house.clock, house.metrics),
        *(house.registries, house.templates),
    )


async def test_each_purpose_is_decided_by_what_was_published_for_it(house: House) -> None:
    raised = changed("raise-2026-01", version="2026-99")
    await published(house, raised)
    await followed(house)
    assert house.policies.limit_increase.policy.hash == raised.hash
    assert house.policies.origination.policy.version == "2026-04"
    assert house.policies.origination.publication_id is None


async def test_a_version_decides_from_its_instant_and_the_way_back_is_a_new_event(
    house: House,
) -> None:
    first = changed("base-2026-04", version="2026-05")
    second = changed("base-2026-04", version="2026-06")
    await published(house, first)
    later = START + timedelta(days=2)
    await published(house, second, begins=later)
    await followed(house)
    assert house.policies.origination.policy.hash == first.hash
    house.clock.advance(timedelta(days=3))  # type: ignore[attr-defined]
    await followed(house)
    assert house.policies.origination.policy.hash == second.hash
    await published(house, first)
    await followed(house)
    assert house.policies.origination.policy.hash == first.hash


async def test_another_process_follows_by_itself(
    house: House, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=house.clock) as other:
        next_version = changed("base-2026-04", version="2026-05")
        await published(house, next_version)
        await followed(other)
        assert other.policies.origination.policy.hash == next_version.hash


async def test_what_caps_hold_back_and_what_is_snoozed_are_inputs_that_replay(
    house: House,
) -> None:
    document = document_of("base-2026-04")
    document |= {"version": "2026-05", "snooze": {"days_max": 14}}
    document["action_cap"] = {"count_min": 2, "share_ppm": 1, "window_hours": 1}
    policy = policy_of(document)
    await published(house, policy)
    await followed(house)
    counter = Counter(house)
    declined = [await counter.apply(delay_months_latest=3) for _ in range(3)]
    assert {view.status for view in declined} == {"declined"}
    assert await hold_back(house) == 2
    assert await hold_back(house) == 0
    await followed(house)
    assert house.policies.origination.guards.tripped == {"R01", "*"}
    held = await counter.apply(delay_months_latest=3)
    assert held.status == "referred"
    # Spans that are over are counted once, to the same sums.
    house.clock.advance(timedelta(minutes=10))  # type: ignore[attr-defined]
    assert await hold_back(house) == 0
    async with house.database.connection() as connection:
        counted = await connection.fetchval(
            "SELECT sum(cases) FROM decisioning.decision_tally WHERE rule_code = '*'"
        )
        assert counted == 4 + 3
        window = await guard_store.read_window(connection, policy, since=START)
        assert (window.cases, window.declined) == (4, 3)
    # When the window is empty again, the cap lets go.
    house.clock.advance(timedelta(hours=3))  # type: ignore[attr-defined]
    assert await hold_back(house) == 2
    await followed(house)
    assert not house.policies.origination.guards.are_up
    async with house.database.connection() as connection:
        replayed = await replay_decisions(connection, house.catalogue)
        assert not isinstance(replayed, Refused)
        assert (replayed.examined, replayed.reproduced) == (4, 4)


async def snoozing(house: House, days: int = 7) -> None:
    document = document_of("base-2026-04") | {"snooze": {"days_max": 14}}
    policy = policy_of(document)
    house.policies.put_in_force("origination", InForce(compiled=compile_python(policy)))


def wish_for(customer_id: int, rule: str = "F02", days: int = 7) -> SnoozeWish:
    return SnoozeWish(
        customer_id=customer_id,
        purpose="origination",
        rule_code=rule,
        days=days,
        reason="the bureau confirmed that the late month was its mistake",
    )


async def test_a_rule_is_suppressed_for_one_customer_by_two_people(house: House) -> None:
    await snoozing(house)
    counter = Counter(house)
    customer_id = await counter.register("one")
    wish = wish_for(customer_id)
    asked_first = await snooze_rule(house, ANALYST, wish)
    again = await snooze_rule(house, ANALYST, wish)
    assert isinstance(asked_first, Approval)
    assert isinstance(again, Approval)
    assert again.approval_id == asked_first.approval_id
    number = asked_first.approval_id
    await decide_approval(house, COMPLIANCE, number, is_approved=True, reason="seen")
    snooze = await snooze_rule(house, ANALYST, wish)
    assert isinstance(snooze, Snooze), snooze
    assert (snooze.asked_by, snooze.approved_by) == ("ana", "bo")
    view = await counter.apply(customer_id=customer_id, is_disputed=True)
    assert view.status == "approved"
    async with house.database.connection() as connection:
        row = await connection.fetchrow("SELECT inputs, result FROM decisioning.decision")
        inputs, result = orjson.loads(row["inputs"]), orjson.loads(row["result"])
        assert inputs["guards"] == {"snoozed": ["F02"], "tripped": []}
        assert result["verdicts"]["F02"] == "true"
        assert "snooze:F02" in result["guarded"]
        replayed = await replay_decisions(connection, house.catalogue)
    assert not isinstance(replayed, Refused)
    assert (replayed.examined, replayed.reproduced) == (1, 1)


@pytest.mark.parametrize(
    ("rule", "days", "code"),
    [
        ("E01", 7, "snooze_of_law"),
        ("R01", 15, "snooze_too_long"),
        ("R99", 7, "snooze_rule_unknown"),
    ],
)
async def test_what_the_policy_does_not_allow_is_not_suppressed(
    house: House, rule: str, days: int, code: str
) -> None:
    await snoozing(house)
    customer_id = await Counter(house).register("one")
    refused = await snooze_rule(house, ANALYST, wish_for(customer_id, rule, days))
    assert isinstance(refused, Refused)
    assert refused.code == code


async def test_without_a_table_snooze_nothing_is_suppressed(house: House) -> None:
    without = load_policy("base-2026-01")
    house.policies.put_in_force("origination", InForce(compiled=compile_python(without)))
    customer_id = await Counter(house).register("one")
    refused = await snooze_rule(house, ANALYST, wish_for(customer_id, "R10"))
    assert isinstance(refused, Refused)
    assert refused.code == "snooze_not_allowed"


async def test_a_snooze_ends_by_itself_and_can_be_ended(house: House) -> None:
    await snoozing(house)
    customer_id = await Counter(house).register("one")
    for _ in range(2):
        wish = wish_for(customer_id)
        approval = await snooze_rule(house, ANALYST, wish)
        assert isinstance(approval, Approval), approval
        await decide_approval(
            house, COMPLIANCE, approval.approval_id, is_approved=True, reason="seen"
        )
        assert isinstance(await snooze_rule(house, ANALYST, wish), Snooze)
    [second, first] = await list_snoozes(house, customer_id)
    other = replace(ANALYST, role="collector")
    for actor, expected in ((other, "approval_not_allowed"), (ANALYST, None)):
        ended = await end_snooze(
            house, actor, customer_id=customer_id, snooze_id=first.snooze_id, reason="not needed"
        )
        assert (ended.code if isinstance(ended, Refused) else None) == expected
    assert [item.is_active(house.clock.now()) for item in await list_snoozes(house, customer_id)] \
        == [True, False]  # fmt: skip
    assert not second.is_active(START + timedelta(days=7))
