"""What the house knows becomes events, once, and features follow from them as lending says."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.store.applicants import Counter
from tests.store.raise_desk import open_line

from counterfoil.decisioning.document import load_policy
from counterfoil.features import store
from counterfoil.features.event import Draft
from counterfoil.features.fold import AsOf
from counterfoil.features.refusals import EVENT_SOURCE_OFF, EVENT_WITHOUT_BASIS
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.knowing.facts import Facts, Quality, facts_for
from counterfoil.journeys.knowing.tell_events import repair, take, tell, tell_everybody
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.behaviour import behaviour_facts
from counterfoil.lending.behaviour_store import read_behaviour
from counterfoil.lending.store import read_lines
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.settings import Settings

TODAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
STAFF = Actor(name="bo", role="compliance", source="test")
OWN = [
    name for name in (one.name for one in load_policy("raise-2026-01").features)
    if name.startswith("own_")
]  # fmt: skip


@pytest.fixture
async def clock() -> TestClock:
    return TestClock(NOW)


@pytest.fixture
async def house(database_url: str, tmp_path: Path, clock: TestClock) -> AsyncIterator[House]:
    async with open_house(
        Settings(home=tmp_path), database_url, clock=clock, first_date=TODAY
    ) as it:
        yield it


async def known(house: House, customer_id: int, names: list[str], **asked: Any) -> Facts:
    async with house.database.transaction() as connection:
        return await facts_for(house, connection, customer_id, names, **asked)


def statement(customer_id: int, record: str = "crm-1", **changes: Any) -> Draft:
    draft = Draft(
        customer_id=customer_id,
        kind="statement",
        source="applicant",
        source_record=record,
        line_id=None,
        purpose="origination",
        legal_basis="contract",
        consent_id=None,
        occurred_on=TODAY,
        occurred_at=NOW,
        known_at=None,
        expires_at=None,
        facts={"debt_monthly_minor": 200_000},
    )
    return draft._replace(**changes)


@pytest.mark.parametrize("days_late", [0, 2, 9])
async def test_own_behaviour_is_what_lending_says(house: House, days_late: int) -> None:
    customer_id = await Counter(house, persons=1).register("one")
    line_id = await open_line(house, customer_id, days_late=days_late)
    facts = await known(house, customer_id, OWN, purpose="limit_increase", line_id=line_id)
    async with house.database.connection() as connection:
        key = (customer_id, line_id)
        line = (await read_lines(connection, [key]))[key]
        history = (await read_behaviour(connection, [key], TODAY))[key]
    lending = behaviour_facts(line, history, TODAY)
    # Held amounts are no events: the line itself says how much of it is in use.
    assert facts.values | {"own_used_ppm": 0} == lending | {"own_used_ppm": 0}
    assert facts.values["own_used_ppm"] is None
    assert facts.values["own_instalments_paid"] == 4


async def test_decisions_tell_what_they_read_and_concluded(house: House) -> None:
    view = await Counter(house).apply(debt_monthly_minor=300_000, income_monthly_minor=2_000_000)
    names = ["age_years", "debt_monthly_minor", "delay_months_latest", "own_grade", "purpose"]
    facts = await known(house, view.customer_id, [*names, "income_monthly_minor"])
    assert facts.values["debt_monthly_minor"] == 300_000
    assert facts.values["purpose"] == "travel"
    assert facts.values["own_grade"] == view.grade
    assert facts.readings["own_grade"].feature.is_inferred
    # An income is restricted: without a written consent to it nothing of it is kept here.
    assert facts.values["income_monthly_minor"] is None
    assert facts.readings["income_monthly_minor"].quality is Quality.UNKNOWN


async def test_telling_again_adds_nothing(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("one")
    await open_line(house, customer_id)
    first = await tell_everybody(house, after=0, told_before=NOW)
    async with house.database.connection() as connection:
        before = await store.read_events(connection, [customer_id])
    again = await tell_everybody(house, after=0, told_before=NOW + timedelta(days=1))
    async with house.database.connection() as connection:
        assert await store.read_events(connection, [customer_id]) == before
    assert (first, again) == ((0, 1), (0, 1))
    assert await tell_everybody(house, after=0, told_before=NOW) == (0, 0)


async def test_what_lending_takes_back_is_taken_away_from_then_on(
    house: House, clock: TestClock
) -> None:
    customer_id = await Counter(house, persons=1).register("one")
    line_id = await open_line(house, customer_id, days_late=9)
    names = ["own_days_late_worst", "own_instalments_paid"]
    before = await known(house, customer_id, names, line_id=line_id)
    clock.advance(timedelta(hours=1))
    async with house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute(
            "UPDATE lending.instalment SET settled_on = NULL WHERE instalment_no = 4"
        )
    after = await known(house, customer_id, names, line_id=line_id)
    assert before.values == {"own_days_late_worst": 9, "own_instalments_paid": 4}
    assert after.values == {"own_days_late_worst": 80, "own_instalments_paid": 3}
    then = await known(house, customer_id, names, line_id=line_id, as_of=before.as_of)
    assert then.values == before.values


async def test_an_event_is_taken_once_and_known_from_when_it_came(
    house: House, clock: TestClock
) -> None:
    customer_id = await Counter(house, persons=1).register("one")
    asked = await known(house, customer_id, ["debt_monthly_minor"])
    late = statement(customer_id, occurred_on=TODAY - timedelta(days=30))
    async with house.database.transaction() as connection:
        first = await take(house, connection, [late])
        again = await take(house, connection, [late])
        other = await take(house, connection, [late._replace(facts={"debt_monthly_minor": 9})])
    assert (first.accepted, again.duplicates, other.quarantined) == (1, 1, 1)
    then = await known(house, customer_id, ["debt_monthly_minor"], as_of=asked.as_of)
    assert (asked.values, then.values) == ({"debt_monthly_minor": None},) * 2
    now = await known(house, customer_id, ["debt_monthly_minor"])
    assert now.values == {"debt_monthly_minor": 200_000}
    day = AsOf(on=TODAY - timedelta(days=31), known_at=now.as_of.known_at)
    earlier = await known(house, customer_id, ["debt_monthly_minor"], as_of=day)
    assert earlier.values == {"debt_monthly_minor": None}


async def test_without_a_basis_nothing_is_kept(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("one")
    drafts = [
        statement(customer_id, "a", legal_basis=""),
        statement(customer_id, "b", purpose=""),
        statement(customer_id, "c", source="social_network", legal_basis="consent"),
    ]
    async with house.database.transaction() as connection:
        taken = await take(house, connection, drafts)
        assert taken.accepted == taken.quarantined == 0
        assert taken.refused == {EVENT_WITHOUT_BASIS.code: 2, EVENT_SOURCE_OFF.code: 1}
        assert await store.quarantine_page(connection, page=10) == []


async def test_malformed_events_wait_and_are_repaired_once(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("one")
    wrong: dict[str, Any] = {"debt_monthly_minor": -5, "note": "张三 13800138000"}
    async with house.database.transaction() as connection:
        taken = await take(house, connection, [statement(customer_id, facts=wrong)])
        assert (taken.quarantined, taken.accepted) == (1, 0)
        again = await take(house, connection, [statement(customer_id, facts=wrong)])
        assert again.quarantined == 1
        [held] = await store.quarantine_page(connection, page=10)
    assert (held.reason, held.draft.facts) == ("value_impossible", {"debt_monthly_minor": -5})
    assert held.dropped == ["note"]

    async def end(facts: dict[str, Any] | None) -> Refused | int | None:
        return await repair(
            house,
            STAFF,
            customer_id=customer_id,
            event_id=held.event_id,
            facts=facts,
            reason="typo",
        )

    still = await end({"debt_monthly_minor": -6})
    assert isinstance(still, Refused)
    assert still.code == "quarantined_still_wrong"
    assert isinstance(await end({"debt_monthly_minor": 5}), int)
    assert isinstance(await end(None), Refused)
    facts = await known(house, customer_id, ["debt_monthly_minor"])
    assert facts.values == {"debt_monthly_minor": 5}


async def run(house: House, statement_text: str) -> None:
    async with house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute(statement_text)


async def test_the_database_refuses_changes_and_events_without_basis(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("one")
    await open_line(house, customer_id)
    async with house.database.transaction() as connection:
        await tell(house, connection, [customer_id])
    for change in ("UPDATE features.event SET facts = '{}'", "DELETE FROM features.event"):
        with pytest.raises(asyncpg.PostgresError, match="only added to"):
            await run(house, change)
    with pytest.raises(asyncpg.CheckViolationError, match="feature_event_without_basis"):
        await run(
            house,
            "INSERT INTO features.event SELECT customer_id, event_id + 1, kind, source, 'x', 0,"
            " false, line_id, '', legal_basis, NULL, occurred_on, occurred_at, known_at, NULL,"
            " facts FROM features.event LIMIT 1",
        )
