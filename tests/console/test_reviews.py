"""The queue of reviews and a case, as the pages of the console show and conclude them."""

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.decisioning.review import About, Review
from counterfoil.journeys.review import ReviewWish, ask_review
from counterfoil.kernel import ids


async def a_review(browser: Browser) -> tuple[Review, str]:
    """Ask for a review of a declined application; return it and the application's address."""
    listed = await browser.get("/console/applications?status=declined")
    href = first_record(listed.text)
    customer, _, application = href.split("/")[3:]
    wish = ReviewWish(
        customer_id=ids.from_text(ids.CUSTOMER, customer),
        about=About.APPLICATION,
        subject_id=ids.from_text(ids.APPLICATION, application),
        said="<b>my loans are repaid</b>",
        by="api:shop",
    )
    found = await ask_review(browser.house, wish)
    assert isinstance(found, Review), found
    return found, href


def address(found: Review) -> str:
    customer = ids.to_text(ids.CUSTOMER, found.customer_id)
    return f"/console/reviews/{customer}/{ids.to_text(ids.REVIEW, found.review_id)}"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_queue_and_a_case_read_well(browser: Browser, language: str) -> None:
    empty = await browser.get("/console/reviews", language=language)
    assert faults(empty.text) == []
    found, application = await a_review(browser)
    queue = await browser.get("/console/reviews", language=language)
    assert faults(queue.text) == []
    assert address(found) in queue.text
    case = await browser.get(address(found), language=language)
    assert case.status_code == 200
    assert faults(case.text) == []
    # Everything that the machine saw, and what the customer says, never as markup.
    assert "&lt;b&gt;my loans are repaid" in case.text
    for name in ("history_months", "delay_months_latest", "lenders_count"):
        assert f"<code>{name}</code>" in case.text
    record = await browser.get(application, language=language)
    assert faults(record.text) == []


async def test_a_person_takes_a_case_and_upholds_it(stranger: Browser) -> None:
    await stranger.sign_in("compliance")
    found, _ = await a_review(stranger)
    href = address(found)
    form = await stranger.get(f"{href}/assignment")
    assert faults(form.text) == []
    taken = await stranger.submit(form, f"{href}/assignment", what="take")
    assert taken.status_code == 303
    assert "compliance" in (await stranger.get(href)).text
    form = await stranger.get(f"{href}/decision")
    assert faults(form.text) == []
    wrong = await stranger.submit(
        form, f"{href}/decision", outcome="overturn", reason="seen", facts="income", rules=""
    )
    assert wrong.status_code == 422
    assert "name=value" in wrong.text
    law = await stranger.submit(
        form, f"{href}/decision", outcome="overturn", reason="seen", facts="", rules="E01"
    )
    assert law.status_code == 422
    assert "rule E01" in law.text
    done = await stranger.submit(
        form, f"{href}/decision", outcome="uphold", reason="rightly so", facts="", rules=""
    )
    assert done.status_code == 303
    after = await stranger.get(href)
    assert "rightly so" in after.text
    assert f"{href}/decision" not in after.text


async def test_whoever_may_not_review_does_not(stranger: Browser) -> None:
    await stranger.sign_in("auditor")
    found, _ = await a_review(stranger)
    page = await stranger.get(address(found))
    assert page.status_code == 200
    assert f"{address(found)}/decision" not in page.text
    assert (await stranger.get(f"{address(found)}/decision")).status_code == 403
