"""Scenes as members of staff see them, and a stop that a person lifts."""

from dataclasses import replace
from datetime import timedelta

from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.store.scene_desk import WISH, registered

from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.lending import purchase_store, scene_store, store
from counterfoil.lending.loan import Loan
from counterfoil.lending.scene_purchase import Cause, Purchase


async def test_scenes_are_shown_and_a_person_lifts_a_stop(
    browser: Browser, stranger: Browser
) -> None:
    house = browser.house
    stop = scene_store.Stop(
        stop_id=house.ids.next(), scene="travel", merchant_id=scene_store.WHOLE, is_stopped=True,
        loans_count=20, owed_minor=100, late_minor=10, by="counterfoil", reason="tolerance",
        at=house.clock.now(),
    )  # fmt: skip
    async with house.database.transaction() as connection:
        await scene_store.add_stop(connection, stop)
    page = await browser.get("/console/scenes")
    assert page.status_code == 200
    assert faults(page.text) == []
    href = "/console/scenes/travel/all/lift"
    for words in ("Education and training", "enrolment_proof", "25 %", "Stopped", href):
        assert words in page.text
    assert "教育培训" in (await browser.get("/console/scenes", language="zh-CN")).text
    assert (await browser.get(href)).status_code == 403, "an administrator lifts no stops"
    await stranger.sign_in("compliance")
    form = await stranger.get(href)
    assert (await stranger.submit(form, href, reason="")).status_code == 422
    done = await stranger.submit(form, href, reason="the late loans were repaid")
    assert done.headers["location"] == "/console/scenes?done=scene_stop_lifted"
    assert href not in (await browser.get("/console/scenes")).text
    assert (await stranger.get(href)).status_code == 404
    assert (await stranger.get("/console/scenes/travel/mc_x/lift")).status_code == 404


async def test_a_merchant_is_shown_with_what_it_owes_back_until_when(browser: Browser) -> None:
    house = browser.house
    on = await house.business_date()
    school = replace(WISH, scene="education", name="A quiet school", payee_ref="acct-school")
    payee = await registered(house, school)
    [loan] = await a_loan(house)
    purchase = Purchase(
        customer_id=loan.customer_id, purchase_id=house.ids.next(), scene="education",
        scene_version="2026-02", merchant_id=payee.merchant_id,
        price_minor=400_000, currency="CNY", course_from=on, course_until=on, is_student=False,
    )  # fmt: skip
    async with house.database.transaction() as connection:
        await purchase_store.add_purchase(connection, purchase, {}, by="t", at=house.clock.now())
        await purchase_store.add_claim(
            connection, purchase, Cause.CLOSURE, owed_minor=90_000, due_on=on - timedelta(days=1),
            by="t", at=house.clock.now(),
        )  # fmt: skip
    record = ids.to_text(ids.MERCHANT, payee.merchant_id)
    listed = await browser.get("/console/scenes")
    href = f"/console/scenes/education/{record}"
    assert href in listed.text
    page = await browser.get(href)
    assert page.status_code == 200
    assert faults(page.text) == []
    for words in ("A quiet school", "acct-school", "4,000.00", "900.00", "Overdue", "paid nothing"):
        assert words in page.text
    assert "逾期未退" in (await browser.get(href, language="zh-CN")).text
    assert (await browser.get(f"/console/scenes/travel/{record}")).status_code == 404
    assert (await browser.get("/console/scenes/travel/mc_x")).status_code == 404


async def a_loan(house: House) -> list[Loan]:
    async with house.database.connection() as connection:
        return await store.read_loans_after(connection, status="open", page=1)
