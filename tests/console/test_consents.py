"""Pages of consents: who agreed to what, the exact words, events and hashes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record
from tests.store.consent_desk import Desk, WallClock

from counterfoil.consents.consent import Consent
from counterfoil.consents.giving import Choice
from counterfoil.evidence.staging import Leaves
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.platform.batches import Answer


@pytest.fixture
def desk(house: House) -> Desk:
    wall = WallClock(datetime(2026, 6, 1, 2, 0, tzinfo=UTC))
    return Desk(replace(house, leaves=Leaves(wall)), wall)


async def customer_of(browser: Browser) -> int:
    """Return the newest customer of the seeded lender."""
    href = first_record((await browser.get("/console/customers")).text)
    return ids.from_text(ids.CUSTOMER, href.rpartition("/")[2])


def href(consent: Consent) -> str:
    customer = ids.to_text(ids.CUSTOMER, consent.customer_id)
    number = ids.to_text(ids.CONSENT, consent.consent_id)
    return f"/console/customers/{customer}/consents/{number}"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_pages_of_consents_read_well(browser: Browser, desk: Desk, language: str) -> None:
    customer = await customer_of(browser)
    empty = await browser.get("/console/consents", language=language)
    assert (empty.status_code, faults(empty.text)) == (200, [])
    consent = await desk.give(customer)
    await desk.use(consent)
    await desk.give(customer, "inquiry-review", display={"language": "en"})
    refused = desk.wish(customer, "marketing", choice=Choice.REFUSED)
    assert isinstance(await desk.ask(refused), Answer)
    for path in ("/console/consents", href(consent).rpartition("/")[0], href(consent)):
        page = await browser.get(path, language=language)
        assert (page.status_code, faults(page.text)) == (200, [])


async def test_a_consents_page_has_the_text_word_by_word_its_events_and_its_hash(
    browser: Browser, desk: Desk
) -> None:
    consent = await desk.give(await customer_of(browser))
    await desk.use(consent)
    page = (await browser.get(href(consent))).text
    # Who sees pseudonyms is told neither number nor hash, by which everybody knows the record.
    assert consent.record not in page
    assert consent.sha256.hex() not in page
    await browser.sign_in("auditor")
    page = (await browser.get(href(consent))).text
    notice = desk.house.notices.version("inquiry-origination", 1)
    assert notice is not None
    for part in notice.texts["zh"].parts.values():
        assert part in page
    assert 'lang="zh-CN"' in page
    assert consent.sha256.hex() in page
    assert consent.record in page
    assert "Example Credit Bureau (bureau.example)" in page
    assert page.index("Used up") < page.index("Given by the customer")


async def test_a_customers_page_leads_to_the_consents(browser: Browser, desk: Desk) -> None:
    consent = await desk.give(await customer_of(browser))
    customer = ids.to_text(ids.CUSTOMER, consent.customer_id)
    page = await browser.get(f"/console/customers/{customer}")
    assert f'href="/console/customers/{customer}/consents"' in page.text
    listed = await browser.get(f"/console/customers/{customer}/consents")
    assert href(consent) in listed.text
    assert "application for credit" in listed.text


async def test_what_a_customer_refused_is_shown_as_such(browser: Browser, desk: Desk) -> None:
    customer = await customer_of(browser)
    await desk.ask(desk.wish(customer, "marketing", choice=Choice.REFUSED))
    text = ids.to_text(ids.CUSTOMER, customer)
    page = await browser.get(f"/console/customers/{text}/consents")
    assert "marketing, version 1" in page.text
    assert "refusing what is optional stops nothing else" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/console/customers/cu_0000000000000/consents",
        "/console/customers/x/consents",
        "/console/customers/cu_0000000000000/consents/cs_0000000000000",
        "/console/customers/cu_0000000000000/consents/x",
    ],
)
async def test_what_is_not_there_is_said_so(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_another_customers_consent_is_not_shown(browser: Browser, desk: Desk) -> None:
    consent = await desk.give(await customer_of(browser))
    stranger = ids.to_text(ids.CUSTOMER, consent.customer_id - 1)
    number = ids.to_text(ids.CONSENT, consent.consent_id)
    page = await browser.get(f"/console/customers/{stranger}/consents/{number}")
    assert page.status_code == 404


async def test_a_consent_is_withdrawn_for_a_customer_who_calls(
    browser: Browser, desk: Desk
) -> None:
    consent = await desk.give(await customer_of(browser))
    page = await browser.get(f"{href(consent)}/withdraw")
    assert (page.status_code, faults(page.text)) == (200, [])
    preview = await browser.submit(page, f"{href(consent)}/withdraw", channel="phone")
    assert (preview.status_code, faults(preview.text)) == (200, [])
    notice = desk.house.notices.version("inquiry-origination", 1)
    assert notice is not None
    for part in ("stops", "keeps"):
        assert notice.texts["zh"].parts[part] in preview.text
    assert (await desk.stored(consent.customer_id, consent.consent_id)).withdrawn_at is None
    done = await browser.submit(preview, f"{href(consent)}/withdraw")
    assert done.headers["location"] == f"{href(consent)}?done=consent_withdrawn"
    ended = await desk.stored(consent.customer_id, consent.consent_id)
    assert ended.withdrawn_at is not None
    page = await browser.get(done.headers["location"])
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "The consent is withdrawn." in page.text
    assert "By phone" in page.text


async def test_who_may_not_withdraw_a_consent_is_told(
    browser: Browser, stranger: Browser, desk: Desk
) -> None:
    consent = await desk.give(await customer_of(browser))
    await stranger.sign_in("auditor")
    assert (await stranger.get(f"{href(consent)}/withdraw")).status_code == 403
