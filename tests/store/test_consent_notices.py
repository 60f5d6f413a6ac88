"""Notices and the consents to them in PostgreSQL: refused, confirmed again, widened."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.consent_desk import Desk, code_of, events, open_desk

from counterfoil.consents import store
from counterfoil.consents.consent import UsedConsent
from counterfoil.consents.giving import Choice
from counterfoil.consents.notice import Level, Notices
from counterfoil.journeys.consenting import consent as journey
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def test_a_refused_notice_is_kept_as_refused_and_asks_nothing_of_the_person(
    desk: Desk,
) -> None:
    customer = await desk.register()
    wish = desk.wish(
        customer,
        "marketing",
        choice=Choice.REFUSED,
        display={"dwell_ms": 0},
        authentication=desk.authentication(level=Level.LOW, at=0),
    )
    outcome = await desk.ask(wish)
    assert isinstance(outcome, Answer)
    assert orjson.loads(outcome.text)["status"] == "refused"
    async with desk.house.database.connection() as connection:
        [kept] = await store.read_refused(connection, customer)
    assert (kept.notice_code, kept.choice) == ("marketing", "refused")
    consents, refused = await journey.consents_of(desk.house, customer)
    assert (consents, refused) == ([], [kept])
    # It stops nothing that does not need it.
    assert isinstance(await desk.use(await desk.give(customer)), UsedConsent)


async def test_one_screen_stands_for_one_decision(desk: Desk) -> None:
    customer = await desk.register()
    wish = desk.wish(customer)
    assert isinstance(await desk.ask(wish), Answer)
    bundled = replace(
        desk.wish(customer, "marketing"),
        display=desk.display("marketing", screen_sha256=wish.display.screen_sha256),
    )
    assert code_of(await desk.ask(bundled)) == "consent_bundled"
    outcomes = await asyncio.gather(*(desk.ask(desk_wish) for desk_wish in [
        replace(item, display=replace(item.display, screen_sha256=bytes([9] * 32)))
        for item in (desk.wish(customer), desk.wish(customer))
    ]))  # fmt: skip
    assert sorted(type(item).__name__ for item in outcomes) == ["Answer", "Refused"]


async def test_a_running_consent_is_confirmed_and_becomes_neither_wider_nor_longer(
    desk: Desk,
) -> None:
    consent = await desk.give(await desk.register(), "reporting")

    async def confirm(**changes: Any) -> Answer | Refused:
        return await journey.reconfirm(
            desk.house,
            customer_id=consent.customer_id,
            consent_id=consent.consent_id,
            display=desk.display("reporting", **changes),
            authentication=desk.authentication(),
            channel="portal",
            idempotency_key=f"confirm-{changes}",
        )

    assert isinstance(await confirm(), Answer)
    assert code_of(await confirm(dwell_ms=1)) == "consent_dwell_too_short"
    after = await desk.stored(consent.customer_id, consent.consent_id)
    assert (after.body, after.not_after) == (consent.body, consent.not_after)
    assert await events(desk, consent.consent_id) == ["given", "reconfirmed"]
    await desk.withdraw(consent)
    assert code_of(await confirm(language="en")) == "consent_withdrawn"


def with_second_version(desk: Desk, **scope: Any) -> Desk:
    """Return a desk whose origination notice has a second version with another scope."""
    notices = desk.house.notices
    first = notices.version("inquiry-origination", 1)
    assert first is not None
    second = replace(
        first,
        version=2,
        valid_from=date(2026, 3, 1),
        scope=replace(first.scope, **scope),
        texts={
            language: replace(text, title=text.title + " 2")
            for language, text in first.texts.items()
        },
    )
    codes = ("credit-bureau", "lender-one", "funding-bank")
    parties = {code: notices.party(code) for code in codes}
    return replace(desk, house=replace(desk.house, notices=Notices([first, second], parties)))


@pytest.mark.parametrize(
    "wider",
    [
        {"data": frozenset({"credit_report", "contact"})},
        {"data_life_days": 31},
        {"onward": frozenset({"funding-bank"})},
    ],
)
async def test_a_wider_notice_needs_a_new_consent(desk: Desk, wider: dict[str, Any]) -> None:
    customer = await desk.register()
    consent = await desk.give(customer)
    later = with_second_version(desk, **wider)
    assert code_of(await later.use(consent)) == "consent_outdated"
    assert isinstance(await later.use(await later.give(customer)), UsedConsent)
    assert isinstance(await desk.use(consent), UsedConsent), "under its own version it holds"


async def test_a_narrower_notice_needs_none(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    later = with_second_version(desk, data_life_days=10, window_days=7)
    assert isinstance(await later.use(consent), UsedConsent)


async def test_a_version_whose_text_changed_is_refused_once_it_was_shown(desk: Desk) -> None:
    customer = await desk.register()
    await desk.give(customer)
    notices = desk.house.notices
    notice = notices.version("inquiry-origination", 1)
    assert notice is not None
    changed = replace(
        notice, texts={k: replace(v, title="Other words") for k, v in notice.texts.items()}
    )
    parties = {code: notices.party(code) for code in ("credit-bureau", "lender-one")}
    forged = replace(desk, house=replace(desk.house, notices=Notices([changed], parties)))
    assert code_of(await forged.ask(forged.wish(customer))) == "notice_changed"
