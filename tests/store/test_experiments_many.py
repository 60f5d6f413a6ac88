"""Experiments where many are decided at once, and where a bureau or a line is asked about."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.applicants import CLEAN, PERSONS
from tests.store.experiment_desk import CHAMPION, budget, started, text, variant
from tests.store.raise_desk import open_line, wish
from tests.store.test_experiments import BY_SCORE, reproduced

from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning.application import Application
from counterfoil.decisioning.document import load_policy, policy_of
from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.journeys.applying.enrol import NewApplicant, enrol
from counterfoil.journeys.deciding.experiment_report import report_on
from counterfoil.journeys.deciding.policies import SHIPPED
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.lines import raise_limit
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.settings import Settings


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


def applicants(count: int, **facts: Any) -> list[NewApplicant]:
    return [
        NewApplicant(
            name=person.name,
            id_number=person.id_number,
            phone=person.phone,
            purpose="travel",
            facts=CLEAN | facts,
        )
        for person in PERSONS[:count]
    ]


async def rows(house: House, query: str) -> list[Any]:
    async with house.database.connection() as connection:
        return await connection.fetch(query)


async def test_many_at_once_are_each_decided_by_their_arm(house: House) -> None:
    await started(house, text(), variant())
    answers = await enrol(house, applicants(16), product_code="cash-line-open")
    limits = {answer.policy_hash: answer.limit_minor for answer in answers
              if isinstance(answer, Application)}  # fmt: skip
    assert limits == {CHAMPION.hash: 500_000, variant().hash: 250_000}
    stored = await rows(
        house,
        "SELECT d.policy_hash, d.inputs, c.arm FROM decisioning.decision AS d"
        " JOIN decisioning.experiment_case AS c"
        " ON c.customer_id = d.customer_id AND c.subject_id = d.application_id",
    )
    assert len(stored) == 16
    for row in stored:
        assert orjson.loads(row["inputs"])["experiments"]["arm"] == row["arm"]
        assert (row["policy_hash"] == CHAMPION.hash) == (row["arm"] == "champion")
    assert await reproduced(house)


async def test_a_budget_holds_for_many_at_once_and_they_are_told_what_was_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.journeys.deciding.experiments.is_drawn", lambda *_: True)
    begun = await started(house, text("control", tables=budget(accounts=4)))
    # Half the customers are decided by a challenger as well; the group takes from both arms.
    await started(house, text(), variant())
    answers = await enrol(house, applicants(12, **BY_SCORE), product_code="cash-line-open")
    told = {
        answer.application_id: answer.status.value
        for answer in answers
        if isinstance(answer, Application)
    }
    stored = await rows(house, "SELECT application_id, status FROM decisioning.application")
    assert told == {row["application_id"]: row["status"] for row in stored}
    assert sorted(told.values()).count("approved") == 4
    async with house.database.connection() as connection:
        assert await store.read_spent(connection, begun.experiment_id) == (4, 200_000)
    both = await rows(
        house,
        "SELECT count(*) AS cases FROM decisioning.experiment_case GROUP BY customer_id",
    )
    assert sorted(row["cases"] for row in both) == [1] * 8 + [2] * 4
    assert await reproduced(house)


async def test_requests_for_a_higher_limit_are_decided_by_their_arm(house: House) -> None:
    champion = load_policy(SHIPPED["limit_increase"])
    document = orjson.loads(champion.canonical)
    tried = policy_of(document | {"version": "tried"})
    arms = [("champion", champion.hash, 500_000), ("tried", tried.hash, 500_000)]
    await started(house, text(purpose="limit_increase", arms=arms), tried)
    answers = await enrol(house, applicants(10), product_code="cash-line-open")
    customers = [item.customer_id for item in answers if isinstance(item, Application)]
    wishes = [wish(one, await open_line(house, one), f"more-{one}") for one in customers]
    made = await raise_limit.request_many(house, wishes)
    assert not [item for item in made if isinstance(item, Refused)], made
    hashes = {item.policy_hash for item in made if isinstance(item, LimitRequest)}
    assert hashes == {champion.hash, tried.hash}
    stored = await rows(house, "SELECT policy_hash, inputs FROM decisioning.limit_decision")
    for row in stored:
        arm = orjson.loads(row["inputs"])["experiments"]["arm"]
        assert (arm == "champion") == (row["policy_hash"] == champion.hash)
    report = await report_on(house, "a-challenger")
    assert isinstance(report, dict)
    assert report["cases"] == len(stored) == 10
    assert await reproduced(house)
