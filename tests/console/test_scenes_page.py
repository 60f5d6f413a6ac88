"""Scenes as members of staff see them, and a stop that a person lifts."""

from dataclasses import replace
from datetime import date, timedelta

from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.store.scene_desk import OFFICER, WISH, registered

from counterfoil.journeys.approve import decide_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.received import book_received
from counterfoil.journeys.paying.reconcile import take_rail_statement
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import purchase_store, scene_store, store
from counterfoil.lending.loan import Loan
from counterfoil.lending.scene_purchase import Cause, Purchase
from counterfoil.simulator.bank.statement_file import statement_text


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
    for words in ("Education and training", "Proof of enrolment", "25 %", "Stopped", href):
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


async def test_a_merchant_is_registered_licensed_and_closed_by_forms(
    browser: Browser, stranger: Browser
) -> None:
    house = browser.house
    on = await house.business_date()
    new = "/console/scenes/education/all/payee"
    assert (await browser.get(new)).status_code == 403, "an administrator asks for no payee"
    await stranger.sign_in("risk_analyst")
    listed = await stranger.get("/console/scenes")
    assert new in listed.text
    asked = {"name": "A school by form", "payee_ref": "acct-form", "reason": "contract signed"}
    form = await stranger.get(new)
    assert form.status_code == 200
    assert faults(form.text) == []
    assert (await stranger.submit(form, new, **asked | {"name": ""})).status_code == 422
    shown = await stranger.submit(form, new, **asked)
    assert "acct-form" in shown.text
    waits = await stranger.submit(shown, new, step="confirm", **asked)
    assert waits.headers["location"] == "/console/scenes?done=payee_asked"
    [approval] = [one for one in await list_approvals(house, only_open=True)
                  if "acct-form" in one.summary]  # fmt: skip
    given = await decide_approval(
        house, OFFICER, approval.approval_id, is_approved=True, reason="read it"
    )
    assert not isinstance(given, Refused), given
    done = await stranger.submit(shown, new, step="confirm", **asked)
    assert done.headers["location"] == "/console/scenes?done=payee_registered"
    async with house.database.connection() as connection:
        [payee] = await scene_store.payees_of_accounts(connection, ["acct-form"])
    href = f"/console/scenes/education/{ids.to_text(ids.MERCHANT, payee.merchant_id)}"

    paper = {"number": "L-9", "authority": "a bureau", "valid_until": on.isoformat()}
    form = await stranger.get(f"{href}/licence")
    wrong = await stranger.submit(form, f"{href}/licence", **paper, document="zz")
    assert "64" in wrong.text
    assert wrong.status_code == 422
    paper["document"] = "ab" * 32
    await act(stranger, f"{href}/licence", f"{href}?done=licence_recorded", **paper)
    page = await stranger.get(href)
    assert "L-9 · a bureau" in page.text
    assert faults(page.text) == []

    close = {"closed_on": (on + timedelta(days=1)).isoformat(), "reason": "it is shut"}
    form = await stranger.get(f"{href}/close")
    assert (await stranger.submit(form, f"{href}/close", **close)).status_code == 422, "not yet"
    close["closed_on"] = on.isoformat()
    await act(stranger, f"{href}/close", f"{href}?done=merchant_closed", **close)
    assert (await stranger.get(f"{href}/close")).status_code == 404, "once for good"
    assert "已停止经营" in (await stranger.get(href, language="zh-CN")).text


async def test_progress_and_refund_of_a_purchase_are_booked_by_forms(
    browser: Browser, stranger: Browser
) -> None:
    house = browser.house
    payee = await registered(house, replace(WISH, payee_ref="acct-given"))
    [loan] = await a_loan(house)
    purchase = Purchase(
        customer_id=loan.customer_id, purchase_id=house.ids.next(), scene="travel",
        scene_version="2026-02", merchant_id=payee.merchant_id, price_minor=400_000, currency="CNY",
    )  # fmt: skip
    async with house.database.transaction() as connection:
        now = house.clock.now()
        await purchase_store.add_purchase(connection, purchase, {}, by="t", at=now)
        await purchase_store.use_purchase(
            connection, purchase, payee_version_no=1, key="form", amount_minor=10_000, at=now
        )
        await purchase_store.settle_use(
            connection, customer_id=loan.customer_id, key="form", loan_id=loan.loan_id
        )
    merchant = ids.to_text(ids.MERCHANT, payee.merchant_id)
    record = ids.to_text(ids.PURCHASE, purchase.purchase_id)
    href = f"/console/scenes/travel/{merchant}"
    await stranger.sign_in("operations")
    given = {"given": "101", "proof": "cd" * 32}
    form = await stranger.get(f"{href}/{record}/progress")
    assert form.status_code == 200
    assert (await stranger.submit(form, f"{href}/{record}/progress", **given)).status_code == 422
    given["given"] = "95"
    await act(stranger, f"{href}/{record}/progress", f"{href}?done=progress_reported", **given)
    refund = {"loan": ids.to_text(ids.LOAN, loan.loan_id), "amount": "1.00"}
    await act(stranger, f"{href}/{record}/refund", f"{href}?done=refund_booked", **refund)
    async with house.database.connection() as connection:
        held = await purchase_store.read_purchase(
            connection, loan.customer_id, purchase.purchase_id
        )
    assert held is not None
    assert (held.progress_ppm, held.refunded_minor) == (950_000, 100)
    too_much = await stranger.get(f"{href}/{record}/refund")
    shown = await stranger.submit(too_much, f"{href}/{record}/refund", **refund | {"amount": "9e9"})
    assert shown.status_code == 422
    for wrong in ("pu_x", ids.to_text(ids.PURCHASE, 5)):
        assert (await stranger.get(f"{href}/{wrong}/refund")).status_code == 404
    await stranger.sign_in("auditor")
    assert (await stranger.get(f"{href}/{record}/progress")).status_code == 403


async def test_money_received_is_placed_by_two_people(browser: Browser, stranger: Browser) -> None:
    house = browser.house
    await browser.sign_in("finance")
    day = date(2025, 1, 7)
    text = statement_text([("thanks", "received", 12_345, "CNY", day, "B-form")])
    assert await take_rail_statement(house, text, rail="bank", on=day) == 1
    await book_received(house)
    page = await browser.get("/console/received-payments")
    assert page.status_code == 200
    assert faults(page.text) == []
    href = f"/console/received-payments/bank/{day.isoformat()}/1"
    for words in ("B-form", "123.45", "Names nothing of ours", href):
        assert words in page.text
    assert (
        "未指明我方单据" in (await browser.get("/console/received-payments", language="zh-CN")).text
    )
    await stranger.sign_in("finance")
    asked = {"choice": "belongs", "reference": "", "reason": "letter"}
    form = await stranger.get(href)
    assert (await stranger.submit(form, href, **asked)).status_code == 422, "it belongs somewhere"
    asked["choice"] = "sent_back"
    await act(stranger, href, "/console/received-payments?done=received_asked", **asked)
    [approval] = [one for one in await list_approvals(house, only_open=True)
                  if one.kind == "received_payment"]  # fmt: skip
    given = await decide_approval(
        house, OFFICER, approval.approval_id, is_approved=True, reason="seen it"
    )
    assert not isinstance(given, Refused), given
    await act(stranger, href, "/console/received-payments?done=received_placed", **asked)
    assert (await stranger.get(href)).status_code == 404
    for wrong in ("bank/2025-01-07/2", "bank/2025-13-07/1", "bank/2025-01-07/x"):
        assert (await stranger.get(f"/console/received-payments/{wrong}")).status_code == 404


async def act(visitor: Browser, href: str, leads_to: str, **asked: str) -> None:
    """Fill a form in, look at it once more, and confirm it."""
    form = await visitor.get(href)
    assert form.status_code == 200, form.text
    assert faults(form.text) == []
    shown = await visitor.submit(form, href, **asked)
    assert shown.status_code == 200, shown.text
    assert faults(shown.text) == []
    done = await visitor.submit(shown, href, step="confirm", **asked)
    assert done.headers.get("location") == leads_to, done.text


async def a_loan(house: House) -> list[Loan]:
    async with house.database.connection() as connection:
        return await store.read_loans_after(connection, status="open", page=1)
