"""A consent that is withdrawn, or that nobody gave, stops the use of what is known under it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.store.consent_desk import PURPOSE, START, Desk, open_desk

from counterfoil.features.event import Draft
from counterfoil.journeys.knowing.facts import facts_for
from counterfoil.journeys.knowing.tell_events import take
from counterfoil.platform.batches import Answer


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


def report(customer_id: int, consent_id: int) -> Draft:
    return Draft(
        customer_id=customer_id,
        kind="bureau_report",
        source="bureau",
        source_record=f"report-{consent_id % 1000}",
        line_id=None,
        purpose=PURPOSE,
        legal_basis="consent",
        consent_id=consent_id,
        occurred_on=START.date(),
        occurred_at=START,
        known_at=None,
        expires_at=START + timedelta(days=30),
        facts={"delay_months_latest": 1},
    )


async def delay(desk: Desk, customer_id: int, purpose: str) -> object:
    async with desk.house.database.transaction() as connection:
        facts = await facts_for(
            desk.house, connection, customer_id, ["delay_months_latest"], purpose=purpose
        )
    return facts.values["delay_months_latest"]


async def test_a_withdrawn_consent_stops_further_use_at_once(desk: Desk) -> None:
    customer_id = await desk.register()
    consent = await desk.give(customer_id)
    async with desk.house.database.transaction() as connection:
        await take(desk.house, connection, [report(customer_id, consent.consent_id)])
    assert await delay(desk, customer_id, "origination") == 1
    # It was given for the application, not for raises.
    assert await delay(desk, customer_id, "limit_increase") is None
    assert isinstance(await desk.withdraw(consent), Answer)
    assert await delay(desk, customer_id, "origination") is None


async def test_a_consent_that_nobody_gave_is_none(desk: Desk) -> None:
    customer_id = await desk.register()
    async with desk.house.database.transaction() as connection:
        await take(desk.house, connection, [report(customer_id, 99)])
    assert await delay(desk, customer_id, "origination") is None
