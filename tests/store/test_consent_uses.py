"""Uses of a consent in PostgreSQL: counted there, within window, period and application."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.store.consent_desk import Desk, code_of, events, open_desk

from counterfoil.consents import store
from counterfoil.consents.consent import Use, UsedConsent
from counterfoil.consents.notice import SECONDS_PER_DAY
from counterfoil.consents.state import Status
from counterfoil.journeys.consenting import consent as journey
from counterfoil.journeys.consenting.consent_records import Given
from counterfoil.kernel.errors import Refused


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def test_a_consent_once_used_is_used_up(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    used = await desk.use(consent)
    assert isinstance(used, UsedConsent)
    assert (used.use_no, used.consent.status) == (1, Status.USED_UP)
    assert used.consent.body == consent.body
    assert code_of(await desk.use(consent)) == "consent_used_up"
    assert await events(desk, consent.consent_id) == ["given", "used", "used_up"]


async def test_of_two_workers_at_once_the_database_lets_one_use_it(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    database = desk.house.database
    ready = asyncio.Barrier(2)

    async def worker(name: str) -> UsedConsent | Refused:
        async with database.transaction() as connection:
            await connection.fetchval("SELECT 1")
            await ready.wait()
            outcome = await journey.use_consent(
                desk.house,
                connection,
                customer_id=consent.customer_id,
                consent_id=consent.consent_id,
                purpose=consent.purpose,
                recipient=consent.recipient,
                by=name,
            )
            # Both are inside their transactions: the second waits for the first one's row.
            await asyncio.sleep(0.05)
            return outcome

    outcomes = await asyncio.gather(worker("a"), worker("b"))
    assert sorted(type(item).__name__ for item in outcomes) == ["Refused", "UsedConsent"]
    assert [code_of(item) for item in outcomes if isinstance(item, Refused)] == ["consent_used_up"]
    assert await events(desk, consent.consent_id) == ["given", "used", "used_up"]


async def test_a_use_that_is_rolled_back_was_none(desk: Desk) -> None:
    consent = await desk.give(await desk.register())

    async def use_and_fail() -> None:
        async with desk.house.database.transaction() as connection:
            await journey.use_consent(
                desk.house,
                connection,
                customer_id=consent.customer_id,
                consent_id=consent.consent_id,
                purpose=consent.purpose,
                recipient=consent.recipient,
                by="test",
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await use_and_fail()
    assert isinstance(await desk.use(consent), UsedConsent)


async def test_each_reason_against_a_use_has_its_own_code(desk: Desk) -> None:
    customer, stranger = await desk.register(), await desk.register()
    consent = await desk.give(customer)
    assert code_of(await desk.use(consent, consent_id=17)) == "consent_not_found"
    assert code_of(await desk.use(consent, customer_id=stranger)) == "consent_of_another_person"
    assert (
        code_of(await desk.use(consent, purpose="inquiry_review")) == "consent_for_another_purpose"
    )
    assert (
        code_of(await desk.use(consent, recipient="other.example"))
        == "consent_for_another_recipient"
    )
    desk.wall.seconds -= 1
    assert code_of(await desk.use(consent)) == "consent_not_yet_valid"
    desk.wall.seconds += 1
    await desk.withdraw(consent)
    assert code_of(await desk.use(consent)) == "consent_withdrawn"
    assert await events(desk, consent.consent_id) == ["given", "withdrawn"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "inquiry_review"}, "consent_for_another_purpose"),
        ({"recipient": "other.example"}, "consent_for_another_recipient"),
        ({"now": -1}, "consent_not_yet_valid"),
        ({"now": 30 * SECONDS_PER_DAY + 1}, "consent_expired"),
        ({"versions": [2, 3]}, "consent_outdated"),
        ({"versions": []}, "consent_outdated"),
    ],
)
async def test_the_statement_itself_holds_every_condition(
    desk: Desk, changes: dict[str, Any], code: str
) -> None:
    consent = await desk.give(await desk.register())
    use = Use(
        customer_id=consent.customer_id,
        consent_id=consent.consent_id,
        purpose=changes.get("purpose", consent.purpose),
        recipient=changes.get("recipient", consent.recipient),
        now=consent.not_before + changes.get("now", 0),
        by="test",
    )
    async with desk.house.database.transaction() as connection:
        outcome = await store.use_consent(
            connection, use, notice_versions=changes.get("versions", [1])
        )
    assert code_of(outcome) == code


async def test_a_clock_that_steps_back_does_not_revive_what_expired(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    desk.wall.seconds = consent.not_after + 1
    assert code_of(await desk.use(consent)) == "consent_expired"
    desk.wall.seconds = consent.not_after
    assert code_of(await desk.use(consent)) == "consent_expired"
    assert await events(desk, consent.consent_id) == ["given", "expired"]


async def test_the_last_second_of_the_window_counts(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    desk.wall.seconds = consent.not_after
    assert await journey.expire_consents(desk.house) == 0
    assert isinstance(await desk.use(consent), UsedConsent)


async def test_the_close_of_day_ends_what_is_over_and_nothing_else(desk: Desk) -> None:
    customer = await desk.register()
    over, used = await desk.give(customer), await desk.give(customer)
    await desk.use(used)
    running = await desk.give(customer, "reporting")
    desk.wall.seconds = over.not_after + 1
    assert await journey.expire_consents(desk.house) == 1
    assert await journey.expire_consents(desk.house) == 0
    stored = [await desk.stored(customer, item.consent_id) for item in (over, used, running)]
    assert [item.status for item in stored] == [Status.EXPIRED, Status.USED_UP, Status.GIVEN]


async def test_a_periodic_consent_is_counted_by_period_and_never_backwards(desk: Desk) -> None:
    consent = await desk.give(await desk.register(), "inquiry-review")
    period = 90 * SECONDS_PER_DAY
    assert isinstance(await desk.use(consent), UsedConsent)
    desk.wall.seconds += period - 1
    assert code_of(await desk.use(consent)) == "consent_used_up"
    desk.wall.seconds += 1
    second = await desk.use(consent)
    assert isinstance(second, UsedConsent)
    assert (second.use_no, second.consent.status) == (2, Status.GIVEN)
    desk.wall.seconds -= 1
    assert code_of(await desk.use(consent)) == "consent_used_up"


async def test_a_consent_for_an_application_is_for_no_other(desk: Desk) -> None:
    customer = await desk.register()
    consent = await desk.give(customer)
    prepared = await journey.prepare_consents(
        desk.house, [desk.wish(customer, application_id=consent.consent_id)]
    )
    async with desk.house.database.transaction() as connection:
        await journey.store_consents(connection, prepared)
    [given] = prepared.answers
    assert isinstance(given, Given)
    assert given.consent is not None
    for other in (None, consent.consent_id + 1):
        outcome = await desk.use(given.consent, application_id=other)
        assert code_of(outcome) == "consent_for_another_application"
    used = await desk.use(given.consent, application_id=consent.consent_id)
    assert isinstance(used, UsedConsent)
