"""What is known of a customer's identity, as members of staff see it."""

from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.customers.verification_policy import CheckKind
from counterfoil.journeys.serving.identity import Shown, check_identity, open_cases
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused


async def test_a_customer_shows_checks_what_acts_need_and_cases(browser: Browser) -> None:
    customer = first_record((await browser.get("/console/customers")).text)
    empty = await browser.get(f"{customer}/identity")
    assert "No checks yet" in empty.text
    shown = Shown(
        customer_id=ids.from_text(ids.CUSTOMER, customer.rpartition("/")[2]),
        kind=CheckKind.BANK_CARD,
        source="card-network",
        presented="another",
    )
    kept = await check_identity(browser.house, shown, by="test", idempotency_key="k")
    assert not isinstance(kept, Refused), kept
    page = await browser.get(f"{customer}/identity")
    assert page.status_code == 200
    assert faults(page.text) == []
    for words in ("Card network", "known of somebody else", "Bank card of somebody else", "Waits"):
        assert words in page.text
    chinese = await browser.get(f"{customer}/identity", language="zh-CN")
    assert "银行卡属于他人" in chinese.text
    assert f"{customer}/identity" in (await browser.get(customer)).text


async def test_a_person_closes_a_case_with_what_was_found(
    browser: Browser, stranger: Browser
) -> None:
    customer = first_record((await browser.get("/console/customers")).text)
    customer_id = ids.from_text(ids.CUSTOMER, customer.rpartition("/")[2])
    shown = Shown(
        customer_id=customer_id, kind=CheckKind.DOCUMENT, source="branch", presented="another"
    )
    kept = await check_identity(browser.house, shown, by="test", idempotency_key="case")
    assert not isinstance(kept, Refused), kept
    listed = await browser.get("/console/identity-cases")
    assert faults(listed.text) == []
    cases = await open_cases(browser.house)
    case = next(item for item in cases if item.reason == "document_of_another")
    href = f"{customer}/identity-cases/{ids.to_text(ids.IDENTITY_CASE, case.case_id)}"
    assert href in listed.text
    assert (await browser.get(href)).status_code == 403, "an administrator looks after no cases"
    await stranger.sign_in("compliance")
    form = await stranger.get(href)
    assert (await stranger.submit(form, href, finding="")).status_code == 422
    done = await stranger.submit(form, href, finding="the branch mixed two files up")
    assert done.headers["location"] == "/console/identity-cases?done=identity_case_closed"
    assert href not in (await browser.get("/console/identity-cases")).text
    page = await browser.get(f"{customer}/identity")
    assert "the branch mixed two files up" in page.text
    assert (await stranger.get(href)).status_code == 404
