"""Recorded decisions come out again to the byte; what was tampered with is named."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
from tests.store.applicants import Counter

from counterfoil.decisioning.document import policy_of
from counterfoil.journeys.deciding.recheck import recheck_decisions
from counterfoil.journeys.deciding.replay_decisions import (
    Replayed,
    count_decisions,
    explain_decision,
    replay_decisions,
)
from counterfoil.journeys.deciding.todays import Today
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.catalogue import Catalogue
from counterfoil.platform.settings import Settings
from counterfoil.rules.shelf import load_packs


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


async def replayed(house: House, **more: object) -> Replayed:
    async with house.database.connection() as connection:
        found = await replay_decisions(connection, house.catalogue, **more)  # type: ignore[arg-type]
    assert isinstance(found, Replayed), found
    return found


async def test_all_decisions_and_single_ones_come_out_again(house: House) -> None:
    counter = Counter(house)
    views = [await counter.apply(delay_months_latest=delay) for delay in (0, 1, 2)]
    found = await replayed(house)
    assert (found.examined, found.reproduced, found.findings) == (3, 3, [])
    one = await replayed(house, application_id=views[0].application_id)
    assert one.examined == 1
    async with house.database.connection() as connection:
        assert await count_decisions(connection) == 3
        missing = await replay_decisions(connection, house.catalogue, application_id=1)
    assert isinstance(missing, Refused)
    assert missing.code == "decision_not_found"


async def test_today_is_compared_part_by_part(house: House) -> None:
    counter = Counter(house)
    await counter.apply()
    await counter.apply(delay_months_latest=1)
    document = orjson.loads(house.policies.origination.policy.canonical)
    for grade in document["grades"][:2]:
        grade["limits_minor"]["first_time"] = 450_000
    document["grades"][0]["rate_daily_e8"] = 24_000
    today = Today(policy=policy_of(document), at=house.clock.now())
    found = await replayed(house, today=today)
    assert found.reproduced == found.examined == found.compared == 2
    assert found.changes == {"limits": 1, "prices": 1}
    assert found.findings[0].changed_by == ("limits", "prices")


async def test_a_rule_pack_of_today_is_named_where_it_changes_a_decision(house: House) -> None:
    on = date(2026, 2, 1)
    await Counter(house).apply()
    packs = load_packs()
    [pack] = packs.values()
    rules = [replace(one, value=100_000) if one.name == "limit_most" else one for one in pack.rules]
    tighter = replace(
        pack, pack_id="cn-2026-02", sha256="0" * 64, from_date=on, supersedes=pack.pack_id,
        rules=tuple(rules),
    )  # fmt: skip
    catalogue = Catalogue(house.catalogue.products(), {**packs, tighter.pack_id: tighter})
    policy = house.policies.origination.policy
    wanted = {house.clock.now(): {}, datetime(2026, 2, 1, tzinfo=UTC): {"rule_pack": 1}}
    for at, changes in wanted.items():
        async with house.database.connection() as connection:
            found = await replay_decisions(connection, catalogue, today=Today(policy=policy, at=at))
        assert isinstance(found, Replayed)
        assert (found.examined, found.reproduced, found.changes) == (1, 1, changes)


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        (
            "UPDATE decisioning.decision SET result = replace(result, '500000', '600000')",
            "record",
        ),
        (
            "UPDATE decisioning.decision SET inputs = replace(inputs, ':500000}', ':990000}')",
            "data_or_engine",
        ),
        (
            "UPDATE decisioning.decision SET inputs = replace(inputs, 'months\":6', 'months\":-6')",
            "data",
        ),
        (
            "UPDATE decisioning.policy_version SET document = replace(document, '650', '651')",
            "policy",
        ),
        (
            "UPDATE decisioning.decision SET inputs = replace(inputs, 'cn-2026-01', 'cn-2025-01')",
            "rule_pack",
        ),
        (
            "UPDATE decisioning.decision SET inputs = replace(inputs, 'stry\":\"', 'stry\":\"0')",
            "registry",
        ),
        ("UPDATE decisioning.policy_version SET document = '{}'", "policy"),
        ("UPDATE decisioning.policy_version SET document = 'no JSON'", "policy"),
    ],
)
async def test_what_was_tampered_with_is_named(house: House, statement: str, cause: str) -> None:
    await Counter(house).apply()
    async with house.database.transaction() as connection:
        await connection.execute(statement)
    found = await replayed(house)
    assert found.causes == {cause: 1}
    assert found.reproduced == 0


#: What is done to a record, and what a replay calls it.
UNREADABLE = {
    "inputs = 'no JSON'": "data",
    "inputs = '{}'": "data",
    "inputs = '[]'": "data",
    'inputs = replace(inputs, \'"as_of":"2026\', \'"as_of":"20x6\')': "data",
    "inputs = replace(inputs, '\"as_of\"', '\"of_as\"')": "data",
    "result = 'no JSON'": "record",
    "result = '{}'": "record",
    "result = '[]'": "record",
}


async def test_a_record_that_is_none_any_more_is_named(house: House) -> None:
    await Counter(house).apply()
    for statement, cause in UNREADABLE.items():
        async with house.database.connection() as connection:
            await connection.execute("BEGIN")
            await connection.execute(f"UPDATE decisioning.decision SET {statement}")
            [finding] = (await recheck_decisions(connection, house.catalogue)).findings
            found = await replay_decisions(connection, house.catalogue)
            await connection.execute("ROLLBACK")
        assert isinstance(found, Replayed)
        assert "cannot be read" in finding.what
        assert found.causes == {cause: 1}, statement


async def test_staff_read_what_each_rule_saw(house: House) -> None:
    view = await Counter(house).apply(delay_months_latest=3)
    async with house.database.connection() as connection:
        told = await explain_decision(connection, view.application_id)
    assert not isinstance(told, Refused)
    assert told["rules"][0]["rule"] == "R01"
    assert told["rules"][0]["read"]["delay_months_latest"] == 3
    assert told["customer_is_told"]["en"] == ["You have an overdue amount that is not yet paid"]
    assert (told["decided_by"], told["final_outcome"]) == ("policy", "declined")
    assert told["decided_under"] == {
        "feature_registry": house.registry.sha256,
        "rule_pack": told["asked"]["rule_pack"],
    }
