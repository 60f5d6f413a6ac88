"""The queue of reviews and a case, as the pages of the console show and conclude them."""

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.customers.call_back import About as CallAbout
from counterfoil.customers.call_back import CallRequest, Slot
from counterfoil.decisioning.review import About, Review
from counterfoil.decisioning.vintage_store import read_vintages
from counterfoil.journeys.applying.call_back import CallWish, ask_call, read_call
from counterfoil.journeys.deciding.review import ReviewWish, ask_review
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


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_losses_stand_by_version_and_vintage_beside_what_was_foreseen(
    browser: Browser, language: str
) -> None:
    page = await browser.get("/console/reviews", language=language)
    assert faults(page.text) == []
    async with browser.house.database.connection() as connection:
        found = await read_vintages(connection)
    assert found, "the seeded lender has lines"
    lines = sum(item.lines for item in found)
    async with browser.house.database.connection() as connection:
        assert lines == await connection.fetchval("SELECT count(*) FROM lending.credit_line")
        lent = await connection.fetchval(
            "SELECT sum(original_minor) FROM lending.loan WHERE status IN ('open', 'closed')"
        )
    assert sum(item.lent_minor for item in found) == lent
    for item in found:
        assert item.lines >= item.observed >= item.defaulted
        assert item.lost_minor <= item.lent_minor
        # A card of points foresees nothing: unknown, and never zero.
        assert (item.foreseen_ppm is None) == (item.foreseen_of == 0)
    assert {"en": "Losses by version and vintage", "zh-CN": "按版本与开立月份的损失"}[
        language
    ] in page.text


async def test_a_look_at_a_version_is_ended_by_somebody_who_did_not_write_it(
    stranger: Browser,
) -> None:
    await stranger.sign_in("compliance")
    await a_review(stranger)
    async with stranger.house.database.transaction() as connection:
        policy = await connection.fetchval("SELECT policy_hash FROM decisioning.review LIMIT 1")
        await connection.execute(
            "INSERT INTO decisioning.policy_review VALUES ($1, '2026-02', 10, 4, 200000, now())"
            " ON CONFLICT DO NOTHING",
            policy,
        )
    page = await stranger.get("/console/reviews")
    assert "4 of 10" in page.text
    href = f"/console/reviews/policies/{policy}"
    assert f'href="{href}"' in page.text
    form = await stranger.get(href)
    assert faults(form.text) == []
    unsaid = await stranger.submit(form, href, conclusion="kept", reason="")
    assert unsaid.status_code == 422
    done = await stranger.submit(form, href, conclusion="changed", reason="R02 is too strict")
    assert done.status_code == 303
    page = await stranger.get("/console/reviews")
    assert "R02 is too strict" in page.text
    assert f'href="{href}"' not in page.text
    again = await stranger.submit(form, href, conclusion="kept", reason="no")
    assert again.status_code == 422


async def test_a_person_takes_a_call_and_notes_what_came_of_it(stranger: Browser) -> None:
    await stranger.sign_in("operations")
    empty = await stranger.get("/console/calls")
    assert faults(empty.text) == []
    review, _ = await a_review(stranger)
    wish = CallWish(
        customer_id=review.customer_id,
        about=CallAbout.OFFER,
        slot=Slot.MORNING,
        said="<b>ring twice</b>",
        by="portal",
    )
    call = await ask_call(stranger.house, wish)
    assert isinstance(call, CallRequest), call
    queue = await stranger.get("/console/calls")
    assert faults(queue.text) == []
    assert "&lt;b&gt;ring twice" in queue.text
    customer = ids.to_text(ids.CUSTOMER, call.customer_id)
    href = f"/console/calls/{customer}/{ids.to_text(ids.CALL_REQUEST, call.call_id)}"
    form = await stranger.get(href)
    assert faults(form.text) == []
    for step, status in (("take", "taken"), ("missed", "waiting"), ("reached", "reached")):
        sent = await stranger.submit(form, href, what=step, note="spoke")
        assert sent.status_code == 303, sent.text
        found = await read_call(stranger.house, customer_id=call.customer_id, call_id=call.call_id)
        assert isinstance(found, CallRequest)
        assert found.status == status
    over = await stranger.submit(form, href, what="reached", note="")
    assert over.status_code == 422
