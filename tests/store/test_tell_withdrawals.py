"""The bureau learns of withdrawn consents, once it listens, and then refuses by itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.bureau_desk import LENDER, Desk, open_desk

from counterfoil.consents import store
from counterfoil.consents.consent import Consent
from counterfoil.journeys.consenting.tell_withdrawals import (
    BureauSilentError,
    tell_withdrawals,
    withdrawals_consumer,
)
from counterfoil.platform.outbox import Consumer
from counterfoil.worker.withdrawals import withdrawals_job


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def withdrawn(desk: Desk) -> Consent:
    consent = await desk.consent(await desk.person())
    await desk.consents.withdraw(consent)
    return consent


async def told_once(desk: Desk, consumer: Consumer) -> int:
    """Tell a page; whoever writes anywhere on the server holds events back for a moment."""
    async with asyncio.timeout(180):
        while True:
            if passed := await tell_withdrawals(desk.house, consumer):
                return passed
            await asyncio.sleep(0.01)


async def told_at(desk: Desk, consent: Consent) -> int | None:
    async with desk.house.database.connection() as connection:
        return await store.told_at(
            connection, customer_id=consent.customer_id, consent_id=consent.consent_id
        )


async def test_the_bureau_learns_of_a_withdrawal_and_it_is_noted(desk: Desk) -> None:
    job = await withdrawals_job(desk.house)
    kept = await desk.consent(await desk.person())
    consent = await withdrawn(desk)
    assert await told_at(desk, consent) is None
    # Until the event may be read; the job rests two seconds in between.
    async with asyncio.timeout(180):
        while await told_at(desk, consent) is None:
            await job.step()
            await asyncio.sleep(0.01)
    assert desk.bureau.books.is_withdrawn(LENDER, consent.record)
    assert not desk.bureau.books.is_withdrawn(LENDER, kept.record)
    assert await told_at(desk, consent) is not None
    assert await told_at(desk, kept) is None


async def test_a_silent_bureau_is_told_again_until_it_confirms(desk: Desk) -> None:
    consumer = withdrawals_consumer(desk.house)
    await consumer.register()
    consent = await withdrawn(desk)
    desk.way.is_down = True
    for _ in range(2):
        with pytest.raises(BureauSilentError):
            await told_once(desk, consumer)
    assert await told_at(desk, consent) is None
    desk.way.is_down = False
    assert await told_once(desk, consumer) > 0
    assert desk.bureau.books.is_withdrawn(LENDER, consent.record)
    assert await tell_withdrawals(desk.house, consumer) == 0


async def test_a_consent_for_somebody_else_is_not_the_bureaus_matter(desk: Desk) -> None:
    consumer = withdrawals_consumer(desk.house)
    await consumer.register()
    consent = await desk.consents.give(await desk.person(), "marketing")
    await desk.consents.withdraw(consent)
    assert await told_once(desk, consumer) > 0
    assert not desk.bureau.books.is_withdrawn(LENDER, consent.record)
    assert await told_at(desk, consent) is None


async def test_a_house_without_a_bureau_has_nobody_to_tell(desk: Desk) -> None:
    await withdrawn(desk)
    job = await withdrawals_job(replace(desk.house, bureau=None))
    assert await job.step() == 0


async def test_what_was_told_cannot_be_rewritten(desk: Desk) -> None:
    consumer = withdrawals_consumer(desk.house)
    await consumer.register()
    await withdrawn(desk)
    await told_once(desk, consumer)
    with pytest.raises(Exception, match="only added to"):
        await desk.run("DELETE FROM consents.withdrawal_told")
